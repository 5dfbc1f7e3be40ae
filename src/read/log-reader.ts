/** Reads commits of one log by their number. Numbers are dense, so nothing here ever lists. */

import { type ChainLink, chainProblem } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import type { LogId } from '../../domain/keys.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { type BackOptions, type Named, walkBack } from './back.js'
import {
  type Beginning,
  headerReadBytes,
  headerReadGrowth,
  makeCommitObjects,
  missingCommit,
  type OpenCommit,
  readAheadBytes,
} from './commit-objects.js'

export { missingCommit, type OpenCommit }

export interface LogReader extends LogId {
  readonly name: string
  key(seq: number): string
  /** The commit of this number, header only; `undefined` when it does not exist yet. One range read. */
  open(seq: number): Promise<OpenCommit | undefined>
  /** The commit with its whole object. */
  openWhole(seq: number): Promise<OpenCommit | undefined>
  /**
   * The commits after `link` in order, each checked against the chain. Ends at the first free number, or after `to`.
   * Reads ahead by `width` commits and at most 16 MiB: of each commit its header, or with `whole` as much of its object as
   * its share allows, which is all of it up to 2 MiB with the default width.
   */
  follow(link: ChainLink, options?: FollowOptions): AsyncGenerator<OpenCommit>
  /** The commits from the one of `link` backwards, each checked against the chain: see `walkBack`. */
  back(link: Named, options?: BackOptions): AsyncGenerator<OpenCommit>
  /** The last number in use at or after `from`: probes 1, 2, 4, 8 … beyond it, then bisects. */
  findHead(from: number): Promise<number>
  /** The last commit at or before an instant, not beyond `head`; 0 when there is none. Bisects. */
  seqAt(instant: number, head: number): Promise<number>
}

export interface FollowOptions {
  readonly width?: number
  readonly whole?: boolean
  readonly to?: number
}

const defaultWidth = 8

export function makeLogReader(deps: LogId & { readonly blobs: BlobStore }): LogReader {
  const { tenant, partition, blobs } = deps
  const objects = makeCommitObjects(deps)
  const { name, key, begin, decoded, openFrom, openWhole } = objects

  const open = (seq: number): Promise<OpenCommit | undefined> => openFrom(seq, headerReadBytes)

  async function* follow(link: ChainLink, options: FollowOptions = {}): AsyncGenerator<OpenCommit> {
    const { width = defaultWidth, whole = false, to = Number.MAX_SAFE_INTEGER } = options
    const share = Math.max(headerReadBytes, Math.floor(readAheadBytes / width))
    const ahead: Array<Promise<Beginning | undefined>> = []
    let next = link.seq + 1
    let last = link
    try {
      for (;;) {
        // Reading ahead grows with success, so that a poll of an idle log costs one request.
        const wanted = Math.min(width, 1 + (last.seq - link.seq))
        while (ahead.length < wanted && next <= to) {
          const reading = begin(next++, whole ? share : headerReadBytes, share)
          // A read that fails while the consumer is busy with an earlier commit is not unhandled: its turn will come.
          reading.catch(() => undefined)
          ahead.push(reading)
        }
        const begun = await ahead.shift()
        if (begun === undefined) return
        const seq = last.seq + 1
        const opened = decoded(seq, begun) ?? (await openFrom(seq, share * headerReadGrowth))
        if (opened === undefined) return
        const problem = chainProblem(last, opened.commit, name)
        if (problem !== undefined) throw annalsError('Corrupt', { key: key(seq), problem })
        last = opened.commit
        yield opened
      }
    } finally {
      await Promise.allSettled(ahead)
    }
  }

  async function exists(seq: number): Promise<boolean> {
    return (await run(blobs.head(key(seq)))) !== undefined
  }

  async function findHead(from: number): Promise<number> {
    let low = from
    let step = 1
    while (await exists(low + step)) {
      low += step
      step *= 2
    }
    let high = low + step
    while (high - low > 1) {
      const middle = low + Math.floor((high - low) / 2)
      if (await exists(middle)) low = middle
      else high = middle
    }
    return low
  }

  async function seqAt(instant: number, head: number): Promise<number> {
    let low = 0
    let high = head + 1
    while (high - low > 1) {
      const middle = low + Math.floor((high - low) / 2)
      const opened = await open(middle)
      if (opened === undefined)
        throw annalsError('Corrupt', { key: key(middle), problem: 'the commit is missing, though later ones exist' })
      if (opened.commit.at <= instant) low = middle
      else high = middle
    }
    return low
  }

  const back = (link: Named, options?: BackOptions): AsyncGenerator<OpenCommit> => walkBack(objects, link, options)

  return { tenant, partition, name, key, open, openWhole, follow, back, findHead, seqAt }
}
