/** The objects projection: which objects there are, what stands in them, and that nothing ever moves back. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { run } from '../../domain/task.js'
import { type ObjectPart, objectParts, objectsProjection } from '../../src/index.js'
import { makeWorld, outcome, type World } from '../protocol/world.js'
import { transaction, write } from './histories.js'
import { objectsOf } from './objects.js'

const projection = objectsProjection()

/** The projection of the same log where there was nothing before. */
async function cleanFold({ blobs, clock }: World): Promise<Map<string, string>> {
  const clean = makeWorld()
  clean.clock.move((clock.now() - clean.clock.now()) / 1000)
  for (const { key } of (await run(blobs.list('', { limit: 10_000 }))).entries)
    if (!/^t\/(resources|history)\//.test(key))
      await run(clean.blobs.createIfAbsent(key, (await run(blobs.get(key)))?.bytes ?? Buffer.alloc(0)))
  const { store } = await clean.open()
  await store.recover('t')
  await store.projections.run('t', [projection])
  return objectsOf(clean.blobs)
}

test('an event is one document under four names, with its metadata and its body byte for byte', async () => {
  const world = makeWorld()
  const { store, tenant } = await world.enter()
  await tenant.create('Note', '{"n": 1.10}', { id: 'a', actor: 'Ann', reason: 'said ","resource":' })
  await tenant.update('Note', 'a', '{"n":2}')
  await tenant.delete('Note', 'a')
  await tenant.create('x/y', '{}', { id: '..' })
  await store.projections.run('t', [projection])
  const found = await objectsOf(world.blobs)
  const at = '20261122T101530'
  const names = [...found.keys()].map((key) => key.replace(/\d{6}Z_/, 'uuuuuuZ_'))
  expect(names).toEqual([
    't/resources/Note/a/_history/1.json',
    't/resources/Note/a/_history/2.json',
    't/resources/Note/a/_history/3.json',
    't/resources/Note/a/current.json',
    't/resources/x%2Fy/%2E./_history/1.json',
    't/resources/x%2Fy/%2E./current.json',
    `t/history/system/${at}uuuuuuZ_Note_a_1_0-1-0.json`,
    `t/history/system/${at}uuuuuuZ_Note_a_2_0-2-0.json`,
    `t/history/system/${at}uuuuuuZ_Note_a_3_0-3-0.json`,
    `t/history/system/${at}uuuuuuZ_x%2Fy_%2E._1_0-4-0.json`,
    `t/history/type/Note/${at}uuuuuuZ_a_1_0-1-0.json`,
    `t/history/type/Note/${at}uuuuuuZ_a_2_0-2-0.json`,
    `t/history/type/Note/${at}uuuuuuZ_a_3_0-3-0.json`,
    `t/history/type/x%2Fy/${at}uuuuuuZ_%2E._1_0-4-0.json`,
  ])
  const first = found.get('t/resources/Note/a/_history/1.json') ?? ''
  expect(first).toMatch(/,"resource":\{"n": 1\.10\}\}$/)
  const { at: instant, sha256, ...metadata } = JSON.parse(first)
  expect(instant).toMatch(/^2026-11-22T10:15:30\.\d{6}Z$/)
  expect(sha256).toHaveLength(64)
  expect(metadata).toEqual({
    type: 'Note',
    id: 'a',
    version: 1,
    op: 'create',
    method: 'POST',
    position: '0-1-0',
    transaction: '1-0',
    actor: 'Ann',
    reason: 'said ","resource":',
    resource: { n: 1.1 },
  })
  const tombstone = JSON.parse(found.get('t/resources/Note/a/current.json') ?? '')
  expect(tombstone).toMatchObject({ version: 3, op: 'delete' })
  expect(tombstone).not.toHaveProperty('resource')
})

test('running again writes nothing', async () => {
  const { store, tenant, blobs } = await makeWorld().enter()
  await tenant.create('Note', '{}', { id: 'a' })
  await tenant.update('Note', 'a', '{"n":2}')
  await store.projections.run('t', [projection])
  const before = blobs.calls.length
  await store.projections.run('t', [projection])
  expect(blobs.calls.slice(before).filter(({ method }) => method !== 'get')).toEqual([])
})

test('each part can be left out, and another choice asks for a rebuild, which removes what is no longer kept', async () => {
  const world = makeWorld()
  const { store, tenant } = await world.enter()
  await tenant.create('Note', '{}', { id: 'a' })
  await store.projections.run('t', [projection])
  const some = objectsProjection({ parts: ['current'] })
  expect(await outcome(store.projections.run('t', [some]))).toBe('InvalidInput')
  await store.projections.rebuild('t', some)
  expect([...(await objectsOf(world.blobs)).keys()]).toEqual(['t/resources/Note/a/current.json'])
  expect(() => objectsProjection({ parts: [] })).toThrow(/at least one/)
  expect(() => objectsProjection({ parts: ['nothing' as ObjectPart] })).toThrow(/'nothing'/)
  expect(objectParts).toHaveLength(4)
})

test('a rebuild mends what was damaged, brings back what is missing and removes what no event makes', async () => {
  const world = makeWorld()
  const { store, tenant } = await world.enter()
  for (const id of ['a', 'b', 'c']) await tenant.create('Note', '{"n":1}', { id })
  await tenant.update('Note', 'a', '{"n":2}')
  await store.projections.run('t', [projection])
  const before = await objectsOf(world.blobs)
  await run(world.blobs.put('t/resources/Note/a/current.json', Buffer.from('{"version":9,"position":"0-99-0"}')))
  await run(world.blobs.put('t/resources/Note/b/_history/1.json', Buffer.from('not json')))
  await run(world.blobs.put('t/resources/Note/b/_history/2.json', Buffer.from('{}')))
  await run(world.blobs.put('t/history/system/strange.json', Buffer.from('{}')))
  await run(world.blobs.put('t/resources/Note/ghost/current.json', Buffer.from('{}')))
  const current = 't/resources/Note/b/current.json'
  await run(world.blobs.put(current, Buffer.from(`${before.get(current)}`.replace('"n":1', '"n":9'))))
  await run(world.blobs.delete(['t/resources/Note/c/current.json']))
  await store.projections.rebuild('t', projection)
  expect(await objectsOf(world.blobs)).toEqual(before)
})

test('who comes late with an older version leaves the newer one', async () => {
  const world = makeWorld()
  const { store, tenant } = await world.enter()
  const zombie = await world.open()
  await tenant.create('Note', '{"n":1}', { id: 'a' })
  await store.projections.run('t', [projection])
  await tenant.update('Note', 'a', '{"n":2}')
  const held = zombie.blobs.on('get', /current\.json$/).holdAnswer()
  const late = zombie.store.projections.run('t', [projection])
  await held.arrived
  await tenant.update('Note', 'a', '{"n":3}')
  await store.projections.run('t', [projection])
  const before = await objectsOf(world.blobs)
  held.release()
  await late
  expect(await objectsOf(world.blobs)).toEqual(before)
  expect(JSON.parse(before.get('t/resources/Note/a/current.json') ?? '')).toMatchObject({ version: 3 })
})

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), transaction }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('run' as const), failAt: fc.nat(30), lost: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('abandon' as const),
      at: fc.constantFrom('createIfAbsent', 'replaceIfMatch', 'get'),
      after: fc.nat(4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rebuild' as const), failAt: fc.nat(30) }) },
)

test('workers, zombies, crashes, rebuilds and live writes in any interleaving end equal, byte for byte, to a clean fold', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 20 }), async (steps) => {
      const world = makeWorld()
      const { tenant } = await world.enter()
      const zombies: Array<() => Promise<unknown>> = []
      for (const each of steps) {
        if (each.do === 'write') {
          await write(tenant, [each.transaction])
          continue
        }
        const { store, blobs } = await world.open()
        const projected = /^t\/(resources|history)\//
        if (each.do === 'abandon') {
          // It stands still before an object, and comes back when others have gone on.
          const held = each.at === 'get' ? blobs.on('get', projected).holdAnswer() : blobs.on(each.at, projected).hold()
          const running = outcome(store.projections.run('t', [projection]))
          zombies.push(async () => {
            held.release()
            await running
          })
          if (zombies.length > each.after) await zombies.shift()?.()
          continue
        }
        let calls = 0
        for (const method of ['createIfAbsent', 'replaceIfMatch'])
          if (each.do === 'run' && each.lost) blobs.on(method, projected).loseAnswer()
          else blobs.on(method, projected).failWhen(() => calls++ === each.failAt)
        if (each.do === 'run') await outcome(store.projections.run('t', [projection]))
        else await outcome(store.projections.rebuild('t', projection))
      }
      for (const comeBack of zombies) await comeBack()
      const { store } = await world.open()
      await store.projections.run('t', [projection])
      expect(await objectsOf(world.blobs)).toEqual(await cleanFold(world))
    }),
    { numRuns: 60 },
  )
})
