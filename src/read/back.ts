/**
 * The log backwards: newest commit first, each held against the one before it in the walk, whose `prev` is its hash. Objects are
 * fetched with one request each: how much is asked for follows from how large the commits were that came so far.
 */
import { type ChainLink, type Commit, chainProblem } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import {
  type Beginning,
  type CommitObjects,
  headerReadBytes,
  headerReadGrowth,
  missingCommit,
  type OpenCommit,
  readAheadBytes,
} from './commit-objects.js'

/** A commit by its number and hash, as the one that follows it names it. */
export type Named = Pick<ChainLink, 'seq' | 'hash'>

export interface BackOptions {
  /** The last commit of the walk, the oldest (default 1). */
  readonly to?: number
  /** Whether objects are read, not only headers. */
  readonly whole?: boolean
}

/** Commits that are asked for at once. */
const width = 16
/** Room above the largest commit so far, so that one a little larger comes in one piece, too. */
const margin = 1.25
/** How fast a large commit is forgotten: each commit that follows counts this part of it. */
const decay = 0.9

interface Reading {
  readonly seq: number
  readonly share: number
  readonly beginning: Promise<Beginning | undefined>
}

/**
 * The commits from the one of `link` down to `to`. Reads ahead by 16 commits and 16 MiB at most, and ahead grows with what was
 * walked, so that a walk that ends soon has read little more than it needs. Of a commit that is larger than all that
 * came before it only the beginning is there; the rest is read by whoever needs it.
 */
export async function* walkBack(
  objects: CommitObjects,
  link: Named,
  { to = 1, whole = false }: BackOptions = {},
): AsyncGenerator<OpenCommit> {
  const ahead: Reading[] = []
  let asked = 0
  let largest = 0
  let next = link.seq
  let later: Commit | undefined
  /** Of the first commit nothing is known, and it is asked for alone. */
  const shareOf = (): number =>
    later === undefined
      ? readAheadBytes
      : Math.min(readAheadBytes, Math.max(Math.floor(readAheadBytes / width), Math.ceil(largest * margin)))
  try {
    for (let seq = link.seq; seq >= to; seq--) {
      const wanted = Math.min(width, 1 + link.seq - seq)
      const share = whole ? shareOf() : Math.floor(readAheadBytes / width)
      while (next >= to && ahead.length < wanted && (ahead.length === 0 || asked + share <= readAheadBytes)) {
        const beginning = objects.begin(next, whole ? share : headerReadBytes, share)
        // A read that fails while the consumer is busy with a later commit is not unhandled: its turn will come.
        beginning.catch(() => undefined)
        ahead.push({ seq: next--, share, beginning })
        asked += share
      }
      const reading = ahead.shift() as Reading
      const begun = await reading.beginning
      asked -= reading.share
      const opened =
        begun && (objects.decoded(seq, begun) ?? (await objects.openFrom(seq, reading.share * headerReadGrowth)))
      if (opened === undefined) throw missingCommit(objects, seq)
      check(objects, link, opened.commit, later)
      largest = Math.max(opened.bytes.length, largest * decay)
      later = opened.commit
      yield opened
    }
  } finally {
    await Promise.allSettled(ahead.map(({ beginning }) => beginning))
  }
}

/** The first commit has to be the one of the link, and each other one what the commit behind it follows. */
function check({ name, key }: CommitObjects, link: Named, commit: Commit, later: Commit | undefined): void {
  const problem =
    later !== undefined
      ? chainProblem(commit, later, name)
      : commit.hash !== link.hash
        ? 'it has another hash than the head that names it'
        : undefined
  if (problem === undefined) return
  const seq = later?.seq ?? commit.seq
  throw annalsError('Corrupt', { key: key(seq), problem })
}
