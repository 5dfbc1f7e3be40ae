/** The objects of a log by their number: read from the beginning, as far as the header line goes, or farther. */
import { type Commit, decodeCommit } from '../../domain/commit.js'
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

/** The beginning of an object: nothing of it has been looked at. */
export interface Beginning {
  readonly bytes: Uint8Array
  /** Whether this is all of it. */
  readonly whole: boolean
}

export interface CommitObjects extends LogId {
  readonly name: string
  key(seq: number): string
  /** Reads until the header line is whole, but no more than `most`: first so many bytes, then eight times as many, and so on. */
  begin(seq: number, first: number, most: number): Promise<Beginning | undefined>
  /** `undefined` while the header line is not whole. */
  decoded(seq: number, beginning: Beginning): OpenCommit | undefined
  /** The commit of this number; `undefined` when it does not exist yet. One range read of `size` bytes, as a rule. */
  openFrom(seq: number, size: number): Promise<OpenCommit | undefined>
  /** The commit with its whole object. */
  openWhole(seq: number): Promise<OpenCommit | undefined>
}

/** First range read for a header; a longer header is read on in steps of eight times as much. */
export const headerReadBytes = 64 * 1024
export const headerReadGrowth = 8
/** What is read ahead, all commits together. What a commit needs beyond its share is read when its turn comes. */
export const readAheadBytes = 16 * 1024 * 1024
const newline = 10

export function makeCommitObjects(deps: LogId & { readonly blobs: BlobStore }): CommitObjects {
  const { tenant, partition, blobs } = deps
  const name = logName(tenant, partition)
  const key = (seq: number): string => logKey(tenant, partition, seq)

  async function openFrom(seq: number, size: number): Promise<OpenCommit | undefined> {
    const begun = await begin(seq, size, Number.POSITIVE_INFINITY)
    return begun && decoded(seq, begun)
  }

  async function begin(seq: number, first: number, most: number): Promise<Beginning | undefined> {
    for (let size = Math.min(first, most); ; size = Math.min(size * headerReadGrowth, most)) {
      const blob = await run(blobs.get(key(seq), { start: 0, end: size }))
      if (blob === undefined) return undefined
      const { bytes } = blob
      const whole = bytes.length < size
      if (whole || size === most || bytes.includes(newline)) return { bytes, whole }
    }
  }

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

  return { tenant, partition, name, key, begin, decoded, openFrom, openWhole }
}

/** What a number below the head that nothing stands under means. */
export const missingCommit = (log: Pick<CommitObjects, 'key'>, seq: number): AnnalsError =>
  annalsError('Corrupt', { key: log.key(seq), problem: 'the commit is missing, though the head is beyond it' })
