/** Writes of many items: in batches, side by side, and what the table did not take is sent again. */
import { BatchWriteItemCommand, type DynamoDBClient, PutItemCommand, type WriteRequest } from '@aws-sdk/client-dynamodb'
import { annalsError } from '../../../domain/error.js'
import type { Clock } from '../../../domain/ports/index.js'
import { mapBounded } from '../../../domain/task.js'
import { attemptsOf, type ServiceCall } from '../service-error.js'

export interface Batches {
  readonly client: DynamoDBClient
  readonly table: string
  readonly clock: Clock
  /** In [0, 1), for jitter. */
  readonly random: () => number
}

/** What DynamoDB takes at once. */
const itemsPerBatch = 25
const batchesAtOnce = 8
/** Of the wait before what was left over is sent again, in milliseconds. */
const firstWaitMs = 50
const longestWaitMs = 2_000
/** Sendings in which the table takes nothing at all, before the writer gives up for now. */
const maxFruitless = 10

/** Each request is of another key. When it succeeds, every one has been done. */
export async function writeAll(
  batches: Batches,
  requests: ReadonlyArray<WriteRequest>,
  call: ServiceCall,
): Promise<void> {
  const [only] = requests
  if (requests.length === 1 && only?.PutRequest !== undefined) {
    await batches.client.send(new PutItemCommand({ TableName: batches.table, Item: only.PutRequest.Item }))
    return
  }
  const groups = Array.from({ length: Math.ceil(requests.length / itemsPerBatch) }, (_, i) =>
    requests.slice(i * itemsPerBatch, (i + 1) * itemsPerBatch),
  )
  await mapBounded(groups, batchesAtOnce, (group) => writeBatch(batches, group, call))
}

/** A hot partition takes a part of what it is sent: that is slow, and no failure as long as it takes anything. */
async function writeBatch(
  { client, table, clock, random }: Batches,
  group: WriteRequest[],
  call: ServiceCall,
): Promise<void> {
  let left = group
  for (let fruitless = 0; ; ) {
    const answer = await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: left } }))
    const unprocessed = answer.UnprocessedItems?.[table] ?? []
    if (unprocessed.length < left.length || attemptsOf(answer) > 1) call.mayHaveWritten = true
    if (unprocessed.length === 0) return
    fruitless = unprocessed.length < left.length ? 0 : fruitless + 1
    left = unprocessed
    if (fruitless === maxFruitless) {
      const cause = `the table is throttled: it did not take ${left.length} items in ${maxFruitless} sendings`
      throw annalsError('Unavailable', { operation: 'put', key: table, cause })
    }
    await clock.sleep(random() * Math.min(longestWaitMs, firstWaitMs * 2 ** fruitless))
  }
}
