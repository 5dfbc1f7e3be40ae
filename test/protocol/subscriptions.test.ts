/** Subscriptions: when they have caught up, and how they end. */
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { quiet } from './hand-clock.js'
import { unavailable } from './script.js'
import { all, at, atTheHead, listen, makeLog, say, toHead } from './subscribers.js'
import { failure, headItem, logObject, logs, makeWorld } from './world.js'

describe('a subscriber has caught up', () => {
  test('at once when the log is empty, and again when it has heard what came', async () => {
    const { tenant, told } = await atTheHead()
    expect(told).toEqual(['caught up 0-0'])
    await tenant.create('Note', '{"n":1}', { id: 'a' })
    await quiet()
    expect(told).toEqual(['caught up 0-0', '1-0 create Note/a {"n":1}', 'caught up 1-0'])
  })

  test('once, however often it looks and nothing new is there', async () => {
    const { world, rings, told } = await atTheHead({ from: 'now' }, 3)
    for (let n = 0; n < 5; n++) {
      rings.next({ log: 't/0', seq: 3 })
      await quiet()
      world.clock.move(1_000)
      await quiet()
    }
    expect(told).toEqual(['caught up 3-0'])
  })

  test('after each stretch, also when none of its events was asked for', async () => {
    const { tenant, told } = await atTheHead({ types: ['Task'], from: 'now' }, 1)
    await tenant.create('Note', '{"n":2}')
    await quiet()
    await tenant.create('Task', '{"n":3}', { id: 'b' })
    await quiet()
    expect(told).toEqual(['caught up 1-0', 'caught up 2-0', '3-0 create Task/b {"n":3}', 'caught up 3-0'])
  })

  test('not before it has heard what came while it was busy', async () => {
    const { tenant } = await makeLog()
    const messages = tenant.subscribe()[Symbol.asyncIterator]()
    const told: string[] = []
    const next = async (): Promise<void> => void told.push(say((await messages.next()).value))
    for (let n = 0; n < 6; n++) await next()
    await tenant.create('Note', '{"n":6}', { id: 'd' })
    await next()
    await tenant.create('Note', '{"n":7}', { id: 'e' })
    for (let n = 0; n < 2; n++) await next()
    expect(told.slice(6)).toEqual(['4-0 create Note/d {"n":6}', '5-0 create Note/e {"n":7}', 'caught up 5-0'])
    await messages.return?.()
  })

  test('and ends there if it asked to, with what came meanwhile', async () => {
    const { tenant, pointers } = await makeLog()
    const look = pointers.on('get', headItem).holdAnswer()
    const ended = toHead(tenant)
    await look.arrived
    await tenant.create('Note', '{"n":6}', { id: 'd' })
    look.release()
    expect(await ended).toEqual([...all.slice(0, -1), '4-0 create Note/d {"n":6}', 'caught up 4-0'])
  })
})

describe('a subscription ends', () => {
  test('without a message when its signal has aborted before', async () => {
    const { tenant, blobs, pointers } = await makeLog()
    expect(await listen(tenant, { signal: AbortSignal.abort() })).toEqual([])
    expect(blobs.count() + pointers.count()).toBe(0)
  })

  test('when its signal aborts while it waits, and leaves nothing behind', async () => {
    const { world, rings, abort, told, ended } = await atTheHead({}, 1)
    expect(rings.observed).toBe(true)
    abort.abort()
    expect(await ended).toBe(told)
    expect(rings.observed).toBe(false)
    expect(world.clock.sleepers).toBe(0)
  })

  test('and has one listener on its signal, whatever it waits for, and then none', async () => {
    const { tenant, abort, ended } = await atTheHead()
    const listeners = (): number => getEventListeners(abort.signal, 'abort').length
    expect(listeners()).toBe(1)
    await listen(tenant, { signal: abort.signal }, [], 1)
    expect(listeners()).toBe(1)
    abort.abort()
    await ended
    expect(listeners()).toBe(0)
  })

  test('between two messages of one commit', async () => {
    const { tenant } = await makeLog()
    const abort = new AbortController()
    const told: string[] = []
    for await (const message of tenant.subscribe({ signal: abort.signal })) {
      told.push(say(message))
      abort.abort()
    }
    expect(told).toEqual(all.slice(0, 1))
  })

  test.each([
    ['the look at the head', 'pointers', headItem],
    ['the read of a commit', 'blobs', logs],
  ] as const)('within a second when its signal aborts during %s, which never ends', async (_, port, key) => {
    const { world, tenant, ...site } = await makeLog()
    world.clock.byHand()
    const held = site[port].on('get', key).hold(unavailable)
    const abort = new AbortController()
    const ended = listen(tenant, { signal: abort.signal })
    await held.arrived
    abort.abort()
    await quiet()
    world.clock.move(1_000)
    expect(await ended).toEqual([])
    held.release()
    await quiet()
    expect(world.clock.sleepers).toBe(0)
  })

  test('without an error when what is under way fails after the signal', async () => {
    const { tenant, blobs } = await makeLog()
    const held = blobs.on('get', logs).hold(unavailable)
    const abort = new AbortController()
    const ended = listen(tenant, { signal: abort.signal })
    await held.arrived
    abort.abort()
    held.release()
    expect(await ended).toEqual([])
  })

  test.each([{}, { signal: new AbortController().signal }])(
    'with the error of a read that fails: %j',
    async (options) => {
      const { tenant, blobs } = await makeLog()
      blobs.on('get', /2\.ndjson/).fail()
      const told: string[] = []
      expect((await failure(listen(tenant, options, told)))._tag).toBe('Unavailable')
      expect(told).toEqual(all.slice(0, 2))
    },
  )

  test('with the error of a read ahead only when its turn has come', async () => {
    const { tenant, blobs } = await makeWorld().enter()
    for (let n = 1; n <= 9; n++) await tenant.create('Note', `{"n":${n}}`)
    blobs.on('get', /6\.ndjson/).fail()
    const told: string[] = []
    const read = async (): Promise<void> => {
      for await (const message of tenant.subscribe()) {
        told.push(say(message))
        await quiet()
      }
    }
    expect((await failure(read()))._tag).toBe('Unavailable')
    expect(told).toHaveLength(5)
  })

  test('with an error, and without a gap, when a commit is missing', async () => {
    const { world, tenant } = await makeLog()
    world.lose(logObject(2))
    const told: string[] = []
    expect((await failure(listen(tenant, {}, told)))._tag).toBe('Corrupt')
    expect(told).toEqual(all.slice(0, 2))
    expect((await failure(toHead(tenant, { from: at(2, 0) })))._tag).toBe('Corrupt')
  })

  test('when the consumer leaves: nothing more is read, and nothing that fails then goes unhandled', async () => {
    const world = makeWorld()
    const { tenant, blobs } = await world.enter()
    for (let n = 1; n <= 30; n++) await tenant.create('Note', `{"n":${n}}`)
    blobs.reset()
    const held = [8, 9, 10, 11].map((seq) => blobs.on('get', new RegExp(logObject(seq))).hold(unavailable))
    await listen(tenant, {}, [], 6)
    const asked = blobs.count('get')
    expect(asked).toBe(11)
    for (const { release } of held) release()
    await quiet()
    expect(blobs.count('get')).toBe(asked)
    expect(world.clock.sleepers).toBe(0)
  })

  test('when the consumer leaves at the head, and nothing stays behind', async () => {
    const { world, rings, tenant, abort } = await atTheHead()
    abort.abort()
    const told = listen(tenant, {}, [], 2)
    await quiet()
    expect(rings.observed).toBe(true)
    await tenant.create('Note', '{"n":1}', { id: 'a' })
    expect(await told).toEqual(['caught up 0-0', '1-0 create Note/a {"n":1}'])
    expect(rings.observed).toBe(false)
    expect(world.clock.sleepers).toBe(0)
  })
})
