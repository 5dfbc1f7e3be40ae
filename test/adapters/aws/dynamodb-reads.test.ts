/** Reads of many items: how many requests they are, and what the table leaves over or is not asked at all. */
import { describe, expect, test } from 'vitest'
import { dynamoPointerStore } from '../../../adapters/aws/dynamodb/pointer-store.js'
import type { Item } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { epoch, handClock } from '../../protocol/hand-clock.js'
import { dynamoAnswer, failure, operationOf, type Step, scriptedDynamo, sent, times } from './scripted.js'

const ids = { uuid: () => 'write', random: () => 0.5 }

function store(...steps: Step[]) {
  const { client, requests } = scriptedDynamo(...steps)
  const clock = handClock()
  return { pointers: dynamoPointerStore({ client, table: 'annals', clock, ids }), requests, clock }
}

const items = (count: number): Item[] =>
  Array.from({ length: count }, (_, i) => ({ pk: 'V#t', sk: `s${i}`, attributes: { n: i } }))

const done = dynamoAnswer({})

type BatchGet = { RequestItems: { annals: { Keys: Array<{ pk: { S: string }; sk: { S: string } }> } } }
const keysIn = (request: Parameters<typeof sent>[0]) => sent<BatchGet>(request).RequestItems.annals.Keys
/** Gives the first items of those it is asked for, and leaves over the rest; item `absent` is not there. */
const gives =
  (count: (asked: number) => number): Step =>
  (request) => {
    const keys = keysIn(request)
    const given = keys.slice(0, count(keys.length))
    const Items = given.filter(({ sk }) => sk.S !== 'absent').map((key) => ({ ...key, n: { N: key.sk.S.slice(1) } }))
    const rest = keys.slice(given.length)
    return dynamoAnswer({
      // In another order than they were asked for.
      Responses: { annals: Items.reverse() },
      ...(rest.length > 0 && { UnprocessedKeys: { annals: { Keys: rest, ConsistentRead: true } } }),
    })
  }
const none = gives(() => 0)
const all = gives((asked) => asked)

describe('many keys', () => {
  test('are asked for in batches of 100, each key once, and answered in their order', async () => {
    const { pointers, requests } = store(all)
    const asked = items(230)
    const absent = { pk: 'V#t', sk: 'absent' }
    expect(await run(pointers.getAll([...asked, absent, ...asked]))).toEqual([...asked, undefined, ...asked])
    expect(requests.map((each) => keysIn(each).length).sort()).toEqual([100, 100, 31])
  })

  test('that the table leaves over are asked for again, and only they', async () => {
    const { pointers, requests, clock } = store(
      gives(() => 3),
      gives(() => 1),
      all,
    )
    expect(await run(pointers.getAll(items(5)))).toEqual(items(5))
    expect(requests.map((each) => keysIn(each).map(({ sk }) => sk.S))).toEqual([
      ['s0', 's1', 's2', 's3', 's4'],
      ['s3', 's4'],
      ['s4'],
    ])
    expect(clock.now()).toBeGreaterThan(epoch)
  })

  test('of which the table gives none at all are unavailable after ten askings, and ever longer waits', async () => {
    const { pointers, requests, clock } = store(none)
    const { message } = await failure(pointers.getAll(items(5)), 'Unavailable')
    expect(message).toContain('the table is throttled')
    expect(requests).toHaveLength(10)
    const waitedMs = (clock.now() - epoch) / 1000
    expect(waitedMs).toBeGreaterThan(5_000)
    expect(waitedMs).toBeLessThan(10 * 2_000)
  })

  test('are slow, and no failure, as long as the table gives one now and then', async () => {
    const stuck = times(9, none)
    const one = gives(() => 1)
    const { pointers, requests } = store(...stuck, one, ...stuck, one, ...stuck, all)
    expect(await run(pointers.getAll(items(4)))).toEqual(items(4))
    expect(requests).toHaveLength(30)
  })

  test('are asked for in at most eight batches at a time', async () => {
    const { pointers, most } = counting()
    await run(pointers.getAll(items(2_000)))
    expect(most()).toBe(8)
  })

  test('that are none are no request', async () => {
    const { pointers, requests } = store(all)
    expect(await run(pointers.getAll([]))).toEqual([])
    expect(requests).toEqual([])
  })
})

/** A store on a table that gives everything, and counts how many batches it is asked for at a time. */
function counting() {
  let now = 0
  let most = 0
  const { client } = scriptedDynamo(all)
  const counted = (next: (args: object) => Promise<object>) => async (args: object) => {
    most = Math.max(most, ++now)
    const answer = await next(args)
    now--
    return answer
  }
  client.middlewareStack.add(counted as never, { step: 'initialize' })
  return { pointers: dynamoPointerStore({ client, table: 'annals', clock: handClock(), ids }), most: () => most }
}

describe('a pass over the table', () => {
  const prefixes = ['V#t#', 'T#t#', 'Q#t#']
  const filter = {
    FilterExpression: 'begins_with(pk, :p0) OR begins_with(pk, :p1) OR begins_with(pk, :p2)',
    ExpressionAttributeValues: { ':p0': { S: 'Q#t#' }, ':p1': { S: 'T#t#' }, ':p2': { S: 'V#t#' } },
  }

  test('is one for all prefixes, also when it deletes', async () => {
    const { pointers, requests } = store(done)
    await run(pointers.scan({ pkPrefixes: prefixes, limit: 5 }))
    await run(pointers.deleteByPrefix(prefixes))
    expect(requests.map(operationOf)).toEqual(['Scan', 'Scan'])
    for (const each of requests) expect(sent(each)).toMatchObject(filter)
  })

  test('for no prefix is no request, and deletes nothing', async () => {
    const { pointers, requests } = store(dynamoAnswer({ Items: [{ pk: { S: 'C#t' }, sk: { S: 'a' } }] }))
    expect(await run(pointers.scan({ pkPrefixes: [], limit: 5 }))).toEqual({ items: [] })
    expect(await run(pointers.deleteByPrefix([]))).toBe(0)
    expect(requests).toEqual([])
  })

  test('for every item has no filter', async () => {
    const { pointers, requests } = store(done)
    await run(pointers.scan({ pkPrefixes: ['V#', ''], limit: 5 }))
    expect(sent(requests[0])).not.toHaveProperty('FilterExpression')
  })
})
