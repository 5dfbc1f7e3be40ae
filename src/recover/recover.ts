/** Rebuilds the pointers of a log from the log alone, by the same fold that the writer runs. */
import { type ChainLink, linkOf, origin } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { headPk, headSk, headsPrefix, logPrefix, pointerPrefixes } from '../../domain/keys.js'
import { headItem } from '../../domain/pointer.js'
import type { BlobStore, Clock, Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { livePointerItems } from '../../projections/pointers.js'
import type { CheckOptions, PointersReport } from '../api.js'
import type { LogReader } from '../read/log-reader.js'
import { lockRecovery, type RecoveryLock, type RecoveryProgress } from './recovery-lock.js'

export interface RecoverDeps {
  readonly tenant: string
  readonly shards: number
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
export async function recoverLog(deps: RecoverDeps, options: CheckOptions = {}): Promise<PointersReport> {
  const lock = await lockRecovery({ ...deps, partition: deps.log.partition, name: deps.log.name })
  let done = false
  try {
    const report = await rebuild(deps, lock, options)
    done = true
    return report
  } finally {
    await lock.release(done)
  }
}

/**
 * Removes what is there and folds the log from its first commit, or from where an interrupted recovery was. The head is
 * written last: while recovery runs, or after it was interrupted, the log has no head and nobody takes it for whole.
 */
async function rebuild(deps: RecoverDeps, lock: RecoveryLock, options: CheckOptions): Promise<PointersReport> {
  const { tenant, shards, log } = deps
  const { partition } = log
  const start = await startOf(deps, lock, options)
  const total = await log.findHead(start.seq)
  const written = itemWriter(deps, lock, start, (progress) =>
    options.onProgress?.({ done: progress.seq, total: Math.max(total, progress.seq), events: progress.events }),
  )
  let link: ChainLink = start
  let { events } = start
  try {
    for await (const { commit } of log.follow(start, { width: readAhead })) {
      if (options.signal?.aborted === true) throw annalsError('Cancelled', { what: 'recovery' })
      for (const transaction of commit.header.transactions) events += transaction.events.length
      link = linkOf(commit)
      const items = livePointerItems({ tenant, partition, shards }, commit, deps.clock.now())
      await written.add(items, { ...link, events })
    }
  } finally {
    await written.settle()
  }
  const items = await written.end()
  await checkEnd(deps, link)
  // Not by itself: a head that arrived late, when the next recovery has removed pointers again, would vouch for them.
  await lock.create(headItem(tenant, partition, link))
  return { commits: link.seq, events, items: items + 1 }
}

/** Where to begin, with nothing in place but what is in front of it. */
async function startOf(deps: RecoverDeps, lock: RecoveryLock, options: CheckOptions): Promise<RecoveryProgress> {
  const { tenant, pointers, log } = deps
  const { earlier } = lock
  const isServing = (await run(pointers.get(headPk(tenant, log.partition), headSk))) !== undefined
  if (earlier !== undefined && !isServing && (await log.open(earlier.seq))?.commit.hash === earlier.hash) return earlier
  if (isServing) await checkChain(deps, lock, options)
  // The head first: from then on nobody takes what is left for whole.
  for (const prefixes of [[headsPrefix(log)], pointerPrefixes(log)])
    await lock.during(() => run(pointers.deleteByPrefix(prefixes)))
  const start = { ...origin, events: 0, items: 0 }
  await lock.renew(start)
  return start
}

/** Writes items in large batches, one of them while the next one is being gathered. */
function itemWriter(
  deps: RecoverDeps,
  lock: RecoveryLock,
  start: RecoveryProgress,
  onWritten: (progress: RecoveryProgress) => void,
) {
  let pending: Item[] = []
  let last: (ChainLink & { readonly events: number }) | undefined
  let { items } = start
  let writing: Promise<void> = Promise.resolve()

  async function flush(): Promise<void> {
    await writing
    const batch = pending
    const reached = last
    pending = []
    writing = (async () => {
      await run(deps.pointers.putAll(batch))
      items += batch.length
      if (reached === undefined) return
      const progress = { ...reached, items }
      await lock.renew(progress)
      onWritten(progress)
    })()
    // Its turn to be heard comes with the next batch.
    writing.catch(() => undefined)
  }

  return {
    async add(more: ReadonlyArray<Item>, reached: ChainLink & { readonly events: number }): Promise<void> {
      for (const item of more) pending.push(item)
      last = reached
      if (pending.length >= itemsPerWrite) await flush()
    },
    settle: () => writing.catch(() => undefined),
    async end(): Promise<number> {
      await flush()
      await writing
      return items
    },
  }
}

/** Pointers that still serve are not given up for a log that can't be folded to its end. Lost ones are no loss. */
async function checkChain(deps: RecoverDeps, lock: RecoveryLock, { signal }: CheckOptions): Promise<void> {
  const { log } = deps
  let link: ChainLink = origin
  for await (const { commit } of log.follow(origin, { width: readAhead })) {
    if (signal?.aborted === true) throw annalsError('Cancelled', { what: 'recovery' })
    link = commit
    if (commit.seq % commitsPerRenewal === 0) await lock.renew()
  }
  await checkEnd(deps, link)
}

/** The log ends where it ends, and not at a hole: the next number there would be one that was used. */
export async function checkEnd(
  { tenant, blobs, log }: Pick<RecoverDeps, 'tenant' | 'blobs' | 'log'>,
  { seq }: Pick<ChainLink, 'seq'>,
): Promise<void> {
  const { entries } = await run(blobs.list(logPrefix(tenant, log.partition), { after: log.key(seq), limit: 1 }))
  const next = entries[0]?.key
  // The very next number is of a writer that was not stopped; opening heals forward over it.
  if (next === undefined || next === log.key(seq + 1)) return
  throw annalsError('Corrupt', { key: log.key(seq + 1), problem: 'the commit is missing, though later ones exist' })
}
