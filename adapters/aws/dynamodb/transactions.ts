/** Changes of several items, made together or not at all. */
import {
  type CancellationReason,
  type DynamoDBClient,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import type { Clock, Ids, ItemChange, Transacted } from '../../../domain/ports/index.js'
import { isAtRev } from './conditions.js'
import { keyOf, storedOf, writeAttribute } from './item-codec.js'
import { checkTransactionSize } from './limits.js'

interface TransactDeps {
  readonly client: DynamoDBClient
  readonly table: string
  readonly clock: Clock
  readonly ids: Ids
}

/** A repetition by the SDK has the token of the first try, and is told how that one ended: DynamoDB remembers for ten minutes. */
export async function transact(
  { client, table, clock, ids }: TransactDeps,
  changes: ReadonlyArray<ItemChange>,
): Promise<Transacted> {
  if (changes.length === 0) return { done: true }
  const write = ids.uuid()
  const now = clock.now()
  const TransactItems = changes.map((change) => transactItem(table, change, now, write))
  checkTransactionSize(TransactItems.flatMap(({ Put }) => (Put?.Item === undefined ? [] : [Put.Item])))
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems, ClientRequestToken: write }))
    return { done: true }
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw error
    const reasons = error.CancellationReasons ?? []
    const failed = reasons.flatMap(({ Code }, index) => (Code === conditionFailed ? [index] : []))
    if (failed.length === 0) throw error
    return isOwnDoing(reasons, changes, write) ? { done: true } : { done: false, failed }
  }
}

const conditionFailed = 'ConditionalCheckFailed'
/** Why a transaction was given up that may well succeed later. */
const contention: ReadonlyArray<string | undefined> = [
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]

/** Others were at the same items: no verdict on any condition, so it is tried again. A failed condition is a verdict. */
export function isContended(error: Error): boolean {
  if (error.name === 'TransactionConflictException') return true
  const reasons = (error as TransactionCanceledException).CancellationReasons ?? []
  const codes = reasons.map(({ Code }) => Code)
  return codes.some((code) => contention.includes(code)) && !codes.includes(conditionFailed)
}

/** A repetition of a transaction that had been applied, on a server that has forgotten its token. */
const isOwnDoing = (
  reasons: ReadonlyArray<CancellationReason>,
  changes: ReadonlyArray<ItemChange>,
  write: string,
): boolean => reasons.some(({ Item }, index) => changes[index]?.kind === 'put' && Item?.[writeAttribute]?.S === write)

function transactItem(TableName: string, change: ItemChange, now: number, write: string): TransactWriteItem {
  const condition = isAtRev(change.expected, now)
  if (change.kind === 'put')
    return { Put: { TableName, Item: storedOf({ ...change.item, rev: change.expected + 1 }, write), ...condition } }
  const Key = keyOf(change.pk, change.sk)
  return change.kind === 'delete'
    ? { Delete: { TableName, Key, ...condition } }
    : { ConditionCheck: { TableName, Key, ...condition } }
}
