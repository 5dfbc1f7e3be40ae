/** `annals revert` and `annals restore`: takes back what was written, by writing what was there before. */
import { Option } from 'commander'
import { readRestorePoint } from '../../../domain/as-of.js'
import type {
  Compensation,
  OnConflict,
  RestoreScope,
  RevertPlan,
  RevertTarget,
  Tenant,
  TransactionResult,
} from '../../index.js'
import { type AuditFlags, auditOptions, withAuditFlags } from '../audit.js'
import { changesBetween } from '../diff/changes.js'
import { changeJson, changeLine } from '../diff/lines.js'
import { usage } from '../failure.js'
import { transactionJson } from '../json.js'
import type { AddCommand } from '../program.js'
import { makeSession, type Session, withTenant } from '../session.js'
import { parseScope, settingsOf, wholeNumber } from '../settings.js'

interface RevertFlags extends AuditFlags {
  readonly onConflict?: OnConflict
  readonly dryRun?: boolean
  readonly allOf?: string
  readonly from?: number
  readonly through?: number
}

interface RestoreFlags extends AuditFlags {
  readonly to: string
  readonly dryRun?: boolean
}

const revertExamples = `  annals revert 12-0 --reason 'wrong file'           one transaction, as 'annals history' names it
  annals revert 12-0 --dry-run                       what it would change, conflicts included
  annals revert --all-of import-7                    everything written with --correlation import-7
  annals revert --from 12 --through 15               everything that these commits wrote
  annals revert 12-0 --on-conflict skip              leaves what others have changed since as it is

A create is answered by a deletion, an update and a deletion by the body from before. Nothing disappears from the history,
and a revert can be reverted. Without --on-conflict nothing is written when a resource has changed since (exit code 1).`

export const addRevert: AddCommand = (make, surroundings) => {
  withAuditFlags(make('revert [transaction]', 'Take back a transaction, or several together', revertExamples))
    .addOption(
      new Option('--on-conflict <policy>', 'for what others have changed since').choices(['fail', 'skip', 'force']),
    )
    .option('--all-of <correlation>', 'every transaction that was written with it')
    .option('--from <commit>', 'every transaction from this commit on', wholeNumber('--from', 1))
    .option('--through <commit>', 'the last commit', wholeNumber('--through', 1))
    .option('--dry-run', 'write nothing: show what would change')
    .action(async (transaction: string | undefined, flags: RevertFlags) => {
      const target = targetOf(transaction, flags)
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      const { onConflict } = flags
      await withTenant(session, { create: false }, async (tenant) => {
        if (flags.dryRun) return showPlan(session, tenant, await tenant.planRevert(target, { onConflict }))
        await showWritten(session, await tenant.revert(target, { ...auditOptions(flags), onConflict }))
      })
    })
}

function targetOf(transaction: string | undefined, { allOf, from, through }: RevertFlags): RevertTarget {
  const range = {
    ...(from === undefined ? undefined : { from }),
    ...(through === undefined ? undefined : { to: through }),
  }
  if (transaction !== undefined && (allOf !== undefined || from !== undefined || through !== undefined))
    throw usage('name a transaction, or --all-of, or --from, but not both')
  if (transaction !== undefined) return { transaction }
  if (allOf !== undefined) return { correlation: allOf, ...range }
  if (from !== undefined) return { from, ...range }
  throw usage("name what is taken back: a transaction such as 12-0, --all-of or --from; 'annals history' shows them")
}

const restoreExamples = `  annals restore --to 2026-11-22T10:15:00Z           the whole tenant, as it was then
  annals restore Patient --to 0-17-3                 a type, as it was at a position
  annals restore Patient/p1 --to 2026-11-22 --dry-run
  annals restore Patient/p1 --to 3                   as its version 3 was

What came later is not lost: the history keeps it, and a restore can be reverted.`

export const addRestore: AddCommand = (make, surroundings) => {
  withAuditFlags(make('restore [Type[/id]]', 'Bring back a resource, a type or the tenant as it was', restoreExamples))
    .requiredOption('--to <instant>', 'an instant, a position, or of a resource a version')
    .option('--dry-run', 'write nothing: show what would change')
    .action(async (text: string | undefined, flags: RestoreFlags) => {
      const scope: RestoreScope = text === undefined ? {} : parseScope(text)
      const to = readRestorePoint(flags.to)
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      await withTenant(session, { create: false }, async (tenant) => {
        if (flags.dryRun) return showPlan(session, tenant, await tenant.planRestore(scope, to))
        await showWritten(session, await tenant.restore(scope, to, auditOptions(flags)))
      })
    })
}

async function showWritten(session: Session, result: TransactionResult): Promise<void> {
  const { out, json, colors } = session
  if (json) return out.line(transactionJson(result))
  const { id, replayed, results } = result
  for (const { type, id: name, version, changed, op, restores } of results) {
    const what = !changed ? 'left' : op === 'delete' ? 'deleted' : 'restored'
    const as = changed && op !== 'delete' ? `, as version ${restores}` : ''
    await out.line(`${colors.bold(what)} ${type}/${name} version ${version}${as}`)
  }
  await out.flush()
  if (id === undefined) session.note('nothing to take back: nothing was written')
  else
    session.note(
      `transaction ${id}${replayed ? ', written by an earlier call' : ''}; to take it back: annals revert ${id}`,
    )
}

/** Each resource with its differences. Conflicts end with the exit code of a revert that would fail. */
async function showPlan(session: Session, tenant: Tenant, { changes }: RevertPlan): Promise<void> {
  const { out, json, colors } = session
  for (const change of changes) {
    const differences = await differencesOf(tenant, change)
    const { type, id, version, restores, action, conflict } = change
    if (json) {
      const fields = JSON.stringify({ type, id, version, restores, action, conflict })
      await out.line(`${fields.slice(0, -1)},"changes":[${differences.map(changeJson).join(',')}]}`)
      continue
    }
    const movedOn = conflict === undefined ? '' : `: changed since, it was expected at version ${conflict.expected}`
    const as = action === 'restore' ? ` to version ${restores}` : ''
    await out.line(colors.bold(`${action} ${type}/${id} from version ${version}${as}${movedOn}`))
    for (const difference of differences) await out.line(`  ${changeLine(colors, difference)}`)
  }
  await out.flush()
  const conflicts = changes.filter(({ conflict }) => conflict !== undefined).length
  session.note(`dry run: ${changes.length} resources, ${conflicts} of them changed since; nothing was written`)
}

async function differencesOf(tenant: Tenant, { type, id, version, restores, action }: Compensation) {
  if (action === 'leave') return []
  const documentOf = async (number: number): Promise<string> => {
    const found = number === 0 ? undefined : await tenant.read(type, id, { version: number })
    return found === undefined || found.deleted ? '{}' : found.text()
  }
  const changes = changesBetween(await documentOf(version), await documentOf(restores))
  return tenant.kind === 'fhir' ? changes.filter(({ path }) => !stamped.has(path)) : changes
}

/** What the store sets anew with every version. */
const stamped = new Set(['meta.versionId', 'meta.lastUpdated'])
