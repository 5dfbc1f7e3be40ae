/** What a store on DynamoDB makes of the answers that a table, or the way to it, gives on bad days. */
import { describe, expect, test } from 'vitest'
import { dynamoPointerStore } from '../../../adapters/aws/dynamodb/pointer-store.js'
import type { ItemChange, PointerStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { epoch, handClock } from '../../protocol/hand-clock.js'
import {
  broken,
  dynamoAnswer,
  dynamoError,
  failure,
  maxAttempts,
  operationOf,
  type Step,
  scriptedDynamo,
  sent,
  times,
} from './scripted.js'

const seconds = epoch / 1_000_000
const writes = ['write-1', 'write-2']

function store(...steps: Step[]) {
  const { client, requests } = scriptedDynamo(...steps)
  const names = [...writes]
  const ids = { uuid: () => names.shift() ?? 'no name', random: () => 0.5 }
  return { pointers: dynamoPointerStore({ client, table: 'annals', clock: handClock(), ids }), requests }
}

const item = { pk: 'C#t', sk: 'a', attributes: { note: 'content of a person', seq: 7 } }
const change: ItemChange = { kind: 'put', item, expected: 0 }
const check: ItemChange = { kind: 'check', pk: 'C#t', sk: 'b', expected: 3 }

const storedAs = (more: object = {}) => ({ pk: { S: 'C#t' }, sk: { S: 'a' }, ...more })
const done = dynamoAnswer({})
const failed = (more?: object) => dynamoError('ConditionalCheckFailedException', more && { Item: storedAs(more) })
const cancelled = (...codes: string[]) =>
  dynamoError('TransactionCanceledException', { CancellationReasons: codes.map((Code) => ({ Code })) })
const broke = dynamoError('InternalServerError', {}, 500)
const throttled = dynamoError('ProvisionedThroughputExceededException')
const denied = dynamoError('AccessDeniedException')

const reading: ReadonlyArray<[string, (pointers: PointerStore) => ReturnType<PointerStore['putAll']>]> = [
  ['get', (pointers) => pointers.get('C#t', 'a') as never],
  ['get of many', (pointers) => pointers.getAll([item, { ...item, sk: 'b' }]) as never],
  ['query', (pointers) => pointers.query({ pk: 'C#t', limit: 5 }) as never],
  ['scan', (pointers) => pointers.scan({ pkPrefixes: ['C#'], limit: 5 }) as never],
]
const writing: ReadonlyArray<[string, (pointers: PointerStore) => ReturnType<PointerStore['putAll']>]> = [
  ['put', (pointers) => pointers.putAll([item])],
  ['put of many', (pointers) => pointers.putAll([item, { ...item, sk: 'b' }])],
  ['compare-and-set', (pointers) => pointers.compareAndSet(item, 0) as never],
  ['put of a newer one', (pointers) => pointers.putNewer([item])],
  ['advance', (pointers) => pointers.advance(item) as never],
  ['transaction', (pointers) => pointers.transact([change]) as never],
]
const deletion: (typeof writing)[number] = ['delete', (pointers) => pointers.deleteByPrefix(['C#']) as never]

describe.each([...reading, ...writing, deletion])('%s', (_, call) => {
  test.each([
    ['throttled by the table', throttled],
    ['throttled by the account', dynamoError('ThrottlingException')],
    ['throttled by the control plane', dynamoError('RequestLimitExceeded')],
    ['met by an error of the server', broke],
    ['left without a connection', broken('ECONNREFUSED')],
    ['cut off', { ...done, cutAfter: 1 }],
  ] as ReadonlyArray<[string, Step]>)('%s is made when that passes, and else unavailable', async (__, step) => {
    await run(call(store(...times(maxAttempts - 1, step), done).pointers))
    const { pointers, requests } = store(step)
    const error = await failure(call(pointers), 'Unavailable')
    expect(error.retryable).toBe(true)
    expect(error.message).not.toContain('person')
    expect(requests).toHaveLength(maxAttempts)
  })

  test('of a table that is not there is refused at once, and says how to make it', async () => {
    const { pointers, requests } = store(dynamoError('ResourceNotFoundException'))
    const { message } = await failure(call(pointers), 'StorageRefused')
    expect(message).toContain("create it with 'annals bootstrap'")
    expect(requests).toHaveLength(1)
  })

  test('without permission is refused, and says what to do', async () => {
    const { message } = await failure(call(store(denied).pointers), 'StorageRefused')
    expect(message).toContain('compare them with the policies of docs/operations.md')
  })

  test('whose answer nobody can read is unavailable, and does not pass its text on', async () => {
    const page = { status: 200, body: '{"Item":{"note":{"S":"content of a person' }
    expect((await failure(call(store(page).pointers), 'Unavailable')).message).not.toContain('person')
  })
})

describe.each(writing)('a refused %s', (_, call) => {
  test('is in doubt after a try that may have been applied', async () => {
    for (const doubt of [broke, broken('ECONNRESET'), broken('ETIMEDOUT')])
      await failure(call(store(doubt, denied).pointers), 'Unavailable')
  })
})

describe('a compare-and-set', () => {
  test('that was applied although its first try failed is done: it knows its own write again', async () => {
    const { pointers, requests } = store(broke, failed({ _write: { S: 'write-1' }, _rev: { N: '1' } }))
    const written = { ...item, rev: 1 }
    expect(await run(pointers.compareAndSet(item, 0))).toEqual({ done: true, item: written })
    expect(requests.map((each) => sent<{ Item: object }>(each).Item)).toMatchObject(
      Array(2).fill({ _write: { S: 'write-1' }, _rev: { N: '1' } }),
    )
  })

  test('that finds an expired item, or none, answers without one', async () => {
    const expired = failed({ _rev: { N: '2' }, expires_at: { N: String(seconds) } })
    for (const step of [expired, failed()])
      expect(await run(store(step).pointers.compareAndSet(item, 3))).toEqual({ done: false })
    const lasting = failed({ _rev: { N: '2' }, expires_at: { N: String(seconds + 1) } })
    expect(await run(store(lasting).pointers.compareAndSet(item, 3))).toMatchObject({ actual: { rev: 2 } })
  })

  test('gives every write a name of its own', async () => {
    const { pointers, requests } = store(done)
    await run(pointers.compareAndSet(item, 0))
    await run(pointers.compareAndSet(item, 1))
    const names = requests.map((each) => sent<{ Item: { _write: { S: string } } }>(each).Item._write.S)
    expect(names).toEqual(writes)
  })
})

describe('a transaction', () => {
  test('that finds its own write after its token was forgotten is done', async () => {
    const own = { Code: 'ConditionalCheckFailed', Item: storedAs({ _write: { S: 'write-1' } }) }
    const step = dynamoError('TransactionCanceledException', { CancellationReasons: [own, { Code: 'None' }] })
    expect(await run(store(broke, step).pointers.transact([change, check]))).toEqual({ done: true })
  })

  test('given up for any other reason is refused', async () => {
    await failure(store(cancelled('ValidationError')).pointers.transact([change]), 'StorageRefused')
  })
})

describe('an advance', () => {
  test('tells an item that is ahead from one that is missing or expired', async () => {
    expect(await run(store(failed({ seq: { N: '9' } })).pointers.advance(item))).toBe('ahead')
    expect(await run(store(failed()).pointers.advance(item))).toBe('missing')
    const expired = failed({ seq: { N: '9' }, expires_at: { N: String(seconds) } })
    expect(await run(store(expired).pointers.advance(item))).toBe('missing')
  })
})

describe('every read', () => {
  test.each(reading)('of a %s is strongly consistent', async (_, call) => {
    const { pointers, requests } = store(done)
    await run(call(pointers))
    const [asked] = requests.map((each) => sent<{ RequestItems?: { annals: object } }>(each))
    expect(requests).toHaveLength(1)
    expect(asked?.RequestItems?.annals ?? asked).toMatchObject({ ConsistentRead: true })
  })

  test('before a deletion is strongly consistent', async () => {
    const { pointers, requests } = store(dynamoAnswer({ Items: [storedAs()] }), done)
    expect(await run(pointers.deleteByPrefix(['C#']))).toBe(1)
    expect(requests.map(operationOf)).toEqual(['Scan', 'BatchWriteItem'])
    expect(sent(requests[0])).toMatchObject({ ConsistentRead: true })
  })
})
