/** Rebuilds the pointers of a log from the log alone, by the same fold that the writer runs. */
import { type ChainLink, linkOf, origin } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { headPk, headSk, headsPrefix, logPrefix, pointerPrefixes } from '../../domain/keys.js'
import { headItem } from '../../domain/pointer.js'
import type { BlobStore, Clock, Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { pointerItems } from '../../projections/pointers.js'
import type { CheckOptions, RecoverReport } from '../api.js'
import type { LogReader } from '../read/log-reader.js'
import { lockRecovery, type RecoveryLock } from './recovery-lock.js'

export interface RecoverDeps {
  readonly tenant: string
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly log: LogReader
  readonly clock: Clock
}

/** Items written at once. */
const itemsPerWrite = 5_000
const readAhead = 16
/** Commits that are looked at between two renewals of the lease. */
const commitsPerRenewal = 1_000

/** Rebuilds one log's pointers. A second process that tries at the same time hears `Unavailable`. */
export async function recoverLog(deps: RecoverDeps, options: CheckOptions = {}): Promise<RecoverReport> {
  const lock = await lockRecovery({ ...deps, partition: deps.log.partition, name: deps.log.name })
  try {
    return await rebuild(deps, lock, options)
  } finally {
    await lock.release()
  }
}

/**
 * Removes what is there and folds the log from its first commit. The head is written last: while recovery runs, or after
 * it was interrupted, the log has no head and nobody takes it for whole.
 */
async function rebuild(deps: RecoverDeps, lock: RecoveryLock, options: CheckOptions): Promise<RecoverReport> {
  const { tenant, pointers, log } = deps
  await checkChain(deps, lock, options)
  // The head first: from then on nobody takes what is left for whole.
  for (const prefixes of [[headsPrefix(tenant)], pointerPrefixes(tenant)])
    await lock.during(() => run(pointers.deleteByPrefix(prefixes)))
  const total = await log.findHead(0)
  const report = { commits: 0, events: 0, items: 0 }
  let link: ChainLink = origin
  let pending: Item[] = []

  const flush = async (): Promise<void> => {
    const now = deps.clock.now() / 1_000_000
    const items = pending.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now)
    pending = []
    await lock.renew()
    await run(pointers.putAll(items))
    report.items += items.length
    options.onProgress?.({ done: report.commits, total: Math.max(total, report.commits), events: report.events })
  }

  for await (const { commit } of log.follow(origin, { width: readAhead })) {
    if (options.signal?.aborted === true) throw annalsError('Cancelled', { what: 'recovery' })
    for (const item of pointerItems(tenant, log.partition, commit)) pending.push(item)
    report.commits++
    for (const { events } of commit.header.transactions) report.events += events.length
    link = linkOf(commit)
    if (pending.length >= itemsPerWrite) await flush()
  }
  await flush()
  await checkEnd(deps, link)
  // Not by itself: a head that arrived late, when the next recovery has removed pointers again, would vouch for them.
  await lock.create(headItem(tenant, log.partition, link))
  report.items++
  return report
}

/** Pointers that still serve are not given up for a log that can't be folded to its end. Lost ones are no loss. */
async function checkChain(deps: RecoverDeps, lock: RecoveryLock, { signal }: CheckOptions): Promise<void> {
  const { tenant, pointers, log } = deps
  if ((await run(pointers.get(headPk(tenant, log.partition), headSk))) === undefined) return
  let link: ChainLink = origin
  for await (const { commit } of log.follow(origin, { width: readAhead })) {
    if (signal?.aborted === true) throw annalsError('Cancelled', { what: 'recovery' })
    link = commit
    if (commit.seq % commitsPerRenewal === 0) await lock.renew()
  }
  await checkEnd(deps, link)
}

/** The log ends where it ends, and not at a hole: the next number there would be one that was used. */
async function checkEnd({ tenant, blobs, log }: RecoverDeps, { seq }: ChainLink): Promise<void> {
  const { entries } = await run(blobs.list(logPrefix(tenant, log.partition), { after: log.key(seq), limit: 1 }))
  const next = entries[0]?.key
  // The very next number is of a writer that was not stopped; opening heals forward over it.
  if (next === undefined || next === log.key(seq + 1)) return
  throw annalsError('Corrupt', { key: log.key(seq + 1), problem: 'the commit is missing, though later ones exist' })
}
