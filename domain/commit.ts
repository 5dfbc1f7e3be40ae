/**
 * A commit: one object of the log. The first line is the header, every further line is one body.
 *
 * Each header names its predecessor's hash and its bodies' hashes, so the chain of headers proves every byte of the
 * log, and a body can later be blanked without breaking it.
 */
import { hash } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { type AnnalsError, annalsError } from './error.js'
import { type CommitHeader, CommitHeaderCodec, type EventHeader, type TransactionHeader } from './header.js'
import { parseCanonicalInstant } from './instant.js'

export const commitFormat = 'annals/1'

/** What the first commit of a log has for `prev`. */
export const genesis = '0'.repeat(64)

/** A commit as read: its header, decoded and located. Its bodies stay in storage. */
export interface Commit {
  readonly header: CommitHeader
  readonly seq: number
  /** Microseconds since 1970. */
  readonly at: number
  /** SHA-256 of the header line, without its newline: what the next header has for `prev`. */
  readonly hash: string
  /** Where the bodies begin in the object: the header line's bytes, its newline included. */
  readonly bodiesAt: number
}

export const sha256 = (bytes: Uint8Array | string): string => hash('sha256', bytes, 'hex')

/** The object of a commit: the header line, then `bodies`, which already is one line per body. */
export function encodeCommit(header: CommitHeader, bodies: Uint8Array): { bytes: Buffer; commit: Commit } {
  const line = JSON.stringify(header)
  const length = Buffer.byteLength(line)
  const bytes = Buffer.allocUnsafe(length + 1 + bodies.length)
  bytes.write(line, 0)
  bytes[length] = newline
  bytes.set(bodies, length + 1)
  const at = parseCanonicalInstant(header.at) as number
  return { bytes, commit: { header, seq: header.seq, at, hash: sha256(line), bodiesAt: length + 1 } }
}

/**
 * The header of a commit object. `bytes` may be just the beginning of the object: while the header line is not whole in
 * it, the answer is `undefined`.
 */
export function decodeCommit(
  key: string,
  bytes: Uint8Array,
  whole: boolean,
): E.Either<AnnalsError, Commit | undefined> {
  const end = bytes.indexOf(newline)
  if (end < 0) return whole ? corrupt(key, 'the header line does not end; the object is cut short') : E.right(undefined)
  const line = bytes.subarray(0, end)
  const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8')
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return corrupt(key, 'the header line is no JSON')
  }
  const format = (parsed as { format?: unknown } | null)?.format
  if (typeof format === 'string' && format.startsWith('annals/') && format !== commitFormat)
    return E.left(annalsError('UnsupportedFormat', { key, format, supported: commitFormat }))
  const decoded = CommitHeaderCodec.decode(parsed)
  if (E.isLeft(decoded)) return corrupt(key, `the header is malformed: ${decoded.left[0]?.message ?? 'unknown'}`)
  const header = decoded.right
  const at = parseCanonicalInstant(header.at)
  if (at === undefined) return corrupt(key, 'the header is malformed: at is no instant')
  return E.right({ header, seq: header.seq, at, hash: sha256(line), bodiesAt: end + 1 })
}

/** What a reader knows of the commit before: enough to check that the next one follows it. */
export interface ChainLink {
  readonly seq: number
  readonly hash: string
  readonly at: number
}

/** The link alone: a commit would be kept in memory with its whole header. */
export const linkOf = ({ seq, hash, at }: ChainLink): ChainLink => ({ seq, hash, at })

export const origin: ChainLink = { seq: 0, hash: genesis, at: 0 }

/** What is wrong with `commit` as the successor of `link` in `log`; `undefined` when nothing is. */
export function chainProblem(link: ChainLink, commit: Commit, log: string): string | undefined {
  const { header } = commit
  if (header.log !== log) return `it belongs to the log ${header.log}`
  if (header.seq !== link.seq + 1) return `it says that it is commit ${header.seq}`
  if (header.prev !== link.hash) return `it does not follow commit ${link.seq}: the chain hash differs`
  if (commit.at <= link.at) return `its time ${header.at} is not after that of commit ${link.seq}`
  return undefined
}

/** Every event of a commit with its index, in log order. */
export function* eventsOf(commit: Commit): Generator<{ event: EventHeader; index: number; transaction: number }> {
  let index = 0
  const { transactions } = commit.header
  for (let transaction = 0; transaction < transactions.length; transaction++)
    for (const event of (transactions[transaction] as TransactionHeader).events)
      yield { event, index: index++, transaction }
}

/** The bytes of a commit's object: the header line, and a line for every body that stands in it. */
export function objectLength(commit: Commit): number {
  let length = commit.bodiesAt
  for (const { event } of eventsOf(commit)) if (event.offset !== undefined) length += (event.length ?? 0) + 1
  return length
}

const newline = 10

const corrupt = (key: string, problem: string): E.Either<AnnalsError, never> =>
  E.left(annalsError('Corrupt', { key, problem }))
