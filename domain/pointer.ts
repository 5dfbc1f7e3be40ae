/** What the pointer store knows of a log, as values and as items: version pointers, heads and request receipts. */
import { type ChainLink, type Commit, sha256 } from './commit.js'
import type { EventHeader, Method, Op, TransactionHeader } from './header.js'
import {
  headPk,
  headSk,
  type Keyspace,
  keyPk,
  keySk,
  type LogId,
  requestPk,
  requestSk,
  typeIndexPk,
  typeIndexSk,
  versionSk,
  versionsPk,
} from './keys.js'
import type { Item } from './ports/index.js'
import { shardOf } from './shards.js'
import { formatTransactionId } from './transaction-id.js'

/** A fact about one immutable version: what it was, and where its body stands. Publishing it twice changes nothing. */
export interface VersionPointer {
  readonly type: string
  readonly id: string
  readonly version: number
  readonly op: Op
  readonly method: Method
  /** Microseconds since 1970. */
  readonly at: number
  readonly partition: number
  readonly seq: number
  readonly index: number
  /** Index of the transaction in its commit. */
  readonly transaction: number
  readonly actor?: string
  readonly reason?: string
  /** Of a compensating event: the version whose state it brings back (0: none). */
  readonly restores?: number
  /** Its transaction takes back this one: `{commit}-{index}`. */
  readonly compensates?: string
  /** A digest of the keys that the body can be found by. */
  readonly keyed?: string
  /** Where the body begins in the commit object, counted from the object's first byte. */
  readonly offset?: number
  readonly length?: number
  readonly sha256?: string
  readonly blob?: string
}

/** How long a request key is remembered, in seconds. */
export const requestLifetime = 24 * 60 * 60

/** A receipt: the transaction that a request key produced. */
export interface Receipt {
  readonly partition: number
  readonly seq: number
  readonly transaction: number
  readonly digest: string
}

/** The pointers of all events of a commit, in log order. */
export function pointersOf(commit: Commit, partition: number): VersionPointer[] {
  const pointers: VersionPointer[] = []
  commit.header.transactions.forEach(({ events }, transaction) => {
    for (const event of events) pointers.push(versionPointer(commit, partition, event, pointers.length, transaction))
  })
  return pointers
}

function versionPointer(
  commit: Commit,
  partition: number,
  event: EventHeader,
  index: number,
  transaction: number,
): VersionPointer {
  const { type, id, version, op, method, restores, keyed, length, sha256, blob } = event
  const { actor, reason, compensates } = commit.header.transactions[transaction] as TransactionHeader
  const offset = event.offset === undefined ? undefined : event.offset + commit.bodiesAt
  const { at, seq } = commit
  return {
    type,
    id,
    version,
    op,
    method,
    at,
    partition,
    seq,
    index,
    transaction,
    actor,
    reason,
    restores,
    compensates: compensates && formatTransactionId(compensates),
    keyed,
    offset,
    length,
    sha256,
    blob,
  }
}

/**
 * The two items of a version pointer: one under its resource, which current reads and instance history look up, and the
 * same fact under its type in log order, for type history.
 */
export function versionItems(keyspace: Keyspace, p: VersionPointer): [Item, Item] {
  const attributes = pointerAttributes(p)
  return [
    { pk: versionsPk(keyspace, p.type, p.id), sk: versionSk(p.version), attributes },
    { pk: typeIndexPk(keyspace, p.type, shardOf(p.id, keyspace.shards)), sk: typeIndexSk(p.seq, p.index), attributes },
  ]
}

/** A resource stated under a key. Nothing removes it: whoever finds a resource by it looks whether its body still says so. */
export interface Stated {
  readonly id: string
  readonly version: number
  readonly seq: number
  readonly index: number
}

/** The items by which the resources of a commit are found: one for each key that was not stated by the version before. */
export function keyItems(log: LogId, commit: Commit): Item[] {
  const items: Item[] = []
  let next = 0
  for (const { events } of commit.header.transactions)
    for (const { type, id, version, keys = [] } of events) {
      const attributes = { id, version, seq: commit.seq, index: next++ }
      for (const key of keys) items.push({ pk: keyPk(log, type, key), sk: keySk(id, version), attributes })
    }
  return items
}

/** The receipts of a commit: one for each transaction that came with a request key. */
export function receiptItems(log: LogId, commit: Commit): Item[] {
  const items: Item[] = []
  commit.header.transactions.forEach((transaction, index) => {
    if (transaction.request === undefined) return
    items.push({
      pk: requestPk(log, sha256(transaction.request)),
      sk: requestSk,
      attributes: {
        partition: log.partition,
        seq: commit.seq,
        transaction: index,
        digest: transaction.requestDigest ?? '',
      },
      expiresAt: Math.floor(commit.at / 1_000_000) + requestLifetime,
    })
  })
  return items
}

export const headItem = (tenant: string, partition: number, head: ChainLink): Item => ({
  pk: headPk(tenant, partition),
  sk: headSk,
  attributes: { seq: head.seq, hash: head.hash, at: head.at },
})

export const pointerFromItem = (item: Item): VersionPointer => item.attributes as unknown as VersionPointer
export const statedFromItem = (item: Item): Stated => item.attributes as unknown as Stated
export const headFromItem = (item: Item): ChainLink => item.attributes as unknown as ChainLink
export const receiptFromItem = (item: Item): Receipt => item.attributes as unknown as Receipt

/** Absent members are left out: no adapter stores `undefined`. */
export function pointerAttributes(p: VersionPointer): Item['attributes'] {
  const attributes: Record<string, string | number> = {
    type: p.type,
    id: p.id,
    version: p.version,
    op: p.op,
    method: p.method,
    at: p.at,
    partition: p.partition,
    seq: p.seq,
    index: p.index,
    transaction: p.transaction,
  }
  if (p.actor !== undefined) attributes.actor = p.actor
  if (p.reason !== undefined) attributes.reason = p.reason
  if (p.restores !== undefined) attributes.restores = p.restores
  if (p.compensates !== undefined) attributes.compensates = p.compensates
  if (p.keyed !== undefined) attributes.keyed = p.keyed
  if (p.offset !== undefined) attributes.offset = p.offset
  if (p.length !== undefined) attributes.length = p.length
  if (p.sha256 !== undefined) attributes.sha256 = p.sha256
  if (p.blob !== undefined) attributes.blob = p.blob
  return attributes
}
