/** Rebuilds the pointers of a log from the log alone, by the same fold that the writer runs. */
import { type ChainLink, origin } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { rebuiltPrefixes } from '../../domain/keys.js'
import { headItem } from '../../domain/pointer.js'
import type { Clock, Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { pointerItems } from '../../projections/pointers.js'
import type { CheckOptions, RecoverReport } from '../api.js'
import type { LogReader } from '../read/log-reader.js'

export interface RecoverDeps {
  readonly tenant: string
  readonly pointers: PointerStore
  readonly log: LogReader
  readonly clock: Clock
}

/** Items written at once. */
const itemsPerWrite = 5_000
const readAhead = 16

/**
 * Removes what is there and folds the log from its first commit. The head is written last: while recovery runs, or after
 * it was interrupted, the log has no head and nobody takes it for whole.
 */
export async function recoverLog(deps: RecoverDeps, options: CheckOptions = {}): Promise<RecoverReport> {
  const { tenant, pointers, log } = deps
  for (const prefix of [...rebuiltPrefixes(tenant)].reverse()) await run(pointers.deleteByPrefix(prefix))
  const total = await log.findHead(0)
  let link: ChainLink = origin
  let pending: Item[] = []
  const report = { commits: 0, events: 0, items: 0 }

  const flush = async (): Promise<void> => {
    const items = pending.filter(
      (item) => item.expiresAt === undefined || item.expiresAt > deps.clock.now() / 1_000_000,
    )
    pending = []
    await run(pointers.putAll(items))
    report.items += items.length
    options.onProgress?.({ done: report.commits, total: Math.max(total, report.commits), events: report.events })
  }

  for await (const { commit } of log.follow(origin, { width: readAhead })) {
    if (options.signal?.aborted === true) throw annalsError('Cancelled', { what: 'recovery' })
    const items = pointerItems(tenant, log.partition, commit)
    for (const item of items) pending.push(item)
    report.commits++
    for (const { events } of commit.header.transactions) report.events += events.length
    link = { seq: commit.seq, hash: commit.hash, at: commit.at }
    if (pending.length >= itemsPerWrite) await flush()
  }
  await flush()
  const created = await run(pointers.compareAndSet(headItem(tenant, log.partition, link), 0))
  if (!created.done)
    throw annalsError('Unavailable', {
      operation: 'recover',
      key: log.name,
      cause: 'another process recovered the same log at the same time',
    })
  report.items++
  return report
}
