/** What the runner promises: every event, in order for each resource, at least once, whatever fails. */
import { expect, test } from 'vitest'
import { defineProjection } from '../../src/index.js'
import { quiet } from '../protocol/hand-clock.js'
import { makeWorld, outcome } from '../protocol/world.js'
import { diary, line } from './diary.js'
import { eventsOf } from './histories.js'

async function filled() {
  const world = makeWorld()
  const site = await world.enter()
  for (let n = 0; n < 5; n++) await site.tenant.update('Note', `${n % 2}`, { n })
  await site.tenant.transact([
    { op: 'delete', type: 'Note', id: '0' },
    { op: 'create', type: 'Task', id: 't', body: '{}' },
  ])
  return { world, ...site }
}

test('a run tells every event in log order, and the next one only what is new', async () => {
  const { store, tenant } = await filled()
  const { told, projection } = diary()
  const [status] = await store.projections.run('t', [projection])
  expect(told).toEqual(await eventsOf(tenant))
  expect(status).toMatchObject({
    name: 'diary',
    version: 1,
    state: 'running',
    serves: true,
    seq: 6,
    lag: { commits: 0 },
  })
  told.length = 0
  await store.projections.run('t', [projection])
  expect(told).toEqual([])
  await tenant.create('Task', '{}', { id: 'u' })
  expect((await store.projections.list('t'))[0]).toMatchObject({ seq: 6, lag: { commits: 1 } })
  await store.projections.run('t', [projection])
  expect(told).toEqual(['7-0 Task/u@1 {}'])
})

test('types and operations narrow what a projection is told', async () => {
  const { store } = await filled()
  const { told, projection } = diary({ types: ['Note'], operations: ['delete'] })
  await store.projections.run('t', [projection])
  expect(told).toEqual(['6-0 Note/0@4 deleted'])
})

test('a projection that asks for other events than before has to be rebuilt', async () => {
  const { store } = await filled()
  await store.projections.run('t', [diary().projection])
  const narrower = diary({ types: ['Task'] })
  expect(await outcome(store.projections.run('t', [narrower.projection]))).toBe('InvalidInput')
  expect(narrower.told).toEqual([])
  await store.projections.rebuild('t', narrower.projection)
  expect(narrower.told).toEqual(['6-1 Task/t@1 {}'])
})

test('of projections that run together one that fails stops none, and none goes on behind the back of who hears of it', async () => {
  const { store, tenant } = await filled()
  await store.projections.run('t', [diary({ name: 'narrow', types: ['Task'] }).projection])
  const told: string[] = []
  const slow = defineProjection({
    name: 'slow',
    version: 1,
    apply: async ({ events }) => {
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
      told.push(...events.map(line))
    },
  })
  const refused = diary({ name: 'narrow', types: ['Note'] }).projection
  expect(await outcome(store.projections.run('t', [refused, slow], { page: { events: 1 } }))).toBe('InvalidInput')
  expect(told).toEqual(await eventsOf(tenant))
})

test('each tells the events of one resource in order, and no more resources at once than it may', async () => {
  const world = makeWorld()
  const { store, tenant } = await world.enter()
  await tenant.transact(
    Array.from({ length: 60 }, (_, n) => ({ op: 'update' as const, type: 'Note', id: `${n % 7}`, body: { n } })),
  )
  const versions = new Map<string, number[]>()
  let now = 0
  let most = 0
  const projection = defineProjection({
    name: 'each',
    version: 1,
    concurrency: 3,
    each: async ({ id, version }) => {
      most = Math.max(most, ++now)
      await world.clock.sleep(version % 3)
      versions.set(id, [...(versions.get(id) ?? []), version])
      now--
    },
  })
  await store.projections.run('t', [projection])
  expect(most).toBe(3)
  for (const seen of versions.values()) expect(seen).toEqual(seen.map((_, i) => i + 1))
  expect([...versions.values()].flat()).toHaveLength(60)
})

test('a failure is tried again, and what is finished before it is not told again', async () => {
  const { store, tenant } = await filled()
  let failures = 3
  const told: string[] = []
  const projection = defineProjection({
    name: 'flaky',
    version: 1,
    concurrency: 1,
    each: async (event) => {
      if (event.position.seq === 4 && failures-- > 0) throw new Error('not now')
      told.push(line(event))
    },
  })
  const heard: unknown[] = []
  await store.projections.run('t', [projection], { onFailure: (error) => heard.push((error as Error).message) })
  expect(heard).toEqual(['not now', 'not now', 'not now'])
  // In order of resources, not of the log: each resource's own order is what counts.
  expect([...new Set(told)].sort()).toEqual((await eventsOf(tenant)).sort())
  expect(told.filter((each) => each.startsWith('1-0'))).toHaveLength(1)
})

test('after eight failures at one event it is parked there, says why without content, and goes on when a person says so', async () => {
  const { store, tenant } = await filled()
  let broken = true
  const told: string[] = []
  const projection = defineProjection({
    name: 'broken',
    version: 1,
    concurrency: 1,
    each: async (event) => {
      if (broken && event.position.seq === 3)
        throw Object.assign(new TypeError(`cannot read {"n":2}`), { code: 'E_BAD' })
      told.push(line(event))
    },
  })
  let failures = 0
  const [status] = await store.projections.run('t', [projection], { onFailure: () => failures++ })
  const atFirst = failures
  expect(status).toMatchObject({
    state: 'parked',
    seq: 2,
    parked: { position: '0-3-0', failures: 8, cause: "TypeError (E_BAD); the worker's onFailure hears the rest" },
  })
  expect(await outcome(tenant.whenProjected('broken', { partition: 0, seq: 6, index: 0 }))).toBe('ProjectionParked')
  await store.projections.run('t', [projection])
  expect(failures).toBe(atFirst)
  broken = false
  expect(await store.projections.resume('t', 'broken')).toBe(true)
  expect(await store.projections.resume('t', 'broken')).toBe(false)
  await store.projections.run('t', [projection])
  expect([...new Set(told)].sort()).toEqual((await eventsOf(tenant)).sort())
  expect(await outcome(store.projections.resume('t', 'nobody'))).toBe('InvalidInput')
})

test('a rebuild forgets, and tells everything again', async () => {
  const { store, tenant } = await filled()
  const told: string[] = []
  let resets = 0
  const projection = defineProjection({
    name: 'diary',
    version: 1,
    apply: async ({ events }, { isRebuild }) => {
      expect(isRebuild).toBe(resets > 0)
      told.push(...events.map(line))
    },
    reset: async () => {
      resets++
      told.length = 0
    },
  })
  await store.projections.run('t', [projection])
  expect(await store.projections.rebuild('t', projection)).toMatchObject([{ state: 'running', lag: { commits: 0 } }])
  expect(resets).toBe(1)
  expect(told).toEqual(await eventsOf(tenant))
})

test('a projection that keeps its own checkpoint goes on from it, whatever the store believes', async () => {
  const { store, tenant } = await filled()
  const told: string[] = []
  let own: string | undefined
  let crash = true
  const projection = defineProjection({
    name: 'exact',
    version: 1,
    checkpoint: async () => own,
    apply: async ({ events, previous, checkpoint }) => {
      if (own !== previous) throw new Error('somebody else was faster')
      told.push(...events.map(line))
      own = checkpoint
      // The effect is there, and the store does not hear of it.
      if (crash) {
        crash = false
        throw new Error('crash')
      }
    },
  })
  await store.projections.run('t', [projection])
  await tenant.create('Task', '{}', { id: 'u' })
  await store.projections.run('t', [projection])
  expect(told).toEqual(await eventsOf(tenant))
})

/** A table that keeps its checkpoint with its rows. */
function ownTable() {
  const table = { rows: [] as string[], own: undefined as string | undefined }
  const projection = defineProjection({
    name: 'table',
    version: 1,
    checkpoint: async () => table.own,
    apply: async ({ events, previous, checkpoint }) => {
      if (table.own !== previous) throw new Error('somebody else was faster')
      table.rows.push(...events.map(line))
      table.own = checkpoint
    },
    reset: async () => {
      table.rows = []
      table.own = undefined
    },
  })
  return { table, projection }
}

test('one that keeps its own checkpoint is rebuilt from the first event, and begins there when it is lost', async () => {
  const { store, tenant } = await filled()
  const { table, projection } = ownTable()
  await store.projections.run('t', [projection], { page: { events: 2 } })
  const all = await eventsOf(tenant)
  await store.projections.rebuild('t', projection)
  expect(table.rows).toEqual(all)
  Object.assign(table, { rows: [], own: undefined })
  await store.projections.run('t', [projection])
  expect(table.rows).toEqual(all)
})

test('a rebuild forgets what is there, though nothing is known of it, and though another log has left it', async () => {
  const other = await filled()
  const { table, projection } = ownTable()
  await other.store.projections.run('t', [projection])
  const { store, tenant } = await makeWorld().enter()
  await tenant.create('Task', '{}', { id: 'only' })
  expect(await outcome(store.projections.run('t', [projection]))).toBe('LogMismatch')
  await store.projections.rebuild('t', projection)
  expect(table.rows).toEqual(['1-0 Task/only@1 {}'])
  const { told, projection: plain } = diary({ reset: async () => void told.splice(0) })
  told.push('left over')
  await store.projections.rebuild('t', plain)
  expect(told).toEqual(table.rows)
})

test('a reset that comes when others have gone on undoes nothing for good', async () => {
  const { store, tenant } = await filled()
  const rows = new Set<string>()
  const asked: Array<() => void> = []
  const projection = defineProjection({
    name: 'slow',
    version: 1,
    apply: async ({ events }) => {
      for (const event of events) rows.add(line(event))
    },
    reset: async () => {
      if (asked.length === 0) await new Promise<void>((resolve) => asked.push(resolve))
      rows.clear()
    },
  })
  await store.projections.run('t', [projection])
  const late = store.projections.rebuild('t', projection)
  while (asked.length === 0) await new Promise(setImmediate)
  await store.projections.run('t', [projection])
  expect([...rows]).toEqual(await eventsOf(tenant))
  asked[0]?.()
  await late
  expect([...rows]).toEqual(await eventsOf(tenant))
})

test('pages are as long as they are asked to be, and never without an end', async () => {
  const { store, tenant } = await filled()
  const pages: number[] = []
  const { told, projection } = diary({
    apply: async ({ events }) => {
      pages.push(events.length)
      told.push(...events.map(line))
    },
  })
  await store.projections.run('t', [projection], { page: { events: 3 } })
  expect(pages).toEqual([3, 3, 1])
  expect(told).toEqual(await eventsOf(tenant))
  expect(await outcome(store.projections.run('t', [projection], { page: { commits: Number.NaN } }))).toBe(
    'InvalidInput',
  )
  expect(() => store.projections.work([projection], { page: { bytes: 0 } })).toThrow('page.bytes')
})

test('side effects begin with the first event after the first start, also of a later version, and are never repeated', async () => {
  const { store, tenant } = await filled()
  const told: string[] = []
  const mails = (version: number) =>
    defineProjection({ name: 'mails', version, sideEffects: true, each: async (event) => void told.push(line(event)) })
  await store.projections.run('t', [mails(1)])
  expect(told).toEqual([])
  await tenant.create('Task', '{}', { id: 'u' })
  await store.projections.run('t', [mails(1)])
  expect(told).toEqual(['7-0 Task/u@1 {}'])
  await tenant.create('Task', '{}', { id: 'v' })
  await store.projections.run('t', [mails(2)])
  expect(told).toEqual(['7-0 Task/u@1 {}', '8-0 Task/v@1 {}'])
  expect(await outcome(store.projections.rebuild('t', mails(2)))).toBe('InvalidInput')
})

test('a new version is built beside the old one, takes over when it has caught up, and removes it', async () => {
  const { store, tenant } = await filled()
  const retired: number[] = []
  const one = diary()
  await store.projections.run('t', [one.projection])
  let served: boolean | undefined
  const two = diary({
    version: 2,
    apply: async ({ events }) => {
      const statuses = await store.projections.list('t')
      served = statuses.find(({ version }) => version === 1)?.serves
      two.told.push(...events.map(line))
    },
    retire: async (version) => void retired.push(version),
  })
  const [status] = await store.projections.run('t', [two.projection])
  expect(served).toBe(true)
  expect(two.told).toEqual(await eventsOf(tenant))
  expect(status).toMatchObject({ version: 2, serves: true })
  expect(retired).toEqual([1])
  expect(await store.projections.list('t')).toHaveLength(1)
  await tenant.create('Task', '{}', { id: 'u' })
  // Whoever still runs the old version hears that it is over.
  expect(await outcome(store.projections.run('t', [one.projection]))).toBe('InvalidInput')
  expect(one.told).not.toContain('7-0 Task/u@1 {}')
})

test('a log that is not the one the projection has seen is refused', async () => {
  const { world, store } = await filled()
  const { projection } = diary()
  await store.projections.run('t', [projection])
  world.lose('t/log/0/00000000000000000006.ndjson')
  expect(await outcome((await world.open()).store.projections.run('t', [projection]))).toBe('LogMismatch')
})

test('it stops within a second, also when the projection does not listen', async () => {
  const { world, store } = await filled()
  const stop = new AbortController()
  const began = world.clock.now()
  const projection = defineProjection({
    name: 'deaf',
    version: 1,
    apply: () => {
      stop.abort()
      return new Promise(() => undefined)
    },
  })
  expect(await outcome(store.projections.run('t', [projection], { signal: stop.signal }))).toBe('Cancelled')
  expect(world.clock.now() - began).toBeLessThan(1_000_000)
})

test('with lingerMs what comes soon after each other is one page', async () => {
  const { world, store, tenant } = await filled()
  const pages: string[][] = []
  const projection = defineProjection({
    name: 'pages',
    version: 1,
    apply: async ({ events }) => void pages.push(events.map(line)),
  })
  const worker = store.projections.work([projection], { lingerMs: 100 })
  await tenant.whenProjected('pages', { partition: 0, seq: 6, index: 1 })
  world.clock.byHand()
  for (const id of ['u', 'v', 'w']) {
    await tenant.create('Task', '{}', { id })
    world.clock.move(33)
    await quiet()
  }
  expect(pages).toHaveLength(1)
  world.clock.move(1)
  await quiet()
  expect(pages[1]).toEqual(['7-0 Task/u@1 {}', '8-0 Task/v@1 {}', '9-0 Task/w@1 {}'])
  await worker.stop()
})

test('what is awaited is there: whenProjected waits for one’s own write, and not for ever', async () => {
  const { store, tenant } = await filled()
  const { projection } = diary()
  const written = await tenant.create('Task', '{}', { id: 'u' })
  const { position } = written
  if (position === undefined) throw new Error('it wrote nothing')
  expect(await outcome(tenant.whenProjected('diary', position, { timeoutMs: 50 }))).toBe('Unavailable')
  const waiting = tenant.whenProjected('diary', position)
  await store.projections.run('t', [projection])
  await waiting
  await tenant.whenProjected('diary', position, { timeoutMs: 0 })
})

test('a definition that cannot be is refused, and says why', () => {
  const apply = async () => undefined
  for (const definition of [
    { name: 'Diary', version: 1, apply },
    { name: 'a@1', version: 1, apply },
    { name: 'a', version: 0, apply },
    { name: 'a', version: 1 },
    { name: 'a', version: 1, apply, each: apply },
    { name: 'a', version: 1, each: apply, concurrency: 0 },
    { name: 'a', version: 1, each: apply, checkpoint: async () => undefined },
  ])
    expect(() => defineProjection(definition)).toThrow(/^projection: /)
})
