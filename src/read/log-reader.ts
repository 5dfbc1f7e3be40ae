/** Reads commits of one log by their number. Numbers are dense, so nothing here ever lists. */

import { type ChainLink, type Commit, chainProblem, decodeCommit } from '../../domain/commit.js'
import { type AnnalsError, annalsError } from '../../domain/error.js'
import { type LogId, logKey, logName } from '../../domain/keys.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { orThrow, run } from '../../domain/task.js'

/** A commit with the beginning of its object: for small commits that is all of it. */
export interface OpenCommit {
  readonly commit: Commit
  readonly bytes: Uint8Array
  /** Whether `bytes` is the whole object. */
  readonly whole: boolean
}

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

/** The beginning of an object: nothing of it has been looked at. */
interface Beginning {
  readonly bytes: Uint8Array
  /** Whether this is all of it. */
  readonly whole: boolean
}

/** First range read for a header; a longer header is read on in steps of eight times as much. */
const headerReadBytes = 64 * 1024
const headerReadGrowth = 8
const defaultWidth = 8
/** What is read ahead, all commits together. What a commit needs beyond its share is read when its turn comes. */
export const readAheadBytes = 16 * 1024 * 1024
const newline = 10

export function makeLogReader(deps: LogId & { readonly blobs: BlobStore }): LogReader {
  const { tenant, partition, blobs } = deps
  const name = logName(tenant, partition)
  const key = (seq: number): string => logKey(tenant, partition, seq)

  const open = (seq: number): Promise<OpenCommit | undefined> => openFrom(seq, headerReadBytes)

  async function openFrom(seq: number, size: number): Promise<OpenCommit | undefined> {
    const begun = await begin(seq, size, Number.POSITIVE_INFINITY)
    return begun && decoded(seq, begun)
  }

  /** Reads until the header line is whole, but no more than `most`. */
  async function begin(seq: number, first: number, most: number): Promise<Beginning | undefined> {
    for (let size = Math.min(first, most); ; size = Math.min(size * headerReadGrowth, most)) {
      const blob = await run(blobs.get(key(seq), { start: 0, end: size }))
      if (blob === undefined) return undefined
      const { bytes } = blob
      const whole = bytes.length < size
      if (whole || size === most || bytes.includes(newline)) return { bytes, whole }
    }
  }

  /** `undefined` while the header line is not whole. */
  function decoded(seq: number, { bytes, whole }: Beginning): OpenCommit | undefined {
    const commit = orThrow(decodeCommit(key(seq), bytes, whole))
    return commit && { commit: placed(commit, seq), bytes, whole }
  }

  async function openWhole(seq: number): Promise<OpenCommit | undefined> {
    const blob = await run(blobs.get(key(seq)))
    return blob && decoded(seq, { bytes: blob.bytes, whole: true })
  }

  /** A commit that stands under another number than its own is damage, wherever it is met. */
  function placed(commit: Commit, seq: number): Commit {
    if (commit.seq === seq && commit.header.log === name) return commit
    const problem = `its header says that it is commit ${commit.seq} of ${commit.header.log}`
    throw annalsError('Corrupt', { key: key(seq), problem })
  }

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

  return { tenant, partition, name, key, open, openWhole, follow, findHead, seqAt }
}

/** What a number below the head that nothing stands under means. */
export const missingCommit = (log: LogReader, seq: number): AnnalsError =>
  annalsError('Corrupt', { key: log.key(seq), problem: 'the commit is missing, though the head is beyond it' })
