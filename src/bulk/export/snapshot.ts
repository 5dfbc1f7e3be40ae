/**
 * The snapshot of an export: one instant, and of each log the last commit up to it. Instants strictly increase along a log, so that a
 * log whose head is at the instant or beyond it has everything up to the instant.
 */
import { type ChainLink, linkOf, origin } from '../../../domain/commit.js'
import { annalsError } from '../../../domain/error.js'
import type { Clock } from '../../../domain/ports/index.js'
import type { Limits } from '../../limits.js'
import { type LogReader, missingCommit } from '../../read/log-reader.js'
import type { Reader } from '../../read/reader.js'
import type { LogEnd } from './state.js'

/** One of the logs of a tenant. */
export interface ExportedLog {
  readonly log: LogReader
  readonly reader: Reader
}

export interface SnapshotDeps {
  readonly clock: Clock
  readonly limits: Limits
}

/** How often to look whether the other logs have passed the instant, in milliseconds. */
const lookMs = 200

export interface Snapshot {
  /** Microseconds since 1970; 0 while nothing is written. */
  readonly instant: number
  /** The last commit of each log up to it. */
  readonly ends: ReadonlyArray<LogEnd>
}

/** At the instant of the newest commit that readers see, or at an earlier one that is asked for. */
export async function snapshotOf(logs: ReadonlyArray<ExportedLog>, until: number | undefined): Promise<Snapshot> {
  const heads = await Promise.all(logs.map(({ reader }) => reader.head()))
  const instant = Math.min(until ?? Number.POSITIVE_INFINITY, Math.max(...heads.map(({ at }) => at)))
  const ends = await Promise.all(
    logs.map(async ({ log }, i) => {
      const head = heads[i] as ChainLink
      const end = head.at <= instant ? head : await linkAt(log, await log.seqAt(instant, head.seq))
      return { partition: log.partition, ...linkOf(end) }
    }),
  )
  return { instant, ends }
}

async function linkAt(log: LogReader, seq: number): Promise<ChainLink> {
  if (seq === 0) return origin
  const opened = await log.open(seq)
  if (opened === undefined) throw missingCommit(log, seq)
  return opened.commit
}

/**
 * Of several logs, one that has not come to the instant may still get a commit from before it: a writer decides its instant first, and
 * then writes. So that is waited for, as long as callers wait for their writes. Answers the ends that are then for good.
 */
export async function settled(
  { clock, limits }: SnapshotDeps,
  logs: ReadonlyArray<ExportedLog>,
  { instant, ends }: Snapshot,
  signal: AbortSignal,
): Promise<LogEnd[]> {
  const until = instant + limits.writeTimeoutMs * 1000
  const found: LogEnd[] = []
  for (const [i, { log, reader }] of logs.entries()) {
    let end = ends[i] as LogEnd
    for (;;) {
      // The time first: what is written after it is late, and not waited for.
      const isOver = clock.now() >= until
      const head = await reader.head()
      for await (const { commit } of log.follow(end, { to: head.seq })) {
        if (commit.at > instant) break
        end = { partition: log.partition, ...linkOf(commit) }
      }
      if (head.at >= instant || isOver) break
      if (signal.aborted) throw annalsError('Cancelled', { what: 'the export' })
      await clock.sleep(lookMs, signal)
    }
    found.push(end)
  }
  return found
}
