/** How many items reach a table that takes only a part of them, what is too large for it, and pages that it cuts short. */
import { describe, expect, test } from 'vitest'
import { maxItemBytes } from '../../../adapters/aws/dynamodb/limits.js'
import { dynamoPointerStore } from '../../../adapters/aws/dynamodb/pointer-store.js'
import type { Item } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { epoch, handClock } from '../../protocol/hand-clock.js'
import { broken, dynamoAnswer, dynamoError, failure, type Step, scriptedDynamo, sent, times } from './scripted.js'

function store(...steps: Step[]) {
  const { client, requests } = scriptedDynamo(...steps)
  const clock = handClock()
  const pointers = dynamoPointerStore({
    client,
    table: 'annals',
    clock,
    ids: { uuid: () => 'write', random: () => 0.5 },
  })
  return { pointers, requests, clock }
}

type Batch = { RequestItems: { annals: Array<{ PutRequest: { Item: { sk: { S: string }; n: { N: string } } } }> } }

const items = (count: number): Item[] =>
  Array.from({ length: count }, (_, i) => ({ pk: 'V#t', sk: `s${i}`, attributes: { n: i } }))
const namesIn = (request: Parameters<typeof sent>[0]): string[] =>
  sent<Batch>(request).RequestItems.annals.map(({ PutRequest }) => PutRequest.Item.sk.S)

const done = dynamoAnswer({})
/** Takes all but the last `left` items of what it is sent. */
const leaves =
  (left: number): Step =>
  (request) =>
    dynamoAnswer({ UnprocessedItems: { annals: sent<Batch>(request).RequestItems.annals.slice(-left) } })
const denied = dynamoError('AccessDeniedException')

describe('many items', () => {
  test('are sent in batches of 25, and each is sent once', async () => {
    const { pointers, requests } = store(done)
    await run(pointers.putAll(items(60)))
    expect(requests.map((each) => namesIn(each).length).sort()).toEqual([10, 25, 25])
    expect(new Set(requests.flatMap(namesIn)).size).toBe(60)
  })

  test('that the table leaves over are sent again, and only they', async () => {
    const { pointers, requests, clock } = store(leaves(2), leaves(1), done)
    await run(pointers.putAll(items(5)))
    expect(requests.map(namesIn)).toEqual([['s0', 's1', 's2', 's3', 's4'], ['s3', 's4'], ['s4']])
    expect(clock.now()).toBeGreaterThan(epoch)
  })

  test('of which the table takes none at all are unavailable after ten sendings, and ever longer waits', async () => {
    const { pointers, requests, clock } = store(leaves(25))
    const { message } = await failure(pointers.putAll(items(25)), 'Unavailable')
    expect(message).toContain('the table is throttled')
    expect(requests).toHaveLength(10)
    const waitedMs = (clock.now() - epoch) / 1000
    expect(waitedMs).toBeGreaterThan(5_000)
    expect(waitedMs).toBeLessThan(10 * 2_000)
  })

  test('are slow, and no failure, as long as the table takes one now and then', async () => {
    const stuck = times(9, leaves(25))
    const { pointers, requests } = store(...stuck, leaves(3), ...stuck, leaves(2), ...stuck, done)
    await run(pointers.putAll(items(4)))
    expect(requests).toHaveLength(30)
  })

  test('are not refused once some are written', async () => {
    await failure(store(leaves(1), denied).pointers.putAll(items(2)), 'Unavailable')
    await failure(store(done, denied).pointers.putAll(items(60)), 'Unavailable')
    await failure(store(broken('ECONNRESET'), leaves(2), denied).pointers.putAll(items(2)), 'Unavailable')
    await failure(store(leaves(2), denied).pointers.putAll(items(2)), 'StorageRefused')
  })
})

describe('a deletion', () => {
  const page = (sk: string, next: boolean) => {
    const key = { pk: { S: 'V#t' }, sk: { S: sk } }
    return dynamoAnswer({ Items: [key], ...(next && { LastEvaluatedKey: key }) })
  }

  test('that is refused behind its first page is not refused: something has changed', async () => {
    await failure(store(page('a', true), done, denied).pointers.deleteByPrefix(['V#']), 'Unavailable')
    await failure(store(page('a', true), denied).pointers.deleteByPrefix(['V#']), 'StorageRefused')
  })
})

describe('what is too large', () => {
  const large = (bytes: number, sk = 'a'): Item => ({ pk: 'p', sk, attributes: { x: 'é'.repeat(bytes / 2) } })
  /** Names and values of pk, sk and x, without the text of x. */
  const frame = 'pkpskax'.length

  test('for an item is counted to the byte, names and keys included', async () => {
    await run(store(done).pointers.putAll([large(maxItemBytes - frame - 1)]))
    const { data } = await failure(store(done).pointers.putAll([large(maxItemBytes - frame + 1)]), 'LimitExceeded')
    expect(data).toMatchObject({ actual: maxItemBytes + 1 })
  })
})

describe('a page', () => {
  const stored = (n: number, more: object = {}) => ({ pk: { S: 'V#t' }, sk: { S: `s${n}` }, ...more })
  const expired = { expires_at: { N: '1' } }
  const cutShort = (from: number, count: number, more: object = {}) =>
    dynamoAnswer({
      Items: Array.from({ length: count }, (_, i) => stored(from + i, more)),
      LastEvaluatedKey: stored(from + count - 1),
    })

  test('goes on where the table cut its answer short, whatever had expired there', async () => {
    const { pointers, requests } = store(
      cutShort(0, 2),
      cutShort(2, 4, expired),
      dynamoError('ThrottlingException'),
      cutShort(6, 2),
    )
    const { items: found, token } = await run(pointers.query({ pk: 'V#t', limit: 3 }))
    expect(found.map(({ sk }) => sk)).toEqual(['s0', 's1', 's6'])
    expect(token).toBeDefined()
    const starts = requests.map((each) => sent<{ ExclusiveStartKey?: unknown }>(each).ExclusiveStartKey)
    expect(starts).toEqual([undefined, stored(1), stored(5), stored(5)])
  })

  test('that ends with the last item has no token, and the next begins behind its token', async () => {
    const last = dynamoAnswer({ Items: [stored(0), stored(1)] })
    expect((await run(store(last).pointers.query({ pk: 'V#t', limit: 2 }))).token).toBeUndefined()
    const { pointers, requests } = store(last)
    const { token } = await run(pointers.query({ pk: 'V#t', limit: 1 }))
    await run(pointers.query({ pk: 'V#t', limit: 1, token }))
    expect(sent(requests[1])).toMatchObject({ ExclusiveStartKey: stored(0) })
    await failure(pointers.query({ pk: 'V#other', limit: 1, token }), 'InvalidInput')
    await failure(pointers.query({ pk: 'V#t', limit: 1, token: 'x' }), 'InvalidInput')
    expect(requests).toHaveLength(2)
  })
})
