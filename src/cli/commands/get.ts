/** `annals get`: one version, byte for byte. */

import { readAsOf } from '../../../domain/as-of.js'
import { type ResourceVersion, type Tenant, versionJson } from '../../index.js'
import { CliFailure } from '../failure.js'
import type { AddCommand } from '../program.js'
import { makeSession, withTenant } from '../session.js'
import { parseTarget, settingsOf, type Target, wholeNumber } from '../settings.js'

const examples = `  annals get Patient/p1                          the current version
  annals get Patient/p1 --version 3              that version
  annals get Patient/p1 --at 2026-01-31          what was current at that instant
  annals get Patient/p1 > p1.json                exactly the stored bytes: no newline is added in a pipe
  annals get Patient/p1 --json                   with version, instant, position and author around it

A resource that is deleted, or was never there, is said on stderr, with exit code 1.`

export const addGet: AddCommand = (make, surroundings) => {
  make('get <Type/id>', 'Print a version of a resource as it is stored', examples)
    .option('--version <n>', 'this version', wholeNumber('--version', 1))
    .option('--at <instant>', 'what was current then: 2026-01-31, 2026-01-31T10:15:30Z, or a position such as 0-17-3')
    .action(async (text: string, flags: { version?: number; at?: string }) => {
      const target = parseTarget(text)
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      const { out, json } = session
      await withTenant(session, { create: false }, async (tenant) => {
        const found = await readVersion(tenant, target, flags)
        if (json) return out.line(versionJson(found))
        await out.write(found.body as Uint8Array)
        if (out.isTerminal) await out.write('\n')
      })
    })
}

async function readVersion(
  tenant: Tenant,
  target: Target,
  { version, at }: { version?: number; at?: string },
): Promise<ResourceVersion> {
  const { type, id } = target
  const found = await tenant.read(type, id, { version, at: at === undefined ? undefined : readAsOf(at) })
  const name = `${type}/${id}`
  if (found === undefined) {
    const when = at === undefined ? '' : ` at ${at}`
    const problem = version === undefined ? `there is no ${name}${when}` : `${name} has no version ${version}${when}`
    const sentence =
      (version ?? at) === undefined ? problem : `${problem}; 'annals history ${name}' lists what there is`
    throw new CliFailure('NotFound', sentence, { type, id })
  }
  if (!found.deleted) return found
  const hint =
    found.version > 1 ? `; 'annals get ${name} --version ${found.version - 1}' prints the version before` : ''
  throw new CliFailure('Deleted', `${name} is deleted: version ${found.version} of ${found.at} is a deletion${hint}`, {
    type,
    id,
    version: found.version,
    at: found.at,
  })
}
