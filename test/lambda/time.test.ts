/** The time of an invocation: what is not at the head in time comes again, and goes on where it was. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Store } from '../../src/index.js'
import { timeBudget } from '../../src/lambda/time-budget.js'
import { diary, line } from '../projections/diary.js'
import { eventsOf } from '../projections/histories.js'
import { outcome } from '../protocol/world.js'
import { context, eventOf, headRecord } from './events.js'
import { done, filled, from } from './site.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const totalMs = 60_000
const marginMs = 2_000
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
/** The tag of the error or the answer, if there is one by now. */
async function byNow<A>(promise: Promise<A>): Promise<A | string> {
  for (let turns = 0; turns < 20; turns++) await turn()
  return Promise.race([outcome(promise), turn().then(() => 'nothing')])
}

test('a log that time ran out for comes back, others do not, and the next attempt goes on from its checkpoint', async () => {
  const { handle, heard, ended, tenant, store } = await filled()
  // Pages of a commit each.
  const notes = Array.from({ length: 500 }, (_, n) => ({ op: 'update' as const, type: 'Note', id: `${n}`, body: {} }))
  for (let n = 0; n < 4; n++) await tenant.transact(notes)
  let pages = 0
  const { told, projection } = diary({
    apply: async (page, scope) => {
      if (scope.tenant === 't') pages++
      if (pages === 2 && scope.tenant === 't') {
        while (!ended.includes('u/v')) await turn()
        vi.advanceTimersByTime(totalMs - marginMs - 1)
        expect(scope.signal.aborted).toBe(false)
        vi.advanceTimersByTime(1)
        expect(scope.signal.aborted).toBe(true)
      }
      if (scope.tenant === 't') told.push(...page.events.map(line))
    },
  })
  const handler = handle({ projections: [projection] })
  const event = eventOf(headRecord('u/v', 3, 1), headRecord('t', 3, 2), headRecord('t', 7, 3))
  expect(await handler(event, context(totalMs))).toEqual(from(2))
  expect(heard.map(([name, , error]) => [name, (error as Error).message])).toEqual([
    ['t', 'projecting (no time left; the next attempt goes on) was cancelled'],
  ])
  // What was under way is done.
  expect(pages).toBe(2)
  expect((await store.projections.list('t'))[0]).toMatchObject({ seq: 4, lag: { commits: 3 } })
  expect(await handler(eventOf(...event.Records.slice(1)), context(totalMs))).toEqual(done)
  expect(told).toEqual(await eventsOf(tenant))
})

test('what does not stop in time is not waited for, and the answer comes before the invocation is over', async () => {
  const { handle, pointers, ended } = await filled()
  const handler = handle({ projections: [diary().projection] })
  const held = pointers.on('get', /^H#t#0/).hold()
  const answer = handler(eventOf(headRecord('u/v', 3, 1), headRecord('t', 3, 2)), context(totalMs))
  await held.arrived
  while (!ended.includes('u/v')) await turn()
  vi.advanceTimersByTime(totalMs - marginMs / 4 - 1)
  expect(await byNow(answer)).toBe('nothing')
  vi.advanceTimersByTime(1)
  expect(await answer).toEqual(from(2))
  held.release()
  expect(await handler(eventOf(headRecord('t', 3, 2)), context(totalMs))).toEqual(done)
})

test('logs whose turn had not come are not begun any more, and come back', async () => {
  const { handle, store, runs } = await filled()
  const names = Array.from({ length: 12 }, (_, n) => `tenant-${n}`)
  for (const name of names) await (await store.tenant(name, { kind: 'json' })).update('Note', 'a', {})
  const { projection } = diary({
    apply: async (_, { tenant }) => {
      if (tenant === 'tenant-7') vi.advanceTimersByTime(totalMs - marginMs)
      while (runs.length < 8) await turn()
    },
  })
  const handler = handle({ projections: [projection] })
  const event = eventOf(...names.map((name, n) => headRecord(name, 1, 20 - n)))
  expect(await handler(event, context(totalMs))).toEqual(from(20 - 11))
  expect(runs).toEqual(names.slice(0, 8))
})

test('an opening that takes all the time fails the invocation, and the next one has its store', async () => {
  const { handle, store } = await filled()
  let arrive: (store: Store) => void = () => undefined
  const opening = new Promise<Store>((resolve) => {
    arrive = resolve
  })
  const handler = handle({ store: () => opening, projections: [diary().projection] })
  const answer = handler(eventOf(headRecord('t', 3, 1)), context(totalMs))
  expect(await byNow(answer)).toBe('nothing')
  vi.advanceTimersByTime(totalMs - marginMs / 4)
  expect(await byNow(answer)).toBe('Unavailable')
  arrive(store)
  expect(await handler(eventOf(headRecord('t', 3, 1)), context(totalMs))).toEqual(done)
})

test('a short invocation has half of its time for work, and leaves no timer behind', async () => {
  const time = timeBudget(1_000, marginMs)
  vi.advanceTimersByTime(499)
  expect(time.signal.aborted).toBe(false)
  vi.advanceTimersByTime(1)
  expect(time.signal.aborted).toBe(true)
  time.release()
  const { handle } = await filled()
  const handler = handle({ projections: [diary().projection] })
  expect(await handler(eventOf(headRecord('t', 3, 1)), context())).toEqual(done)
  expect(vi.getTimerCount()).toBe(0)
})

test('many listen for the end of the time, and nobody is warned of it', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  const { signal, release } = timeBudget(1_000, marginMs)
  for (let n = 0; n < 100; n++) signal.addEventListener('abort', () => n)
  release()
  expect(warned).not.toHaveBeenCalled()
  warned.mockRestore()
})
