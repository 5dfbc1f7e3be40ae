/** Answers of the table that are lost after it has done what was asked: no write is made twice, or taken for another's. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dynamoPointerStore } from '../../adapters/aws/dynamodb/pointer-store.js'
import { systemClock } from '../../adapters/system-clock.js'
import { systemIds } from '../../adapters/system-ids.js'
import type { Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { type Fault, type FaultProxy, startFaultProxy } from '../servers/fault-proxy.js'
import { connectionTo, describeWorlds, makeTable } from './worlds.js'

/** Applied, and not answered. */
const losses: ReadonlyArray<Fault> = ['drop', 'reset-after', 'error-after', 'cut']

const item = (sk: string, attributes: Item['attributes'] = {}): Item => ({ pk: 'C#t', sk, attributes })

describeWorlds('lost answers', ({ name, dynamodb }) => {
  let proxy: FaultProxy
  let pointers: PointerStore
  beforeAll(async () => {
    const table = await makeTable(dynamodb)
    proxy = await startFaultProxy({ target: dynamodb })
    const client = new DynamoDBClient(connectionTo(proxy.url))
    pointers = dynamoPointerStore({ client, table, clock: systemClock, ids: systemIds })
  })
  afterAll(() => proxy.stop())

  /** The next requests of this operation are met by the fault. */
  const lose = (operation: string, fault: Fault, times = 1): void =>
    proxy.follow({ rules: [{ fault, operation, times }] })

  test.each(losses)('a compare-and-set is known again as made: %s', async (fault) => {
    const sk = `swap ${fault}`
    lose('PutItem', fault)
    expect(await run(pointers.compareAndSet(item(sk, { n: 1 }), 0))).toMatchObject({ done: true, item: { rev: 1 } })
    lose('PutItem', fault, 2)
    expect(await run(pointers.compareAndSet(item(sk, { n: 2 }), 1))).toMatchObject({ done: true, item: { rev: 2 } })
    expect(await run(pointers.get('C#t', sk))).toEqual({ ...item(sk, { n: 2 }), rev: 2 })
  })

  test.each(losses)('a transaction is made once: %s', async (fault) => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => `${name} ${fault}`) as [string, string, string]
    await run(pointers.compareAndSet(item(c), 0))
    lose('TransactWriteItems', fault)
    const changes = [
      { kind: 'put' as const, item: item(a), expected: 0 },
      { kind: 'put' as const, item: item(b), expected: 0 },
      { kind: 'delete' as const, pk: 'C#t', sk: c, expected: 1 },
    ]
    expect(await run(pointers.transact(changes))).toEqual({ done: true })
    expect(await run(pointers.get('C#t', a))).toMatchObject({ rev: 1 })
    expect(await run(pointers.get('C#t', c))).toBeUndefined()
    expect(await run(pointers.transact(changes))).toEqual({ done: false, failed: [0, 1, 2] })
  })

  test.each(losses)('a batch, a head and a deletion are as they should be: %s', async (fault) => {
    const head = (seq: number): Item => ({ pk: `H#${fault}`, sk: 'head', attributes: { seq } })
    lose('PutItem', fault)
    await run(pointers.putAll([head(1)]))
    lose('PutItem', fault)
    expect(await run(pointers.advance(head(2)))).toBe('ahead')
    expect(await run(pointers.get(`H#${fault}`, 'head'))).toEqual(head(2))
    lose('PutItem', fault)
    await run(pointers.putNewer([head(3)]))
    expect(await run(pointers.get(`H#${fault}`, 'head'))).toEqual(head(3))
    lose('BatchWriteItem', fault)
    await run(pointers.putAll(['a', 'b'].map((sk) => ({ ...item(sk), pk: `V#${fault}` }))))
    expect((await run(pointers.query({ pk: `V#${fault}`, limit: 5 }))).items).toHaveLength(2)
    lose('BatchWriteItem', fault)
    expect(await run(pointers.deleteByPrefix([`V#${fault}`]))).toBe(2)
    expect((await run(pointers.scan({ pkPrefixes: [`V#${fault}`], limit: 5 }))).items).toEqual([])
  })

  test('the largest item is taken, and a larger one is refused by name', async () => {
    proxy.follow({})
    // moto draws its own line.
    const bytes = (name === 'moto' ? 405_000 : 409_600) - ['pk', 'C#t', 'sk', 'big', 'text'].join('').length
    await run(pointers.putAll([item('big', { text: 'é'.repeat(Math.floor(bytes / 2)) })]))
    await expect(run(pointers.putAll([item('big', { text: 'x'.repeat(409_600) })]))).rejects.toMatchObject({
      _tag: 'LimitExceeded',
    })
  })
})
