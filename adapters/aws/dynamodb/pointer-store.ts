/**
 * Items in a table of DynamoDB. Reads are strongly consistent, conditions are decided by the table.
 *
 * A request that the SDK repeats may have been applied the first time. So a compare-and-set names its write, and finds
 * its own name in the item that it then fails on; a transaction has a token that DynamoDB remembers; the other writes
 * change nothing when they are applied twice.
 */
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import type { Clock, Ids, Item, ItemKey, PointerStore, Swapped } from '../../../domain/ports/index.js'
import { attempt, mapBounded } from '../../../domain/task.js'
import { checkLimit } from '../../check-limit.js'
import {
  checkAdvance,
  checkChanges,
  checkExpected,
  checkItemKey,
  checkKeys,
  checkQuery,
  isLive,
} from '../../item-rules.js'
import { rememberDoubt, wasInDoubt } from '../doubt.js'
import { retryAlso } from '../retryable.js'
import { type ServiceCall, serviceError } from '../service-error.js'
import { type Batches, readAll, writeAll } from './batches.js'
import { type Condition, isAtRev, isBehind, isOverdue } from './conditions.js'
import { itemOf, keyOf, type StoredItem, storedOf, writeAttribute } from './item-codec.js'
import { type Pages, queryPage, scanned, scanPage } from './pages.js'
import { isContended, transact } from './transactions.js'

export interface DynamoPointerStoreOptions {
  readonly client: DynamoDBClient
  readonly table: string
  readonly clock: Clock
  readonly ids: Ids
}

/** Conditional writes side by side: a batch has no conditions. */
const putsAtOnce = 32

export function dynamoPointerStore({ client, table, clock, ids }: DynamoPointerStoreOptions): PointerStore {
  const pages: Pages = { client, table, clock }
  const batches: Batches = { client, table, clock, random: () => ids.random() }
  retryAlso(client, isContended)
  rememberDoubt(client)

  const step = <A>(call: ServiceCall, body: (call: ServiceCall) => Promise<A>): TaskEither<AnnalsError, A> =>
    attempt(async () => {
      const own = { ...call }
      try {
        return await body(own)
      } catch (error) {
        throw serviceError(error, own)
      }
    })
  const reads = (operation: string, key: string): ServiceCall => ({ operation, key, writes: false })
  const writes = (operation: string, key: string): ServiceCall => ({ operation, key, writes: true })

  const live = (stored: StoredItem | undefined): Item | undefined => {
    const item = stored && itemOf(stored)
    return item !== undefined && isLive(item, clock.now()) ? item : undefined
  }

  /** Answers the refusal, if the condition does not hold. */
  async function putIf(Item: StoredItem, condition: Condition): Promise<ConditionalCheckFailedException | undefined> {
    try {
      await client.send(new PutItemCommand({ TableName: table, Item, ...condition }))
      return undefined
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return error
      throw error
    }
  }

  async function swap(item: Item, expected: number): Promise<Swapped> {
    const write = ids.uuid()
    const written = { ...item, rev: expected + 1 }
    const refusal = await putIf(storedOf(written, write), isAtRev(expected, clock.now()))
    if (refusal === undefined || refusal.Item?.[writeAttribute]?.S === write) return { done: true, item: written }
    const actual = live(refusal.Item)
    // Another's write in the place of ours rules ours out. Anything else may have come after it.
    if (wasInDoubt(refusal) && actual?.rev !== expected + 1) throw overtaken(item.pk)
    return actual === undefined ? { done: false } : { done: false, actual }
  }

  async function advance(item: Item): Promise<'advanced' | 'ahead' | 'missing'> {
    const refusal = await putIf(storedOf(item), isBehind(item.attributes.seq as number, clock.now()))
    if (refusal === undefined) return 'advanced'
    return live(refusal.Item) === undefined ? 'missing' : 'ahead'
  }

  async function putNewer(item: Item): Promise<void> {
    await putIf(storedOf(item), isOverdue(item.attributes.seq as number, clock.now()))
  }

  async function deleteByPrefix(pkPrefixes: ReadonlyArray<string>, call: ServiceCall): Promise<number> {
    let deleted = 0
    for await (const found of scanned(pages, pkPrefixes, undefined, 'pk, sk')) {
      await writeAll(
        batches,
        found.map((Key) => ({ DeleteRequest: { Key } })),
        call,
      )
      deleted += found.length
    }
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

    getAll: (keys) =>
      step(reads('get', keys[0]?.pk ?? ''), async () => {
        checkKeys(keys)
        // A batch may name a key once, and answers in no order.
        const once = new Map(keys.map((key) => [nameOf(key), keyOf(key.pk, key.sk)]))
        const found = new Map<string, Item | undefined>()
        for (const stored of await readAll(batches, [...once.values()])) found.set(nameOf(itemOf(stored)), live(stored))
        return keys.map((key) => found.get(nameOf(key)))
      }),

    query: (query) =>
      step(reads('query', query.pk), async () => {
        checkQuery(query)
        return queryPage(pages, query)
      }),

    scan: (scan) =>
      step(reads('scan', scan.pkPrefixes.join(' ')), async () => {
        checkLimit(scan.limit)
        return scanPage(pages, scan)
      }),

    putAll: (items) =>
      step(writes('put', items[0]?.pk ?? ''), async (call) => {
        checkKeys(items)
        // A batch may name a key once; the last word counts.
        const last = new Map(items.map((item) => [nameOf(item), item]))
        if (last.size > 0)
          await writeAll(
            batches,
            [...last.values()].map((item) => ({ PutRequest: { Item: storedOf(item) } })),
            call,
          )
      }),

    putNewer: (items) =>
      step(writes('put', items[0]?.pk ?? ''), async (call) => {
        items.forEach(checkAdvance)
        await mapBounded(items, putsAtOnce, async (item) => {
          await putNewer(item)
          call.mayHaveWritten = true
        })
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
        return transact({ client, table, clock, ids }, changes)
      }),

    deleteByPrefix: (pkPrefixes) =>
      step(writes('delete', pkPrefixes.join(' ')), (call) => deleteByPrefix(pkPrefixes, call)),
  }
}

const nameOf = ({ pk, sk }: ItemKey): string => `${pk}\0${sk}`

const overtaken = (key: string): AnnalsError =>
  annalsError('Unavailable', {
    operation: 'compare-and-set',
    key,
    cause: 'the answer to a first try was lost, and the item has changed since: nobody knows whether it was applied',
  })
