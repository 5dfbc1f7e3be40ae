/** Iterates over the commits that readers may see, to the head or for ever. */
import { filter, firstValueFrom, fromEvent, merge, race, timer } from 'rxjs'
import { type ChainLink, origin } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import type { Doorbell } from '../../domain/ports/index.js'
import type { CommitsOptions } from '../api.js'
import type { LogReader, OpenCommit } from './log-reader.js'
import type { Reader } from './reader.js'

export interface FollowDeps {
  readonly log: LogReader
  readonly reader: Reader
  readonly doorbell: Doorbell
}

/** A bell may be lost: how often to look all the same, in milliseconds. */
const pollMs = 1_000

/** Commits in order, header and bytes. With `follow` it waits for new ones at the head, until the signal aborts. */
export async function* followCommits(deps: FollowDeps, options: CommitsOptions): AsyncGenerator<OpenCommit> {
  const { log, reader } = deps
  const { from = 1, to = Number.MAX_SAFE_INTEGER, follow = false, signal, bodies = true } = options
  const first = typeof from === 'number' ? from : from.seq + 1
  if (!Number.isSafeInteger(first) || first < 1)
    throw annalsError('InvalidInput', { what: 'from', problem: 'it is a commit number from 1, or a position' })
  let link = await linkBefore(log, first)
  const stopped = (): boolean => signal?.aborted === true
  while (!stopped()) {
    const rung = follow ? listen(deps, signal) : undefined
    const end = Math.min((await reader.head()).seq, to)
    if (link.seq < end)
      for await (const opened of log.follow(link, { whole: bodies, to: end })) {
        if (stopped()) return
        link = opened.commit
        yield opened
      }
    if (rung === undefined || link.seq >= to) return
    await rung
  }
}

/** What the first commit of the iteration has to follow. A start beyond the log has nothing before it yet. */
async function linkBefore(log: LogReader, first: number): Promise<ChainLink> {
  if (first === 1) return origin
  const before = await log.open(first - 1)
  if (before !== undefined) return before.commit
  throw annalsError('InvalidInput', { what: 'from', problem: `the log has no commit ${first - 1} yet` })
}

/** Resolves at the next ring of this log, after the poll interval, or when the signal aborts. */
function listen({ log, doorbell }: FollowDeps, signal: AbortSignal | undefined): Promise<unknown> {
  const ring = doorbell.listen().pipe(filter((ring) => ring.log === log.name || ring.log === '*'))
  const wake = merge(ring, timer(pollMs))
  return firstValueFrom(signal === undefined ? wake : race(wake, fromEvent(signal, 'abort')))
}
