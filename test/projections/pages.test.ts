/** Pages: every event once and in order, whatever the limits and wherever they begin. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { orThrow } from '../../domain/task.js'
import { checkpointStore } from '../../projections/checkpoint.js'
import { pagesOf } from '../../projections/pages.js'
import { beginning, comparePlaces, decodePlace, encodePlace, passes } from '../../projections/place.js'
import type { Place, Projection } from '../../projections/projection.js'
import { makeWorld } from '../protocol/world.js'
import { eventsOf, history, write } from './histories.js'
import { sourceOf } from './source.js'

const everything: Projection = {
  name: 'everything',
  version: 1,
  bodies: true,
  sideEffects: false,
  settings: '',
  apply: async () => ({}),
}

const limits = fc.record({
  events: fc.integer({ min: 1, max: 9 }),
  bytes: fc.integer({ min: 1, max: 400 }),
  commits: fc.integer({ min: 1, max: 4 }),
})

test('pages from any place hold every event after it once, in order, and no page is over its limits', async () => {
  await fc.assert(
    fc.asyncProperty(history(8), limits, fc.nat(50), async (transactions, limit, skipped) => {
      const world = makeWorld()
      const { tenant } = await world.enter()
      await write(tenant, transactions)
      const source = sourceOf(world)
      const head = await source.head()
      const all = await eventsOf(tenant)

      const places: Array<{ place: Place; before: number }> = [{ place: beginning, before: 0 }]
      let seen = 0
      for await (const page of pagesOf(source, everything, beginning, head.seq, limit)) {
        expect(page.events.length).toBeLessThanOrEqual(limit.events)
        for (const event of page.events) places.push({ place: page.placeBefore(event), before: seen++ })
        places.push({ place: page.to, before: seen })
        expect(comparePlaces(page.from, page.to)).toBeLessThan(0)
      }
      expect(seen).toBe(all.length)

      const { place, before } = places[skipped % places.length] as (typeof places)[number]
      const rest: string[] = []
      let last = orThrow(decodePlace(encodePlace(place)))
      for await (const page of pagesOf(source, everything, last, head.seq, limit)) {
        expect(page.from).toEqual(last)
        last = page.to
        for (const { pointer, body } of page.events) {
          const { seq, index, type, id, version } = pointer
          rest.push(
            `${seq}-${index} ${type}/${id}@${version} ${body === undefined ? 'deleted' : Buffer.from(body).toString()}`,
          )
          expect(passes(page.from, pointer)).toBe(false)
          expect(passes(page.to, pointer)).toBe(true)
        }
      }
      expect(rest).toEqual(all.slice(before))
      expect(last).toEqual({ seq: head.seq, hash: head.hash, at: head.at, done: 0 })
    }),
    { numRuns: 60 },
  )
})

test('events that a projection does not ask for are passed over, and their bodies are not read', async () => {
  const world = makeWorld()
  const { tenant } = await world.enter()
  await tenant.create('Note', '{"n":1}', { id: 'a' })
  await tenant.create('Task', '{"n":2}', { id: 'b' })
  await tenant.delete('Note', 'a')
  const source = sourceOf(world)
  const seen: string[] = []
  const some: Projection = { ...everything, types: ['Note'], operations: ['delete'] }
  for await (const page of pagesOf(source, some, beginning, 3)) {
    seen.push(...page.events.map(({ pointer }) => `${pointer.type} ${pointer.op}`))
    expect(page.to.seq).toBe(3)
  }
  expect(seen).toEqual(['Note delete'])
})

test('a text that is no place is refused', () => {
  for (const text of ['', '{}', '{"seq":-1,"hash":"","at":0,"done":0}', 'null'])
    expect(decodePlace(text)).toMatchObject({ _tag: 'Left', left: { _tag: 'InvalidInput' } })
})

test('checkpoints of one log are listed by name, each version by itself', async () => {
  const { pointers } = makeWorld()
  const store = checkpointStore(pointers, { tenant: 't', partition: 0 })
  const saved = { place: { ...beginning, seq: 7 }, state: 'running', settings: '', savedAt: 1 } as const
  await store.save('names', 1, saved, 0)
  await store.save('names', 2, saved, 0)
  expect(await store.save('names', 2, saved, 0)).toBeUndefined()
  await store.serve('names', 1, 0)
  await store.save('x', 1, { ...saved, memo: 'm' }, 0)
  const [names, x] = await store.list()
  expect([names?.name, names?.serving?.version, [...(names?.checkpoints.keys() ?? [])]]).toEqual(['names', 1, [1, 2]])
  expect(x?.checkpoints.get(1)).toEqual({ ...saved, memo: 'm', rev: 1 })
  await store.remove('names', 1)
  expect(await store.load('names', 1)).toBeUndefined()
})
