/** What a store on DynamoDB costs in requests, what it repeats, and what it says of a write whose answer was lost. */
import { describe, expect, test } from 'vitest'
import { dynamoPointerStore } from '../../../adapters/aws/dynamodb/pointer-store.js'
import type { Item, PointerStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { handClock } from '../../protocol/hand-clock.js'
import {
  type Answer,
  broken,
  dynamoAnswer,
  dynamoError,
  maxAttempts,
  operationOf,
  scriptedDynamo,
  sent,
} from './scripted.js'

const item = (sk: string, attributes: Item['attributes'] = { seq: 1 }): Item => ({ pk: 'C#t', sk, attributes })

/** What a request says; the parts that tests look at. */
interface Asked {
  readonly operation: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: requests of every kind
  readonly input: any
}

/** Content, or what went wrong. */
type Said = object | Answer | Error

/** A store on a table that answers as the test says, told which request it is, from 1. */
function storeOn(answer: (asked: Asked, count: number) => Said) {
  const asked: Asked[] = []
  const { client } = scriptedDynamo((request) => {
    asked.push({ operation: operationOf(request), input: sent(request) })
    const said = answer(asked.at(-1) as Asked, asked.length)
    return said instanceof Error || 'status' in said ? said : dynamoAnswer(said)
  })
  let named = 0
  const ids = { uuid: () => `write ${++named}`, random: () => 0.5 }
  const pointers: PointerStore = dynamoPointerStore({ client, table: 'table', clock: handClock(), ids })
  return { pointers, asked, operations: () => asked.map(({ operation }) => operation) }
}

/** Says each once, and the last for ever. */
const inTurn =
  (...said: ReadonlyArray<Said>) =>
  (_: Asked, count: number): Said =>
    said[Math.min(count, said.length) - 1] as Said

/** Answers of a batch that took all but the last so many. */
const leaving =
  (left: (requests: object[], count: number) => number) =>
  ({ input }: Asked, count: number): Said => {
    const requests = input.RequestItems.table as object[]
    const rest = left(requests, count)
    return rest === 0 ? {} : { UnprocessedItems: { table: requests.slice(-rest) } }
  }

describe('a batch', () => {
  test('and the head after it are two requests', async () => {
    const { pointers, operations } = storeOn(() => ({}))
    await run(pointers.putAll([item('a'), item('b'), item('c')]))
    await run(pointers.advance(item('head')))
    expect(operations()).toEqual(['BatchWriteItem', 'PutItem'])
  })

  test('names each key once, with what was said last', async () => {
    const { pointers, asked } = storeOn(() => ({}))
    await run(pointers.putAll([item('a', { n: 1 }), item('b'), item('a', { n: 2 })]))
    const sent = asked[0]?.input.RequestItems.table as Array<{ PutRequest: { Item: object } }>
    expect(sent.map(({ PutRequest }) => PutRequest.Item)).toMatchObject([
      { sk: { S: 'a' }, n: { N: '2' } },
      { sk: { S: 'b' } },
    ])
  })

  test('of which a hot partition takes one item at a time is slow, and whole', async () => {
    const { pointers, asked } = storeOn(leaving((requests) => requests.length - 1))
    await run(pointers.putAll(Array.from({ length: 25 }, (_, i) => item(String(i)))))
    expect(asked.map(({ input }) => input.RequestItems.table.length)).toEqual(
      Array.from({ length: 25 }, (_, i) => 25 - i),
    )
  })

  test('sends what is to be deleted again, too', async () => {
    const keys = ['a', 'b', 'c'].map((sk) => ({ pk: { S: 'C#t' }, sk: { S: sk } }))
    const { pointers, operations } = storeOn((asked, count) =>
      asked.operation === 'Scan' ? { Items: keys } : leaving(() => (count === 2 ? 2 : 0))(asked, count),
    )
    expect(await run(pointers.deleteByPrefix(['C#']))).toBe(3)
    expect(operations()).toEqual(['Scan', 'BatchWriteItem', 'BatchWriteItem'])
  })
})

const conditionFailed = (Item?: object) => dynamoError('ConditionalCheckFailedException', Item && { Item })
const stored = (rev: number, write: string) => ({
  pk: { S: 'C#t' },
  sk: { S: 'a' },
  _rev: { N: `${rev}` },
  _write: { S: write },
})

describe('a compare-and-set', () => {
  const swap = (...said: ReadonlyArray<Said>) => run(storeOn(inTurn(...said)).pointers.compareAndSet(item('a'), 1))

  test('answers with the item that stands in its way, in one request', async () => {
    const { pointers, operations } = storeOn(() => conditionFailed(stored(5, 'theirs')))
    expect(await run(pointers.compareAndSet(item('a'), 1))).toMatchObject({ done: false, actual: { rev: 5 } })
    expect(operations()).toEqual(['PutItem'])
  })

  test("whose answer was lost does not take another's write for its own", async () => {
    expect(await swap(broken('ECONNRESET'), conditionFailed(stored(2, 'theirs')))).toMatchObject({ done: false })
  })

  test.each([
    ['been changed again', conditionFailed(stored(3, 'theirs'))],
    ['disappeared', conditionFailed()],
  ])('whose answer was lost does not say that nothing happened when the item has %s', async (_, said) => {
    await expect(swap(broken('ECONNRESET'), said)).rejects.toMatchObject({ _tag: 'Unavailable' })
  })

  test('that was throttled has certainly not happened, whatever came then', async () => {
    const said = [dynamoError('ThrottlingException'), conditionFailed(stored(3, 'theirs'))]
    expect(await swap(...said)).toMatchObject({ done: false, actual: { rev: 3 } })
  })
})

describe('an advance', () => {
  const advance = (...said: ReadonlyArray<Said>) =>
    run(storeOn(inTurn(...said)).pointers.advance(item('a', { seq: 5 })))

  test('tells from the item that it failed on what is the matter, in one request', async () => {
    const { pointers, operations } = storeOn(inTurn(conditionFailed(stored(1, 'w')), conditionFailed()))
    expect(await run(pointers.advance(item('a')))).toBe('ahead')
    expect(await run(pointers.advance(item('a')))).toBe('missing')
    expect(operations()).toEqual(['PutItem', 'PutItem'])
  })

  test('whose answer was lost is not missing', async () => {
    const own = { ...stored(1, 'w'), seq: { N: '5' } }
    expect(await advance(broken('ECONNRESET'), conditionFailed(own))).toBe('ahead')
  })
})

const cancelled = (...codes: ReadonlyArray<string>) =>
  dynamoError('TransactionCanceledException', { CancellationReasons: codes.map((Code) => ({ Code })) })

describe('a transaction', () => {
  const changes = ['a', 'b'].map((sk) => ({ kind: 'put' as const, item: item(sk), expected: 0 }))

  test('is repeated under one token as long as others are at its items, or the table is busy', async () => {
    const { pointers, asked } = storeOn(
      inTurn(
        cancelled('None', 'TransactionConflict'),
        cancelled('ThrottlingError', 'None'),
        dynamoError('TransactionInProgressException'),
        {},
      ),
    )
    expect(await run(pointers.transact(changes))).toEqual({ done: true })
    expect(asked).toHaveLength(maxAttempts)
    expect(new Set(asked.map(({ input }) => input.ClientRequestToken))).toEqual(new Set(['write 1']))
  })

  test.each(['TransactionConflict', 'ProvisionedThroughputExceeded'])(
    'is unavailable when that has no end, in so many tries: %s',
    async (code) => {
      const { pointers, asked } = storeOn(() => cancelled('None', code))
      await expect(run(pointers.transact(changes))).rejects.toMatchObject({ _tag: 'Unavailable', retryable: true })
      expect(asked).toHaveLength(maxAttempts)
    },
  )

  test('is not repeated when a condition failed: that is a verdict', async () => {
    const { pointers, asked } = storeOn(() => cancelled('ConditionalCheckFailed', 'TransactionConflict'))
    expect(await run(pointers.transact(changes))).toEqual({ done: false, failed: [0] })
    expect(asked).toHaveLength(1)
  })

  test('a compare-and-set that meets one is repeated', async () => {
    const { pointers, asked } = storeOn(inTurn(dynamoError('TransactionConflictException'), {}))
    expect(await run(pointers.compareAndSet(item('a'), 0))).toMatchObject({ done: true })
    expect(asked).toHaveLength(2)
  })
})

describe('a page', () => {
  const rows = (count: number, from = 0, more: object = {}) =>
    Array.from({ length: count }, (_, i) => ({ pk: { S: 'C#t' }, sk: { S: `${1000 + from + i}` }, ...more }))
  const last = (sk: number) => ({ pk: { S: 'C#t' }, sk: { S: `${1000 + sk}` } })

  test('is one request, and reads what is newest', async () => {
    const { pointers, asked } = storeOn(() => ({ Items: rows(4), LastEvaluatedKey: last(3) }))
    const page = await run(pointers.query({ pk: 'C#t', limit: 3 }))
    expect(page.items).toHaveLength(3)
    expect(page.token).toBeDefined()
    expect(asked).toHaveLength(1)
    expect(asked[0]?.input).toMatchObject({ ConsistentRead: true, Limit: 4 })
  })

  test('has no token where a key to go on from led to nothing', async () => {
    const { pointers, asked } = storeOn(inTurn({ Items: rows(3), LastEvaluatedKey: last(2) }, { Items: [] }))
    const page = await run(pointers.query({ pk: 'C#t', limit: 3 }))
    expect([page.items.length, page.token, asked.length]).toEqual([3, undefined, 2])
  })

  test('costs few requests behind a thousand items that have expired', async () => {
    const all = [...rows(1000, 0, { expires_at: { N: '1' } }), ...rows(1, 1000)]
    const { pointers, asked } = storeOn(({ input }) => {
      const from = all.findIndex(({ sk }) => sk.S === input.ExclusiveStartKey?.sk.S) + 1
      const Items = all.slice(from, from + input.Limit)
      return from + Items.length < all.length ? { Items, LastEvaluatedKey: last(from + Items.length - 1) } : { Items }
    })
    expect((await run(pointers.query({ pk: 'C#t', limit: 1 }))).items).toHaveLength(1)
    expect(asked.length).toBeLessThanOrEqual(4)
  })
})

describe('sizes', () => {
  const big = (bytes: number, sk = 'a') => item(sk, { seq: 1, text: 'x'.repeat(bytes) })

  test('an item over 400 KiB is refused before anything is sent', async () => {
    const { pointers, asked } = storeOn(() => ({}))
    for (const step of [
      pointers.putAll([item('b'), big(400 * 1024)]),
      pointers.compareAndSet(big(400 * 1024), 0),
      pointers.advance(big(400 * 1024)),
    ])
      await expect(run(step as never)).rejects.toMatchObject({ _tag: 'LimitExceeded', data: { limit: 409_600 } })
    expect(asked).toEqual([])
  })

  test('a transaction over 4 MiB is refused before anything is sent', async () => {
    const { pointers, asked } = storeOn(() => ({}))
    const changes = Array.from({ length: 11 }, (_, i) => ({
      kind: 'put' as const,
      item: big(390 * 1024, String(i)),
      expected: 0,
    }))
    await expect(run(pointers.transact(changes))).rejects.toMatchObject({ _tag: 'LimitExceeded' })
    expect(asked).toEqual([])
    expect(await run(pointers.transact(changes.slice(0, 10)))).toEqual({ done: true })
  })
})
