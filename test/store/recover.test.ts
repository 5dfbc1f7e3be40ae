/** Recovery: with the log alone, every pointer comes back as it was. */
import { describe, expect, test } from 'vitest'
import { requestLifetime } from '../../domain/pointer.js'
import { run } from '../../domain/task.js'
import { contents, failure, headItem, logObject, makeWorld, outcome, type World } from '../protocol/world.js'
import { commitCount, differences, limits, losePointers, tale } from './tale.js'

/** What is folded beside the pointers has a suite of its own. */
const pointersOnly = { projections: [] }
/** Of the indexes by type. */
const shardings = [1, 3]
const recover = async (world: World) => (await world.open({ limits })).store.recover('t', pointersOnly)

describe('recovery', () => {
  test.each(shardings)('rebuilds every item as it was, from nothing, with %i shards', async (shards) => {
    const world = await tale(shards)
    const before = await world.dump()
    await losePointers(world)
    const report = await recover(world)
    expect(await world.dump()).toEqual(before)
    expect(report).toEqual({ commits: commitCount, events: 9, items: before.size, projections: [] })
    expect(await differences(world)).toEqual([])
  })

  test.each(shardings)(
    'rebuilds every item as it was, whatever stood there instead, with %i shards',
    async (shards) => {
      const world = await tale(shards)
      const before = await world.dump()
      await run(
        world.pointers.putAll([
          { pk: 'V#t#Note/ghost', sk: '0000000001', attributes: { seq: 1 } },
          { pk: 'V#t#Note/a', sk: '0000000001', attributes: { seq: 99 } },
          { pk: 'H#t#0', sk: 'head', attributes: { seq: 99, hash: 'f', at: 0 } },
        ]),
      )
      await recover(world)
      expect(await world.dump()).toEqual(before)
    },
  )

  test('leaves out receipts that have expired, and nothing else', async () => {
    const world = await tale()
    const before = await world.dump()
    world.clock.move(requestLifetime * 1000)
    await losePointers(world)
    await recover(world)
    const kept = [...before].filter(([key]) => !key.startsWith('Q#'))
    expect(await world.dump()).toEqual(new Map(kept))
    expect(kept.length).toBe(before.size - 3)
  })

  test('does not touch other tenants, nor checkpoints', async () => {
    const world = makeWorld()
    const { store, tenant } = await world.enter()
    await tenant.create('Note', '{"n":1}')
    await tenant.saveCheckpoint('load', 'half', 0)
    for (const name of ['t2', 't#0', 'T']) await (await store.tenant(name, { kind: 'json' })).create('Note', '{"n":1}')
    await store.close()
    const before = await world.dump()
    await recover(world)
    expect(await world.dump()).toEqual(before)
    expect(await (await world.enter()).tenant.checkpoint('load')).toEqual({ value: 'half', rev: 1 })
  })

  test.each(shardings)('gives a tenant back that reads and writes as before, with %i shards', async (shards) => {
    const world = await tale(shards)
    const before = await contents((await world.enter({ limits })).tenant)
    await losePointers(world)
    await recover(world)
    const { tenant } = await world.enter({ limits })
    expect(await contents(tenant)).toEqual(before)
    expect(await tenant.update('Note', 'a', '{"n":8}', { expect: 5 })).toMatchObject({ position: { seq: 7 } })
    expect(await differences(world)).toEqual([])
  })

  test('rebuilds an empty tenant', async () => {
    const world = makeWorld()
    await world.enter()
    await losePointers(world)
    expect(await recover(world)).toMatchObject({ commits: 0, items: 1 })
    expect((await (await world.enter()).tenant.head()).seq).toBe(0)
  })

  test('refuses a tenant that is not there, and one that the store has open', async () => {
    const world = await tale()
    expect(await outcome((await world.open()).store.recover('u'))).toBe('TenantNotFound')
    const { store } = await world.enter()
    expect(await outcome(store.recover('t', pointersOnly))).toBe('InvalidInput')
  })

  test('removes the head by itself, and then all other items in one pass over the table', async () => {
    const site = await (await tale()).open()
    await site.store.recover('t', pointersOnly)
    const removals = site.pointers.calls.filter(({ method }) => method === 'deleteByPrefix')
    expect(removals.map(({ key }) => key)).toEqual(['H#t#', 'V#t# T#t# I#t# Q#t#'])
  })

  test('does not list the log to read it', async () => {
    const world = await tale()
    const site = await world.open()
    site.blobs.reset()
    await site.store.recover('t', pointersOnly)
    // Only to see that nothing follows the end: before it gives up the old pointers, and before it vouches for the new ones.
    expect(site.blobs.count('list')).toBeLessThanOrEqual(2)
  })
})

describe('recovery of a log that is not whole', () => {
  test('refuses a log with a hole, and keeps the pointers that still serve', async () => {
    for (const missing of [1, 2, 3, 4, 5]) {
      const world = await tale()
      world.lose(logObject(missing))
      const before = await world.dump()
      expect(await failure(recover(world))).toMatchObject({ _tag: 'Corrupt', data: { key: logObject(missing) } })
      expect(await world.dump()).toEqual(before)
    }
  })

  test('refuses a log with a hole whose pointers are lost, instead of going on in the middle of it', async () => {
    for (const missing of [1, 2, 3, 4, 5]) {
      const world = await tale()
      await losePointers(world)
      world.lose(logObject(missing))
      expect(await failure(recover(world))).toMatchObject({ _tag: 'Corrupt', data: { key: logObject(missing) } })
      expect(await outcome(world.enter())).toBe('NeedsRecovery')
    }
  })

  test('refuses a log with a damaged commit, and names it', async () => {
    const world = await tale()
    await world.damage(logObject(3), (bytes) => bytes.fill('x', 0, 20))
    expect(await failure(recover(world))).toMatchObject({ _tag: 'Corrupt', data: { key: logObject(3) } })
  })

  test('trusts a log whose end is lost, because it is asked to trust the log alone', async () => {
    const world = await tale()
    world.lose(logObject(commitCount))
    expect(await outcome(world.enter())).toBe('LogMismatch')
    expect(await recover(world)).toMatchObject({ commits: commitCount - 1 })
    expect((await (await world.enter()).tenant.head()).seq).toBe(commitCount - 1)
  })
})

describe('recovery that is interrupted', () => {
  test('at any step leaves a log that needs recovery, and a second run completes it', async () => {
    const whole = await tale()
    const before = await whole.dump()
    for (let step = 0, done = false; !done; step++) {
      expect(step).toBeLessThan(100)
      const world = await tale()
      await losePointers(world)
      const site = await world.open()
      const isLast = await interruptAt(site, step)
      const first = await outcome(site.store.recover('t', pointersOnly))
      done = isLast()
      if (!done && !(await world.dump()).has('H#t#0 head')) {
        expect(first).toBe('Unavailable')
        expect(await outcome(world.enter())).toBe('NeedsRecovery')
      }
      world.clock.move(600_000)
      await recover(world)
      expect(await world.dump()).toEqual(before)
    }
  })

  test('by the caller before anything was removed leaves the tenant as it was', async () => {
    const world = await tale()
    const before = await world.dump()
    const stop = new AbortController()
    stop.abort()
    const { store } = await world.open()
    expect(await outcome(store.recover('t', { ...pointersOnly, signal: stop.signal }))).toBe('Cancelled')
    expect(await world.dump()).toEqual(before)
  })

  test('before it has removed the head leaves the tenant as it was', async () => {
    const world = await tale()
    const before = await world.dump()
    const site = await world.open()
    site.pointers.on('deleteByPrefix', headItem).fail()
    expect(await outcome(site.store.recover('t', pointersOnly))).toBe('Unavailable')
    expect(await world.dump()).toEqual(before)
  })
})

describe('recovery that takes longer than its lease', () => {
  test('keeps others out while it removes the pointers', async () => {
    const world = await tale()
    const before = await world.dump()
    const slow = await world.open({ limits })
    const removing = slow.pointers.on('deleteByPrefix', /^V#/).hold()
    const recovering = slow.store.recover('t', pointersOnly)
    await removing.arrived
    // The lease is half a minute; somebody else looks for a minute and a half.
    for (let look = 0; look < 6; look++) {
      await world.clock.sleep(15_000)
      expect(await outcome((await world.open({ limits })).store.recover('t', pointersOnly))).toBe('Unavailable')
    }
    removing.release()
    await recovering
    expect(await world.dump()).toEqual(before)
  })
})

/** Lets every call from the given one on fail; answers whether none was left to fail. */
async function interruptAt(site: Awaited<ReturnType<World['open']>>, step: number): Promise<() => boolean> {
  let calls = 0
  let failed = false
  const methods = { blobs: ['get', 'head', 'list'], pointers: ['get', 'putAll', 'compareAndSet', 'deleteByPrefix'] }
  for (const [port, names] of Object.entries(methods))
    for (const method of names)
      site[port as 'blobs' | 'pointers'].on(method).failWhen(() => {
        failed ||= calls++ >= step
        return failed
      })
  return () => !failed
}

describe('recovery that was interrupted', () => {
  /** Six commits of 2,000 events, whose pointers are lost. */
  async function long(): Promise<{ world: World; before: Map<string, unknown> }> {
    const world = makeWorld()
    const { tenant, store } = await world.enter()
    for (let commit = 0; commit < 6; commit++)
      await tenant.transact(
        Array.from({ length: 2_000 }, (_, n) => ({ op: 'update' as const, type: 'Note', id: `${n}`, body: '{}' })),
      )
    await store.close()
    const before = await world.dump()
    await losePointers(world)
    return { world, before }
  }

  test('goes on where it was, and ends as if it had not been', async () => {
    const { world, before } = await long()
    const site = await world.open()
    let writes = 0
    site.pointers.on('putAll').failWhen(() => ++writes === 3)
    expect(await outcome(site.store.recover('t', pointersOnly))).toBe('Unavailable')
    site.pointers.heal()
    site.blobs.reset()
    expect(await site.store.recover('t', pointersOnly)).toMatchObject({
      commits: 6,
      events: 12_000,
      items: before.size,
    })
    expect(await world.dump()).toEqual(before)
    expect(site.blobs.count('get', new RegExp(logObject(1)))).toBe(0)
  })

  test('begins anew where the pointers served in between, or the log is another one', async () => {
    const { world, before } = await long()
    const stop = new AbortController()
    const onProgress = (): void => stop.abort()
    const site = await world.open()
    expect(await outcome(site.store.recover('t', { ...pointersOnly, signal: stop.signal, onProgress }))).toBe(
      'Cancelled',
    )
    await run(world.pointers.putAll([{ pk: 'V#t#Note/ghost', sk: '0000000001', attributes: { seq: 1 } }]))
    await run(world.pointers.putAll([{ pk: 'H#t#0', sk: 'head', attributes: { seq: 0, hash: 'f', at: 0 } }]))
    await site.store.recover('t', pointersOnly)
    expect(await world.dump()).toEqual(before)
  })

  test('leaves nothing to go on with once it is done', async () => {
    const { world, before } = await long()
    const { store } = await world.open()
    await store.recover('t', pointersOnly)
    await run(world.pointers.deleteByPrefix(['V#', 'T#', 'H#', 'Q#']))
    await store.recover('t', pointersOnly)
    expect(await world.dump()).toEqual(before)
  })
})
