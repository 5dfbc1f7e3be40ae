/** The baton: writers of one log take turns once they have met. */
import { describe, expect, test } from 'vitest'
import { batonPk, batonSk } from '../../domain/keys.js'
import { run } from '../../domain/task.js'
import type { Tenant } from '../../src/store.js'
import type { Script } from './script.js'
import { headItem, logs, makeWorld, type Site, type World } from './world.js'

const batonItem = /^L#/

/** Writes one after the other until the log has `commits`; answers who wrote how many. */
async function race(world: World, sites: ReadonlyArray<Site & { tenant: Tenant }>, commits: number): Promise<number[]> {
  const written = sites.map(() => 0)
  let done = 0
  await Promise.all(
    sites.map(async ({ tenant }, writer) => {
      while (done < commits) {
        await tenant.create('Note', '{"n":1}')
        written[writer] = (written[writer] ?? 0) + 1
        done++
      }
    }),
  )
  expect((await (await world.enter()).tenant.head()).seq).toBe(done)
  return written
}

/** Lets every create of a commit take its time. */
function slowDown({ clock }: World, blobs: Script, ms: number): void {
  for (let n = 0; n < 500; n++) blobs.on('createIfAbsent', logs).before(() => clock.sleep(ms))
}

describe('with the baton', () => {
  test('three writers in lockstep share the log evenly', async () => {
    const world = makeWorld()
    const options = { baton: { lookMs: 0 } }
    const sites = [await world.enter(options), await world.enter(options), await world.enter(options)]
    const written = await race(world, sites, 60)
    expect(Math.min(...written)).toBeGreaterThanOrEqual(15)
  })

  test('so do writers that look for others only now and then', async () => {
    const world = makeWorld()
    const options = { baton: { lookMs: 50 } }
    const sites = [await world.enter(options), await world.enter(options), await world.enter(options)]
    for (const { blobs } of sites) slowDown(world, blobs, 5)
    const written = await race(world, sites, 90)
    expect(Math.min(...written)).toBeGreaterThanOrEqual(15)
  })

  test('a turn holds several commits, and no writer waits longer than the turns of the others', async () => {
    const world = makeWorld()
    const options = { baton: { lookMs: 0, turnMs: 50 } }
    const sites = [await world.enter(options), await world.enter(options), await world.enter(options)]
    for (const { blobs } of sites) slowDown(world, blobs, 5)
    const written = await race(world, sites, 150)
    expect(Math.min(...written)).toBeGreaterThanOrEqual(30)
    const asked = sites.reduce((sum, { pointers }) => sum + pointers.count('compareAndSet', batonItem), 0)
    expect(asked).toBeLessThan(150)
  })

  test('a turn ends when its holder has nothing more to write', async () => {
    const world = makeWorld()
    const options = { baton: { lookMs: 0, turnMs: 60_000 } }
    const [one, other] = [await world.enter(options), await world.enter(options)]
    await Promise.all([one.tenant.create('Note', '{"n":1}'), other.tenant.create('Note', '{"n":2}')])
    const began = world.clock.now()
    await one.tenant.create('Note', '{"n":3}')
    await other.tenant.create('Note', '{"n":4}')
    expect(world.clock.now() - began).toBeLessThan(1_000_000)
  })

  test('a writer whose every request is slow gets its turn', async () => {
    const world = makeWorld()
    const options = { baton: { lookMs: 0 } }
    const sites = [await world.enter(options), await world.enter(options), await world.enter(options)]
    sites.forEach(({ blobs }, n) => {
      slowDown(world, blobs, n === 0 ? 50 : 1)
    })
    const written = await race(world, sites, 60)
    expect(Math.min(...written)).toBeGreaterThanOrEqual(10)
  })

  test('a writer that lost a race asks for it, and passes it on', async () => {
    const world = makeWorld()
    const [winner, loser] = [await world.enter(), await world.enter()]
    loser.blobs.on('createIfAbsent', logs).before(() => winner.tenant.create('Note', '{"n":1}'))
    await loser.tenant.create('Note', '{"n":2}')
    // It passes it on when its commit is visible, which its caller hears first.
    await world.clock.sleep(1)
    expect(loser.pointers.count('compareAndSet', batonItem)).toBe(2)
    const item = await run(world.pointers.get(batonPk('t', 0), batonSk))
    expect(item?.attributes.tickets).toBe('[]')
  })

  test('a holder that died is passed by after its lease', async () => {
    const world = makeWorld()
    const [dead, alive] = [await world.enter(), await world.enter()]
    dead.blobs.on('createIfAbsent', logs).before(() => alive.tenant.create('Note', '{"n":0}'))
    const dying = dead.blobs.on('createIfAbsent', logs).hold()
    void dead.tenant.create('Note', '{"n":1}')
    await dying.arrived
    const before = world.clock.now()
    alive.blobs.on('createIfAbsent', logs).before(async () => {
      const other = await world.enter()
      await other.tenant.create('Note', '{"n":2}')
    })
    await alive.tenant.create('Note', '{"n":3}')
    const waited = (world.clock.now() - before) / 1000
    expect(waited).toBeGreaterThanOrEqual(900)
    expect(waited).toBeLessThan(5_000)
    await alive.tenant.create('Note', '{"n":4}')
  })

  test('writers race when it cannot be read or written', async () => {
    const world = makeWorld()
    const sites = [await world.enter(), await world.enter()]
    for (const { pointers } of sites)
      for (const method of ['get', 'compareAndSet']) pointers.on(method, batonItem).fail(undefined, 1_000_000)
    const written = await race(world, sites, 20)
    expect(written.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(20)
  })

  test('correctness does not hang on it: a holder that is too late loses the race and nothing else', async () => {
    const world = makeWorld()
    const [late, other] = [await world.enter(), await world.enter()]
    late.blobs.on('createIfAbsent', logs).before(() => other.tenant.update('Note', 'a', '{"n":1}'))
    const holding = late.blobs.on('createIfAbsent', logs).hold()
    const pending = late.tenant.update('Note', 'a', '{"n":2}')
    await holding.arrived
    world.clock.move(10_000)
    await other.tenant.update('Note', 'a', '{"n":3}')
    holding.release()
    expect(await pending).toMatchObject({ version: 3 })
  })

  test('a writer alone never asks for it', async () => {
    const world = makeWorld()
    const { tenant, pointers } = await world.enter()
    for (let n = 0; n < 5; n++) await tenant.create('Note', '{"n":1}')
    expect(pointers.count('compareAndSet', batonItem)).toBe(0)
    expect(pointers.count('get', batonItem)).toBe(0)
    expect(pointers.count('advance', headItem)).toBe(5)
  })

  test('nor does a writer that writes now and then, however long it has not looked', async () => {
    const world = makeWorld()
    const { tenant, pointers } = await world.enter({ baton: { lookMs: 500 } })
    for (let n = 0; n < 5; n++) {
      await world.clock.sleep(600)
      await tenant.create('Note', '{"n":1}')
    }
    expect(pointers.count('get', batonItem)).toBe(0)
  })

  test('a writer that is always at work looks at its interval', async () => {
    const world = makeWorld()
    const { tenant, pointers, blobs } = await world.enter({ baton: { lookMs: 500 } })
    slowDown(world, blobs, 100)
    for (let n = 0; n < 20; n++) await tenant.create('Note', '{"n":1}')
    expect(pointers.count('get', batonItem)).toBeGreaterThanOrEqual(3)
    expect(pointers.count('get', batonItem)).toBeLessThanOrEqual(4)
  })
})
