/**
 * Items in a table of DynamoDB. Reads are strongly consistent, conditions are decided by the table.
 *
 * A request that the SDK repeats may have been applied the first time. So a compare-and-set names its write, and finds
 * its own name in the item that it then fails on; a transaction has a token that DynamoDB remembers; the other writes
 * change nothing when they are applied twice.
 */
import {
  type CancellationReason,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../../../domain/error.js'
import type { Clock, Ids, Item, ItemChange, PointerStore, Swapped, Transacted } from '../../../domain/ports/index.js'
import { attempt } from '../../../domain/task.js'
import { checkLimit } from '../../check-limit.js'
import {
  checkAdvance,
  checkChanges,
  checkExpected,
  checkItemKey,
  checkItems,
  checkQuery,
  isLive,
} from '../../item-rules.js'
import { retryAlso } from '../retryable.js'
import { type ServiceCall, serviceError } from '../service-error.js'
import { type Batches, writeAll } from './batches.js'
import { isAtRev, isBehind } from './conditions.js'
import { itemOf, keyOf, type StoredItem, storedOf, writeAttribute } from './item-codec.js'
import { type Pages, queryPage, scanOnce, scanPage } from './pages.js'

export interface DynamoPointerStoreOptions {
  readonly client: DynamoDBClient
  readonly table: string
  readonly clock: Clock
  readonly ids: Ids
}

export function dynamoPointerStore({ client, table, clock, ids }: DynamoPointerStoreOptions): PointerStore {
  const pages: Pages = { client, table, clock }
  const batches: Batches = { client, table, clock, random: () => ids.random() }
  retryAlso(client, isContended)

  const step = <A>(call: ServiceCall, body: () => Promise<A>): TaskEither<AnnalsError, A> =>
    attempt(async () => {
      try {
        return await body()
      } catch (error) {
        throw serviceError(error, call)
      }
    })
  const reads = (operation: string, key: string): ServiceCall => ({ operation, key, writes: false })
  const writes = (operation: string, key: string): ServiceCall => ({ operation, key, writes: true })

  const live = (stored: StoredItem | undefined): Item | undefined => {
    const item = stored && itemOf(stored)
    return item !== undefined && isLive(item, clock.now()) ? item : undefined
  }

  async function swap(item: Item, expected: number): Promise<Swapped> {
    const write = ids.uuid()
    const written = { ...item, rev: expected + 1 }
    try {
      const condition = isAtRev(expected, clock.now())
      await client.send(new PutItemCommand({ TableName: table, Item: storedOf(written, write), ...condition }))
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
      if (error.Item?.[writeAttribute]?.S !== write) {
        const actual = live(error.Item)
        return actual === undefined ? { done: false } : { done: false, actual }
      }
    }
    return { done: true, item: written }
  }

  async function advance(item: Item): Promise<'advanced' | 'ahead' | 'missing'> {
    try {
      const condition = isBehind(item.attributes.seq as number, clock.now())
      await client.send(new PutItemCommand({ TableName: table, Item: storedOf(item), ...condition }))
      return 'advanced'
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
      return live(error.Item) === undefined ? 'missing' : 'ahead'
    }
  }

  async function transact(changes: ReadonlyArray<ItemChange>): Promise<Transacted> {
    if (changes.length === 0) return { done: true }
    const write = ids.uuid()
    const now = clock.now()
    try {
      const TransactItems = changes.map((change) => transactItem(table, change, now, write))
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

  async function deleteByPrefix(pkPrefix: string): Promise<number> {
    let deleted = 0
    let after: StoredItem | undefined
    do {
      const page = await scanOnce(pages, pkPrefix, after, 'pk, sk')
      if (page.items.length > 0)
        await writeAll(
          batches,
          page.items.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } as StoredItem } })),
        )
      deleted += page.items.length
      after = page.next
    } while (after !== undefined)
    return deleted
  }

  return {
    get: (pk, sk) =>
      step(reads('get', pk), async () => {
        checkItemKey(pk, sk)
        const answer = await client.send(
          new GetItemCommand({ TableName: table, Key: keyOf(pk, sk), ConsistentRead: true }),
        )
        return live(answer.Item)
      }),

    query: (query) =>
      step(reads('query', query.pk), async () => {
        checkQuery(query)
        return queryPage(pages, query)
      }),

    scan: (scan) =>
      step(reads('scan', scan.pkPrefix), async () => {
        checkLimit(scan.limit)
        return scanPage(pages, scan)
      }),

    putAll: (items) =>
      step(writes('put', items[0]?.pk ?? ''), async () => {
        checkItems(items)
        // A batch may name a key once; the last word counts.
        const last = new Map(items.map((item) => [`${item.pk}\0${item.sk}`, item]))
        if (last.size > 0)
          await writeAll(
            batches,
            [...last.values()].map((item) => ({ PutRequest: { Item: storedOf(item) } })),
          )
      }),

    compareAndSet: (item, expected) =>
      step(writes('compare-and-set', item.pk), async () => {
        checkItemKey(item.pk, item.sk)
        checkExpected(expected)
        return swap(item, expected)
      }),

    advance: (item) =>
      step(writes('advance', item.pk), async () => {
        checkAdvance(item)
        return advance(item)
      }),

    transact: (changes) =>
      step(writes('transact', table), async () => {
        checkChanges(changes)
        return transact(changes)
      }),

    deleteByPrefix: (pkPrefix) => step(writes('delete', pkPrefix), () => deleteByPrefix(pkPrefix)),
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
function isContended(error: Error): boolean {
  if (error.name === 'TransactionConflictException') return true
  const reasons = (error as TransactionCanceledException).CancellationReasons ?? []
  const codes = reasons.map(({ Code }) => Code)
  return codes.some((code) => contention.includes(code)) && !codes.includes(conditionFailed)
}

/** A repetition of a transaction that had been applied, after DynamoDB has forgotten its token. */
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
