/** What comes back to Lambda when something fails or is parked, and what is said of it. */
import { afterEach, expect, test, vi } from 'vitest'
import { diary } from '../projections/diary.js'
import { eventsOf } from '../projections/histories.js'
import { context, eventOf, headRecord } from './events.js'
import { done, failing, filled, from } from './site.js'

afterEach(() => vi.restoreAllMocks())

const headOfOther = /^H#u%2Fv#0 head$/

test('the lowest sequence number of a log that failed comes back, as a number and not as a text', async () => {
  const { handle, pointers } = await filled()
  const handler = handle({ projections: [diary().projection] })
  pointers.on('get', headOfOther).fail(undefined, 2)
  const records = [headRecord('t', 1, 1), headRecord('u/v', 3, 7), headRecord('u/v', 2, 5), headRecord('t', 3, 9)]
  expect(await handler(eventOf(...records), context())).toEqual(from(5))
  // As texts, the other way round.
  const early = headRecord('u/v', 1, 2)
  const shorter = { ...early, dynamodb: { ...early.dynamodb, SequenceNumber: '999' } }
  expect(await handler(eventOf(...records, shorter), context())).toEqual({
    batchItemFailures: [{ itemIdentifier: '999' }],
  })
  expect(await handler(eventOf(...records, shorter), context())).toEqual(done)
})

test('what fails on one log keeps no other log from its head, nor another projection of the same log', async () => {
  const { handle, pointers, tenant, other, heard } = await filled()
  const { told, projection } = diary()
  const second = diary({ name: 'second' })
  const handler = handle({ projections: [projection, second.projection] })
  pointers.on('get', /^C#u%2Fv#.* diary@1$/).fail()
  const event = eventOf(headRecord('u/v', 1, 3), headRecord('t', 3, 4), headRecord('u/v', 3, 5))
  expect(await handler(event, context())).toEqual(from(3))
  expect(told).toEqual(await eventsOf(tenant))
  expect(second.told.toSorted()).toEqual([...(await eventsOf(tenant)), ...(await eventsOf(other))].toSorted())
  expect(heard.map(([tenant, name, error]) => [tenant, name, (error as { _tag: string })._tag])).toEqual([
    ['u/v', 'diary', 'Unavailable'],
  ])
  // What Lambda sends again: everything from that record on.
  expect(await handler(eventOf(...event.Records), context())).toEqual(done)
  expect(told.toSorted()).toEqual(second.told.toSorted())
})

test('a parked projection is reported at each event, and does not block the shard', async () => {
  const { handle, heard, store, tenant } = await filled()
  const why = (): unknown => new TypeError('cannot read {"n":0}')
  const handler = handle({ projections: [failing('t', why)] })
  for (const n of [1, 2]) {
    heard.length = 0
    expect(await handler(eventOf(headRecord('t', 3, n)), context())).toEqual(done)
    expect(heard.at(-1)?.[2]).toMatchObject({ _tag: 'ProjectionParked', data: { position: '0-1-0', failures: 8 } })
  }
  expect(heard).toHaveLength(1)
  await store.projections.resume('t', 'failing')
  const { told, projection } = diary({ name: 'failing' })
  expect(await handle({ projections: [projection] })(eventOf(headRecord('t', 3, 3)), context())).toEqual(done)
  expect(told).toEqual(await eventsOf(tenant))
})

test('unless told otherwise, failures are lines on standard error without content', async () => {
  const { handle } = await filled()
  const lines: string[] = []
  vi.spyOn(console, 'error').mockImplementation((each) => void lines.push(each))
  const handler = handle({
    projections: [failing('t', () => Object.assign(new Error('a secret'), { name: 'Odd\nError' }))],
    onFailure: undefined,
  })
  expect(await handler(eventOf(headRecord('t', 3, 1)), context())).toEqual(done)
  expect(lines).toHaveLength(9)
  expect(lines[0]).toBe(
    `annals: projection 'failing' of tenant "t": Odd Error; an onFailure of your own hears the rest`,
  )
  expect(lines[8]).toMatch(
    /^annals: projection 'failing' of tenant "t": ANNALS_PROJECTION_PARKED: .* is parked at 0-1-0/,
  )
  expect(lines.join()).not.toMatch(/secret|\n/)
})
