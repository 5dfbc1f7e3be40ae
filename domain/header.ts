/**
 * The header line of a commit and its io-ts codec.
 *
 * The codec is a hand-written guard inside `t.Type`: replay decodes hundreds of thousands of headers a second, and a
 * guard costs a hundredth of a composed codec. A test compares the two.
 */
import * as t from 'io-ts'

export type Op = 'create' | 'update' | 'delete'
export type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface CommitHeader {
  readonly format: 'annals/1'
  /** `{tenant}/{partition}` */
  readonly log: string
  readonly seq: number
  /** UUID of this attempt to write this number: how a writer knows its own commit again (rule 3). */
  readonly id: string
  /** `{host}:{pid}:{random}` */
  readonly writer: string
  /** An instant with microseconds, strictly increasing along the log. */
  readonly at: string
  /** SHA-256 of the previous header line. */
  readonly prev: string
  readonly transactions: ReadonlyArray<TransactionHeader>
}

export interface TransactionHeader {
  /** `{seq}-{index of the transaction}` */
  readonly id: string
  /** The caller's idempotency key. */
  readonly request?: string
  /** SHA-256 of what the caller asked for under that key. */
  readonly requestDigest?: string
  readonly actor?: string
  readonly reason?: string
  /** What the transaction is part of, such as a saga or a submission. */
  readonly correlation?: string
  /** What brought it about, such as a message. */
  readonly causation?: string
  /** The transaction that this one answers. */
  readonly compensates?: TransactionRef
  /** Of a transaction with a request key: the operations that had nothing to write. Each other one became an event, in order. */
  readonly unchanged?: ReadonlyArray<UnchangedOperation>
  readonly events: ReadonlyArray<EventHeader>
}

export interface TransactionRef {
  readonly seq: number
  readonly transaction: number
}

/** An operation by its index, and the version that stood when its turn came (0: none). */
export interface UnchangedOperation {
  readonly operation: number
  readonly type: string
  readonly id: string
  readonly version: number
}

/** A version event without its body. A delete has no body; a large body is a blob; any other stands in the commit. */
export interface EventHeader {
  readonly type: string
  readonly id: string
  readonly version: number
  readonly op: Op
  readonly method: Method
  /** From the first body byte of the commit. */
  readonly offset?: number
  /** Bytes of the body, without its newline. */
  readonly length?: number
  readonly sha256?: string
  /** The body's name under `blobs/`, instead of `offset`. */
  readonly blob?: string
  /** Where the version before stands. */
  readonly prev?: { readonly seq: number; readonly index: number }
  /** Of a compensating event: the version whose state it brings back (0: none). It answers every version in between. */
  readonly restores?: number
  /** A digest of the keys that the body can be found by; absent where there are none. */
  readonly keyed?: string
  /** These keys, where they are not those of the version before. */
  readonly keys?: ReadonlyArray<string>
}

export const CommitHeaderCodec: t.Type<CommitHeader> = new t.Type(
  'CommitHeader',
  (u): u is CommitHeader => headerProblem(u) === undefined,
  (u, context) => {
    const problem = headerProblem(u)
    return problem === undefined ? t.success(u as CommitHeader) : t.failure(u, context, problem)
  },
  t.identity,
)

const isCount = (u: unknown): u is number => typeof u === 'number' && u >= 0 && Number.isSafeInteger(u)
const isText = (u: unknown): u is string => typeof u === 'string' && u !== ''
const isOptionalText = (u: unknown): boolean => u === undefined || typeof u === 'string'
const isHash = (u: unknown): boolean => typeof u === 'string' && u.length === 64
const isRecord = (u: unknown): u is Record<string, unknown> => typeof u === 'object' && u !== null && !Array.isArray(u)

/** Names the first member that is not as it should be. */
function headerProblem(u: unknown): string | undefined {
  if (!isRecord(u)) return 'it is no object'
  if (u.format !== 'annals/1') return 'format'
  if (!isText(u.log)) return 'log'
  if (!isCount(u.seq) || u.seq === 0) return 'seq'
  if (!isText(u.id)) return 'id'
  if (!isText(u.writer)) return 'writer'
  if (!isText(u.at)) return 'at'
  if (!isHash(u.prev)) return 'prev'
  if (!Array.isArray(u.transactions)) return 'transactions'
  for (let i = 0; i < u.transactions.length; i++) {
    const problem = transactionProblem(u.transactions[i])
    if (problem !== undefined) return `transactions[${i}].${problem}`
  }
  return undefined
}

function transactionProblem(u: unknown): string | undefined {
  if (!isRecord(u)) return 'it is no object'
  if (!isText(u.id)) return 'id'
  if (!isOptionalText(u.request)) return 'request'
  if (!isOptionalText(u.requestDigest)) return 'requestDigest'
  if (!isOptionalText(u.actor)) return 'actor'
  if (!isOptionalText(u.reason)) return 'reason'
  if (!isOptionalText(u.correlation)) return 'correlation'
  if (!isOptionalText(u.causation)) return 'causation'
  const c = u.compensates
  if (c !== undefined && !(isRecord(c) && isCount(c.seq) && isCount(c.transaction))) return 'compensates'
  if (u.unchanged !== undefined && !areUnchanged(u.unchanged)) return 'unchanged'
  if (!Array.isArray(u.events)) return 'events'
  for (let i = 0; i < u.events.length; i++) {
    const problem = eventProblem(u.events[i])
    if (problem !== undefined) return `events[${i}].${problem}`
  }
  return undefined
}

function eventProblem(u: unknown): string | undefined {
  if (!isRecord(u)) return 'it is no object'
  if (!isText(u.type)) return 'type'
  if (!isText(u.id)) return 'id'
  if (!isCount(u.version) || u.version === 0) return 'version'
  if (u.op !== 'create' && u.op !== 'update' && u.op !== 'delete') return 'op'
  if (u.method !== 'POST' && u.method !== 'PUT' && u.method !== 'PATCH' && u.method !== 'DELETE') return 'method'
  const { prev } = u
  if (prev !== undefined && !(isRecord(prev) && isCount(prev.seq) && isCount(prev.index))) return 'prev'
  if (u.restores !== undefined && !(isCount(u.restores) && u.restores < u.version)) return 'restores'
  return u.op === 'delete' ? noBodyProblem(u) : (bodyProblem(u) ?? keysProblem(u))
}

function keysProblem({ keyed, keys }: Record<string, unknown>): string | undefined {
  if (keyed !== undefined && !isText(keyed)) return 'keyed'
  if (keys === undefined) return undefined
  return keyed !== undefined && areTexts(keys) ? undefined : 'keys'
}

function areTexts(u: unknown): boolean {
  if (!Array.isArray(u)) return false
  for (const each of u) if (!isText(each)) return false
  return true
}

function areUnchanged(u: unknown): boolean {
  if (!Array.isArray(u)) return false
  for (const each of u)
    if (!isRecord(each) || !isCount(each.operation) || !isText(each.type) || !isText(each.id) || !isCount(each.version))
      return false
  return true
}

function bodyProblem(u: Record<string, unknown>): string | undefined {
  if (!isCount(u.length)) return 'length'
  if (!isHash(u.sha256)) return 'sha256'
  if (u.blob !== undefined) return u.blob === u.sha256 && u.offset === undefined ? undefined : 'blob'
  return isCount(u.offset) ? undefined : 'offset'
}

const noBodyProblem = (u: Record<string, unknown>): string | undefined =>
  ['offset', 'length', 'sha256', 'blob', 'keyed', 'keys'].find((name) => u[name] !== undefined)
