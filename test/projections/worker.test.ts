/** Many workers share the projections of many tenants: each has its fair part, and nothing is left behind when one dies. */
import { expect, test } from 'vitest'
import { systemIds } from '../../adapters/system-ids.js'
import { makeLeases } from '../../projections/leases.js'
import { type Task, work } from '../../projections/worker.js'
import { makeWorld } from '../protocol/world.js'
import { diary } from './diary.js'
import { eventsOf } from './histories.js'

const leaseMs = 9_000

/** Workers over one pointer store, whose tasks only say who runs them. */
function crew(tasks: number) {
  const { clock, pointers } = makeWorld()
  const runners = new Map<string, Set<string>>()
  const failures: unknown[] = []
  function hire(name: string) {
    const stopping = new AbortController()
    const own = Array.from(
      { length: tasks },
      (_, n): Task => ({
        key: `task-${n}`,
        run: async (signal) => {
          const who = runners.get(`task-${n}`) ?? new Set()
          runners.set(`task-${n}`, who.add(name))
          await clock.sleep(3_600_000, signal)
          who.delete(name)
        },
      }),
    )
    let isDead = false
    // A killed worker does nothing any more: not even let go of what it holds.
    const mortal = new Proxy(pointers, {
      get:
        (target, method: keyof typeof pointers) =>
        (...args: never[]) =>
          isDead ? () => new Promise(() => undefined) : (target[method] as (...a: never[]) => unknown)(...args),
    })
    const deps = { name, pointers: mortal, clock, ids: systemIds, leaseMs }
    const ended = work({ ...deps, tasks: async () => own, onFailure: (error) => failures.push(error) }, stopping.signal)
    return {
      stop: async () => {
        stopping.abort()
        await ended
      },
      kill: () => {
        isDead = true
        stopping.abort()
      },
    }
  }
  const count = (name: string): number => [...runners.values()].filter((who) => who.has(name)).length
  const alone = (): boolean => runners.size === tasks && [...runners.values()].every((who) => who.size === 1)
  return { clock, pointers, hire, count, alone, failures }
}

async function until(clock: { sleep(ms: number): Promise<void> }, condition: () => boolean, withinMs: number) {
  for (let ms = 0; ms <= withinMs; ms += 100) {
    if (condition()) return ms
    await clock.sleep(100)
  }
  throw new Error('it did not come to that in time')
}

test('one has all, two have half each, and one that stops gives its part back at once', async () => {
  const { clock, hire, count, alone, failures } = crew(40)
  const a = hire('a')
  await until(clock, () => count('a') === 40, leaseMs)
  const b = hire('b')
  await until(clock, () => count('a') === 20 && count('b') === 20 && alone(), 2 * leaseMs)
  const c = hire('c')
  await until(clock, () => Math.max(count('a'), count('b'), count('c')) <= 14 && alone(), 3 * leaseMs)
  await c.stop()
  await until(clock, () => count('a') === 20 && count('b') === 20, leaseMs)
  await a.stop()
  await until(clock, () => count('b') === 40, leaseMs)
  await b.stop()
  expect(count('b')).toBe(0)
  expect(failures).toEqual([])
})

test('the work of one that was killed is taken over within its lease time', async () => {
  const { clock, hire, count } = crew(10)
  const a = hire('a')
  const b = hire('b')
  await until(clock, () => count('a') === 5 && count('b') === 5, 3 * leaseMs)
  a.kill()
  expect(await until(clock, () => count('b') === 10, leaseMs + 100)).toBeLessThanOrEqual(leaseMs + 100)
  await b.stop()
})

test('a lease that somebody else holds is not taken, and one that was let go is', async () => {
  const { clock, pointers } = makeWorld()
  const [a, b] = ['a', 'b'].map((worker) => makeLeases({ worker, pointers, clock, leaseMs }))
  const lease = await a?.take('task', 0)
  expect(lease).toMatchObject({ owner: 'a', rev: 1 })
  expect(await b?.take('task', 0)).toBeUndefined()
  if (lease !== undefined) await a?.release(lease)
  expect((await b?.list())?.get('task')).toMatchObject({ owner: '', until: 0, rev: 2 })
  expect(await b?.take('task', 2)).toMatchObject({ owner: 'b' })
})

test('workers of two processes project what is written meanwhile, for tenants that come later too', async () => {
  const world = makeWorld()
  const { store, tenant } = await world.enter()
  const other = await world.open()
  const told = { t: diary(), u: diary({ name: 'second' }) }
  const workers = [store, other.store].map((each) =>
    each.projections.work([told.t.projection, told.u.projection], { leaseMs: 3_000 }),
  )
  for (let n = 0; n < 20; n++) {
    await tenant.update('Note', `${n % 3}`, { n })
    await world.clock.sleep(50)
  }
  const last = await tenant.create('Note', '{}', { id: 'last' })
  if (last.position === undefined) throw new Error('it wrote nothing')
  await tenant.whenProjected('diary', last.position)
  await tenant.whenProjected('second', last.position)
  expect(told.t.told).toEqual(await eventsOf(tenant))
  expect(told.u.told).toEqual(await eventsOf(tenant))

  const later = await store.tenant('later', { kind: 'json' })
  const { position } = await later.create('Note', '{}', { id: 'x' })
  if (position === undefined) throw new Error('it wrote nothing')
  await later.whenProjected('diary', position, { timeoutMs: 60_000 })
  expect(told.t.told.at(-1)).toBe('1-0 Note/x@1 {}')
  const began = world.clock.now()
  await Promise.all(workers.map((worker) => worker.stop()))
  expect(world.clock.now() - began).toBeLessThan(1_000_000)
})
