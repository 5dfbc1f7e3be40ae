/** A function on the table's stream: what counts of an event, and what is run. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defineProjection, openStore, type Store } from '../../src/index.js'
import { projectionHandler } from '../../src/lambda/index.js'
import { diary, line } from '../projections/diary.js'
import { eventsOf } from '../projections/histories.js'
import { failure, outcome } from '../protocol/world.js'
import { context, eventOf, headRecord, otherRecords, type StreamRecord, sequence, streamRecord } from './events.js'
import { done, filled } from './site.js'

test('the filter of the operations page lets heads through, and nothing else', () => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const { dynamodb } = JSON.parse(/Pattern: '(.*)'/.exec(page)?.[1] ?? '{}')
  const [{ prefix }] = dynamodb.Keys.pk.S
  const passes = (record: StreamRecord): boolean => record.dynamodb.Keys.pk.S.startsWith(prefix)
  expect([headRecord('t', 0, 1), headRecord('u/v', 3, 2)].every(passes)).toBe(true)
  expect(otherRecords('t', 3).some(passes)).toBe(false)
})

test('each log is run once up to its head, however many records name it', async () => {
  const { handle, runs, tenant, other } = await filled()
  const { told, projection } = diary()
  const handler = handle({ projections: [projection] })
  const records = [headRecord('t', 1, 1), headRecord('u/v', 1, 5), headRecord('t', 2, 9), headRecord('t', 1, 1)]
  expect(await handler(eventOf(...records), context())).toEqual(done)
  expect(runs).toEqual(['t', 'u/v'])
  expect(told.toSorted()).toEqual([...(await eventsOf(tenant)), ...(await eventsOf(other))].toSorted())
})

test('only heads that were written count, and everything else is acknowledged without a store', async () => {
  const { handle, runs } = await filled()
  let opened = 0
  const store = async (): Promise<Store> => {
    opened++
    throw new Error('it is not needed')
  }
  const head = headRecord('t', 3, 7)
  const { pk } = head.dynamodb.Keys
  const handler = handle({ store, projections: [diary().projection], tenants: ['t'] })
  const records = [
    ...otherRecords('t', 1),
    streamRecord({ eventName: 'REMOVE', sequence: sequence(4), pk: pk.S, sk: 'head' }),
    streamRecord({ sequence: sequence(5), pk: pk.S, sk: 'tail' }),
    streamRecord({ sequence: sequence(6), pk: 'L#t#0', sk: 'head' }),
    headRecord('u/v', 3, 8),
  ]
  expect(await handler(eventOf(...records), context())).toEqual(done)
  expect(await handler(eventOf(), context())).toEqual(done)
  expect([opened, runs]).toEqual([0, []])
  await expect(handler(eventOf(head), context())).rejects.toThrow('it is not needed')
})

test('the first record of a new log runs it, and names are read as they are spelled in keys', async () => {
  const { handle, runs } = await filled()
  const handler = handle({ projections: [diary().projection] })
  expect(await handler(eventOf(headRecord('u/v', 0, 1)), context())).toEqual(done)
  expect(runs).toEqual(['u/v'])
})

test('several shards name the same and other logs at the same time', async () => {
  const { handle, tenant, other } = await filled()
  const state = new Map<string, string>()
  const projection = defineProjection({
    name: 'state',
    version: 1,
    apply: async ({ events }, scope) => {
      for (const event of events) state.set(`${scope.tenant} ${event.type}/${event.id}`, line(event))
    },
  })
  // Each shard has an execution environment of its own.
  const shards = [
    [headRecord('t', 2, 1), headRecord('u/v', 3, 4)],
    [headRecord('u/v', 1, 9_000_000), headRecord('t', 3, 9_000_001)],
  ]
  const answers = shards.map((records) => handle({ projections: [projection] })(eventOf(...records), context()))
  expect(await Promise.all(answers)).toEqual([done, done])
  expect(state.get('t Note/a')).toBe((await eventsOf(tenant)).at(-1))
  expect(state.get('u/v Note/a')).toBe((await eventsOf(other)).at(-1))
})

test('at most eight logs are worked on side by side', async () => {
  const { handle, store, world } = await filled()
  const names = Array.from({ length: 20 }, (_, n) => `tenant-${n}`)
  for (const name of names) await (await store.tenant(name, { kind: 'json' })).update('Note', 'a', {})
  let now = 0
  let most = 0
  const projection = defineProjection({
    name: 'slow',
    version: 1,
    apply: async () => {
      most = Math.max(most, ++now)
      await world.clock.sleep(100)
      now--
    },
  })
  const event = eventOf(...names.map((name, n) => headRecord(name, 1, n)))
  expect(await handle({ projections: [projection] })(event, context())).toEqual(done)
  expect(most).toBe(8)
})

test('what is no batch of the stream is refused, and the error names the place and no content', async () => {
  const { handle, runs } = await filled()
  const handler = handle({ projections: [diary().projection] })
  const record = headRecord('t', 1, 1)
  const queue = { Records: [{ messageId: '1', body: 'secret', eventSource: 'aws:sqs' }] }
  const foreign = { Records: [{ ...record, dynamodb: { ...record.dynamodb, Keys: { Id: { N: '101' } } } }] }
  const numberless = { Records: [record, { ...record, dynamodb: { ...record.dynamodb, SequenceNumber: 'secret' } }] }
  for (const [event, place] of [
    [undefined, 'its root'],
    ['secret', 'its root'],
    [{}, 'Records'],
    [queue, 'Records.0.eventName'],
    [foreign, 'Records.0.dynamodb.Keys.pk'],
    [numberless, 'Records.1.dynamodb.SequenceNumber'],
  ] as const) {
    const error = await failure(handler(event, context()))
    expect([error._tag, error.message]).toEqual([
      'InvalidInput',
      `event: it is no batch of the table's stream (see ${place}); connect the function to that stream`,
    ])
  }
  expect(runs).toEqual([])
})

test('a store is opened once, by a cold start that works; one that fails is tried again, and nothing is created', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'annals-lambda-'))
  const url = `file:${join(folder, 'store')}`
  const { told, projection } = diary()
  const handler = projectionHandler({ store: url, projections: [projection] })
  const event = eventOf(headRecord('t', 1, 1))
  expect(await outcome(handler(event, context()))).toBe('NotAStore')
  expect(await outcome(handler(event, context()))).toBe('NotAStore')
  const store = await openStore(url)
  const tenant = await store.tenant('t', { kind: 'json' })
  await tenant.create('Note', '{}', { id: 'a' })
  expect(await handler(event, context())).toEqual(done)
  expect(told).toEqual(await eventsOf(tenant))
  await store.close()
  rmSync(folder, { recursive: true })

  const { handle, store: inMemory } = await filled()
  let opened = 0
  const open = async (): Promise<Store> => {
    if (opened++ === 0) throw new Error('not yet')
    return inMemory
  }
  const again = handle({ store: open, projections: [projection] })
  await expect(again(event, context())).rejects.toThrow('not yet')
  expect(await again(event, context())).toEqual(done)
  expect(await again(event, context())).toEqual(done)
  expect(opened).toBe(2)
})

test('a handler without projections, or with a margin that is none, is refused when it is made', () => {
  const options = { store: 'memory:', projections: [diary().projection] }
  expect(() => projectionHandler({ ...options, projections: [] })).toThrow('a projection at least')
  for (const marginMs of [0, -1, 1.5, Number.NaN])
    expect(() => projectionHandler({ ...options, marginMs })).toThrow('marginMs')
})
