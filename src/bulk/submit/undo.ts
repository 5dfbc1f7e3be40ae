/**
 * Takes back what a submission did, or one of its manifests: each of its transactions by one of compensating events, the last first. A
 * resource that others have changed since is left alone, and listed. Whoever takes it up again finds in the log how far it is.
 */
import { isAnnalsError } from '../../../domain/error.js'
import type { BlobStore, Clock, Ids } from '../../../domain/ports/index.js'
import { type ResourceRef, refKey } from '../../../domain/resource.js'
import { mapBounded } from '../../../domain/task.js'
import { parseTransactionId } from '../../../domain/transaction-id.js'
import type { ResourceVersion, WriteOptions } from '../../api.js'
import type { Lease } from '../../lease.js'
import type { Limits } from '../../limits.js'
import { patiently } from '../../patience.js'
import { writtenBy } from '../../saga/fence.js'
import type { Tenant } from '../../store.js'
import type { UndoConflict, Undone } from './api.js'
import type { SubmissionDocument } from './journal.js'
import {
  correlationOf,
  fencedLogs,
  halfKey,
  isPartOf,
  isUndoKey,
  manifestKeys,
  raiseFences,
  stopped,
  undoKey,
} from './names.js'

export interface UndoDeps {
  readonly tenant: Tenant
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly ids: Ids
  readonly limits: Limits
  readonly signal: AbortSignal
}

/** `manifest`: only what that one did. `keep`: writes the conflicts of a transaction, the same ones whenever it is called. */
export async function takeBack(
  deps: UndoDeps,
  submission: SubmissionDocument,
  lease: Lease,
  keep: (name: string, conflicts: ReadonlyArray<UndoConflict>) => Promise<void>,
  manifest?: string,
): Promise<Undone> {
  const logs = fencedLogs(deps.tenant, submission, manifest)
  await patiently(deps, () => raiseFences(logs, submission))
  const undone = { transactions: 0, resources: 0, conflicts: 0 }
  for (const [partition, { tenant }] of logs.entries()) {
    const found = await patiently(deps, () =>
      writtenBy(tenant, correlationOf(submission), submission.heads[partition] ?? 0),
    )
    for (const [request, transaction] of lastFirst(
      found,
      manifest === undefined ? '' : manifestKeys(submission, manifest),
    )) {
      if (deps.signal.aborted || !(await lease.renew())) throw stopped()
      const by = await undo({ deps, submission, log: tenant, transaction, found }, undoKey(request))
      const { resources, conflicts } = await outcomeOf(deps, tenant, transaction, by)
      await keep(`${partition}-${transaction}`, conflicts)
      undone.transactions++
      undone.resources += resources
      undone.conflicts += conflicts.length
    }
  }
  return undone
}

function lastFirst(found: ReadonlyMap<string, string>, begin: string): ReadonlyArray<[string, string]> {
  const place = (transaction: string): [number, number] => {
    const parsed = parseTransactionId(transaction)
    return parsed._tag === 'Right' ? [parsed.right.seq, parsed.right.transaction] : [0, 0]
  }
  return [...found]
    .filter(([request]) => !isUndoKey(request) && request.startsWith(begin))
    .sort(([, a], [, b]) => place(b)[0] - place(a)[0] || place(b)[1] - place(a)[1])
}

interface Undoing {
  readonly deps: UndoDeps
  readonly submission: SubmissionDocument
  readonly log: Tenant
  readonly transaction: string
  /** Transactions of the submission by their request keys. */
  readonly found: ReadonlyMap<string, string>
}

/** The transactions that take it back: one, unless what comes back is more than one can hold, or none, where nothing had to be written. */
async function undo(undoing: Undoing, key: string, only?: ReadonlyArray<ResourceRef>): Promise<ReadonlyArray<string>> {
  const { deps, submission, log, transaction, found } = undoing
  const known = found.get(key)
  if (known !== undefined) return [known]
  // What was halved once is halved again: halves of what was are not those of all.
  if ([...found.keys()].some((each) => isPartOf(each, key))) return undoHalves(undoing, key, only)
  const { actor, reason } = submission.options
  const audit: WriteOptions = {
    ...(actor === undefined ? undefined : { actor }),
    ...(reason === undefined ? undefined : { reason }),
    correlation: correlationOf(submission),
    request: key,
  }
  try {
    const target = { transaction, ...(only === undefined ? undefined : { only }) }
    const { id } = await patiently(deps, () => log.revert(target, { ...audit, onConflict: 'skip' }))
    return id === undefined ? [] : [id]
  } catch (error) {
    if (!isAnnalsError(error) || error._tag !== 'LimitExceeded' || only?.length === 1) throw error
    return undoHalves(undoing, key, only)
  }
}

/** One after the other, what was written last first. */
async function undoHalves(undoing: Undoing, key: string, only?: ReadonlyArray<ResourceRef>): Promise<string[]> {
  const all = only ?? [...lastOfEach(await eventsOf(undoing.log, undoing.transaction)).values()]
  const refs = all.map(({ type, id }) => ({ type, id }))
  const middle = Math.ceil(refs.length / 2)
  const last = await undo(undoing, halfKey(key, 1), refs.slice(middle))
  return [...last, ...(await undo(undoing, halfKey(key, 0), refs.slice(0, middle)))]
}

/** What was taken back of a transaction, and what was not, because others have changed it. */
async function outcomeOf(
  { limits }: UndoDeps,
  log: Tenant,
  transaction: string,
  by: ReadonlyArray<string>,
): Promise<{ readonly resources: number; readonly conflicts: ReadonlyArray<UndoConflict> }> {
  const written = lastOfEach(await eventsOf(log, transaction))
  const takenBack = new Set<string>()
  for (const each of by) for (const event of await eventsOf(log, each)) takenBack.add(refKey(event as ResourceRef))
  const left = [...written.values()].filter((event) => !takenBack.has(refKey(event)))
  const found = await mapBounded(left, limits.concurrency, async ({ type, id, version, deleted }) => {
    const now = (await log.versions(type, id, { count: 1 })).entries[0]?.version ?? 0
    // What is deleted as it was before needs no compensation.
    return now === version && deleted ? [] : [{ type, id, version, actual: now }]
  })
  return { resources: takenBack.size, conflicts: found.flat() }
}

async function eventsOf(log: Tenant, transaction: string): Promise<ReadonlyArray<ResourceVersion>> {
  const seq = Number(transaction.split('-')[0])
  for await (const { transactions } of log.commits({ from: seq, to: seq, bodies: false }))
    return transactions.find(({ id }) => id === transaction)?.events ?? []
  return []
}

const lastOfEach = (events: ReadonlyArray<ResourceVersion>): ReadonlyMap<string, ResourceVersion> =>
  new Map(events.map((event) => [refKey(event as ResourceRef), event]))
