/** `annals diff`: what changed between two versions of a resource. */
import type { ResourceVersion, Tenant } from '../../index.js'
import { changesBetween } from '../diff/changes.js'
import { changeJson, changeLine } from '../diff/lines.js'
import { CliFailure } from '../failure.js'
import type { AddCommand } from '../program.js'
import { makeSession, withTenant } from '../session.js'
import { parseTarget, settingsOf, type Target, wholeNumber } from '../settings.js'
import { safe } from '../text.js'

const examples = `  annals diff Patient/p1                         the current version against the one before
  annals diff Patient/p1 1                       the current version against version 1
  annals diff Patient/p1 1 3                     version 3 against version 1

One line for each difference: + added, - removed, ~ changed, then the JSON path. Numbers compare as they are written
(1.10 is not 1.1). A version that is a deletion counts as an empty document.
With --json: an array of {"path","op":"add"|"remove"|"change","before","after"}, with the JSON values themselves.`

export const addDiff: AddCommand = (make, surroundings) => {
  make('diff <Type/id> [A] [B]', 'Show what changed between two versions, by JSON path', examples).action(
    async (text: string, a: string | undefined, b: string | undefined, flags: object) => {
      const target = parseTarget(text)
      const given = [a, b].map((each) => (each === undefined ? undefined : wholeNumber('a version', 1)(each)))
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      const { out, json, colors } = session
      await withTenant(session, { create: false }, async (tenant) => {
        const after = await versionOf(tenant, target, given[1])
        const beforeVersion = given[0] ?? after.version - 1
        const before = beforeVersion === 0 ? undefined : await versionOf(tenant, target, beforeVersion)
        const changes = changesBetween(documentOf(before), documentOf(after))
        if (json) return out.line(`[${changes.map(changeJson).join(',')}]`)
        if (out.isTerminal) for (const line of heading(target, before, after)) await out.line(colors.bold(line))
        for (const change of changes) await out.line(changeLine(colors, change))
        await out.flush()
        if (changes.length === 0) session.note('no difference')
      })
    },
  )
}

async function versionOf(tenant: Tenant, { type, id }: Target, version: number | undefined): Promise<ResourceVersion> {
  const found = await tenant.read(type, id, { version })
  if (found !== undefined) return found
  const problem = version === undefined ? `there is no ${type}/${id}` : `${type}/${id} has no version ${version}`
  throw new CliFailure('NotFound', problem, { type, id })
}

const documentOf = (version: ResourceVersion | undefined): string =>
  version === undefined || version.deleted ? '{}' : version.text()

function heading({ type, id }: Target, before: ResourceVersion | undefined, after: ResourceVersion): string[] {
  const describe = (version: ResourceVersion): string =>
    [version.version, version.at, version.deleted ? '(deleted)' : '', version.actor ?? ''].join(' ').trimEnd()
  const first = before === undefined ? 'nothing' : `version ${describe(before)}`
  return [`--- ${type}/${id} ${first}`, `+++ ${type}/${id} version ${describe(after)}`].map(safe)
}
