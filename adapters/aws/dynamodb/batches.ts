/** Writes and reads of many items: in batches, side by side, and what the table did not take or give is asked for again. */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb'
import { annalsError } from '../../../domain/error.js'
import type { Clock } from '../../../domain/ports/index.js'
import { mapBounded } from '../../../domain/task.js'
import { attemptsOf, type ServiceCall } from '../service-error.js'
import type { StoredItem } from './item-codec.js'

export interface Batches {
  readonly client: DynamoDBClient
  readonly table: string
  readonly clock: Clock
  /** In [0, 1), for jitter. */
  readonly random: () => number
}

/** What DynamoDB takes at once. */
const itemsPerBatch = 25
/** What DynamoDB gives at once. */
const keysPerBatch = 100
const batchesAtOnce = 8
/** Of the wait before what was left over is sent again, in milliseconds. */
const firstWaitMs = 50
const longestWaitMs = 2_000
/** Sendings of which the table does nothing at all, before the caller gives up for now. */
const maxFruitless = 10

/** Each request is of another key. When it succeeds, every one has been done. */
export async function writeAll(
  batches: Batches,
  requests: ReadonlyArray<WriteRequest>,
  call: ServiceCall,
): Promise<void> {
  const { client, table } = batches
  const [only] = requests
  if (requests.length === 1 && only?.PutRequest !== undefined) {
    await client.send(new PutItemCommand({ TableName: table, Item: only.PutRequest.Item }))
    return
  }
  const write = async (sent: WriteRequest[]): Promise<WriteRequest[]> => {
    const answer = await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: sent } }))
    const left = answer.UnprocessedItems?.[table] ?? []
    if (left.length < sent.length || attemptsOf(answer) > 1) call.mayHaveWritten = true
    return left
  }
  await mapBounded(groupsOf(requests, itemsPerBatch), batchesAtOnce, (group) =>
    untilNoneLeft(batches, 'put', group, write),
  )
}

/** Each key is another one. The items that are there, in no order. */
export async function readAll(batches: Batches, keys: ReadonlyArray<StoredItem>): Promise<StoredItem[]> {
  const { client, table } = batches
  const found: StoredItem[] = []
  const read = async (asked: StoredItem[]): Promise<StoredItem[]> => {
    const RequestItems = { [table]: { Keys: asked, ConsistentRead: true } }
    const answer = await client.send(new BatchGetItemCommand({ RequestItems }))
    found.push(...(answer.Responses?.[table] ?? []))
    return answer.UnprocessedKeys?.[table]?.Keys ?? []
  }
  await mapBounded(groupsOf(keys, keysPerBatch), batchesAtOnce, (group) => untilNoneLeft(batches, 'get', group, read))
  return found
}

const groupsOf = <A>(values: ReadonlyArray<A>, size: number): A[][] =>
  Array.from({ length: Math.ceil(values.length / size) }, (_, i) => values.slice(i * size, (i + 1) * size))

/** A hot partition does a part of what it is asked for: that is slow, and no failure as long as it does anything. */
async function untilNoneLeft<A>(
  { table, clock, random }: Batches,
  operation: string,
  group: A[],
  send: (group: A[]) => Promise<A[]>,
): Promise<void> {
  let left = group
  for (let fruitless = 0; ; ) {
    const unprocessed = await send(left)
    if (unprocessed.length === 0) return
    fruitless = unprocessed.length < left.length ? 0 : fruitless + 1
    left = unprocessed
    if (fruitless === maxFruitless) {
      const cause = `the table is throttled: it left over ${left.length} items in ${maxFruitless} sendings`
      throw annalsError('Unavailable', { operation, key: table, cause })
    }
    await clock.sleep(random() * Math.min(longestWaitMs, firstWaitMs * 2 ** fruitless))
  }
}
