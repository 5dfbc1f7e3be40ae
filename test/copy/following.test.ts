/** A copy that follows is a standby: it goes on with what comes, until it is stopped; any copy stops within a second. */
import { randomInt } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { run } from '../../domain/task.js'
import { quiet } from '../protocol/hand-clock.js'
import { contents, failure, logObject, outcome } from '../protocol/world.js'
import { makeRandom } from '../simulation/random.js'
import { type Call, type Fate, through, watched } from './faults.js'
import { changes, live } from './histories.js'
import { copy, differencesOf, expectEqual, expectUntouched, filled, inMemory, objectsOf, type Place } from './places.js'

/** A copy that follows, and how far it has come. */
async function standby(from: Place, to: Place) {
  const [source, destination] = [await from.open(), await to.open()]
  const stop = new AbortController()
  let done = -1
  let look = (): void => undefined
  const copying = source.copy('t', destination, {
    follow: true,
    signal: stop.signal,
    onProgress: (progress) => {
      done = progress.done
      look()
    },
  })
  const reached = (seq: number): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (done >= seq) resolve()
      }
      look()
    })
  return { source, destination, stop, copying, reached }
}

describe('a copy that follows', () => {
  test('goes on with new commits as they come, until it is stopped', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const { source, stop, copying, reached } = await standby(from, to)
    await reached(6)
    await expectEqual(from, to)
    const tenant = await source.tenant('t')
    for (let round = 0; round < 3; round++) {
      await live(tenant, changes(3), `${round}-`)
      await reached(9 + round * 3)
      await expectEqual(from, to)
    }
    stop.abort()
    expect(await copying).toMatchObject({ commits: 15, from: 1, to: 15 })
    await live(tenant, changes(1), 'late')
    expect((await objectsOf(to)).has(logObject(16))).toBe(false)
    expect(await copy(from, to)).toMatchObject({ commits: 1, to: 16 })
  })

  test('can be read meanwhile, and is the tenant itself once it was stopped', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const { source, destination, stop, copying, reached } = await standby(from, to)
    await reached(6)
    const [tenant, twin] = [await source.tenant('t'), await destination.tenant('t')]
    await live(tenant, changes(2), 'more')
    await reached(8)
    expect(await contents(twin)).toEqual(await contents(tenant))
    stop.abort()
    await copying
    expect(await twin.create('Note', '{}')).toMatchObject({ position: { seq: 9 } })
    expect(await differencesOf(to)).toEqual([])
  })

  test('follows a log that has no pointers', async () => {
    const [original, from, to] = [await filled(await inMemory()), await inMemory(), await inMemory()]
    await copy(original, from)
    await run(from.pointers.deleteByPrefix(['']))
    const { stop, copying, reached } = await standby(from, to)
    await reached(6)
    await filled(original, changes(2), 'more')
    for (const [key, text] of await objectsOf(original)) await run(from.blobs.put(key, Buffer.from(text, 'latin1')))
    await reached(8)
    stop.abort()
    expect(await copying).toMatchObject({ to: 8 })
    await expectEqual(original, to)
  })

  test('stops where somebody else writes to the destination', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const { source, destination, copying, reached } = await standby(from, to)
    await reached(6)
    await (await destination.tenant('t')).create('Note', '{"n":9}')
    const error = failure(copying)
    await live(await source.tenant('t'), changes(1), 'more')
    expect(await error).toMatchObject({ _tag: 'Diverged', data: { seq: 7 } })
  })
})

/** A call that never comes back. */
function hanging(at: (call: Call) => boolean): { fate: Fate; arrived: Promise<void>; later: Call[] } {
  let arrive = (): void => undefined
  let isHanging = false
  const later: Call[] = []
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  return {
    arrived,
    later,
    fate: (call, proceed) => {
      if (isHanging) later.push(call)
      if (!at(call)) return proceed()
      isHanging = true
      arrive()
      return new Promise(() => undefined)
    },
  }
}

describe('a copy that is stopped', () => {
  test.each([
    ['the source', logObject(4), 'get'],
    ['the destination', logObject(4), 'createIfAbsent'],
    ['the pointers of the destination', 'H#t#0', 'advance'],
  ])('ends within a second, although a call of %s never comes back', async (side, key, method) => {
    for (const follow of [false, true]) {
      const [from, to] = [await filled(await inMemory()), await inMemory()]
      const { fate, arrived, later } = hanging((call) => call.key === key && call.method === method)
      const source = await from.open(side === 'the source' ? through(fate) : {})
      const destination = await to.open(side === 'the source' ? {} : through(fate))
      const stop = new AbortController()
      const answer = outcome(source.copy('t', destination, { follow, signal: stop.signal }))
      await arrived
      const before = from.clock.now()
      later.splice(0)
      stop.abort()
      expect(await answer).toEqual(follow ? expect.objectContaining({ from: 1 }) : 'Cancelled')
      expect(from.clock.now() - before).toBeLessThanOrEqual(1_000_000)
      expect(later.filter((call) => call.method === 'createIfAbsent')).toEqual([])
    }
  })

  test('begins nothing new when a call that was left to itself comes back', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    let arrive = (): void => undefined
    let release = (): void => undefined
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve
    })
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow: Fate = async ({ method, key }, proceed) => {
      if (method === 'createIfAbsent' && key.startsWith('t/blobs/')) {
        arrive()
        await released
      }
      return proceed()
    }
    const stop = new AbortController()
    const answer = outcome((await from.open()).copy('t', await to.open(through(slow)), { signal: stop.signal }))
    await arrived
    stop.abort()
    expect(await answer).toBe('Cancelled')
    release()
    await quiet()
    expect((await objectsOf(to)).has(logObject(2))).toBe(false)
  })

  test('before it began has written nothing', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const [source, destination] = [await from.open(), await to.open()]
    expect(await outcome(source.copy('t', destination, { signal: AbortSignal.abort() }))).toBe('Cancelled')
    const options = { signal: AbortSignal.abort(), follow: true }
    expect(await source.copy('t', destination, options)).toMatchObject({ commits: 0, to: 0 })
    await expectUntouched(to)
  })

  test('between any two of its calls leaves an earlier state that can be read', async () => {
    const from = await filled(await inMemory())
    const { calls, ports } = watched()
    await (await from.open()).copy('t', await (await inMemory()).open(ports))
    expect(calls.length).toBeGreaterThan(20)
    for (let step = 0; step < calls.length; step++) {
      const to = await inMemory()
      await to.open()
      const stop = new AbortController()
      let made = 0
      const stopping = through((_, proceed) => {
        if (made++ === step) stop.abort()
        return proceed()
      })
      const destination = await to.open(stopping)
      await outcome((await from.open()).copy('t', destination, { signal: stop.signal }))
      await destination.close()
      if ((await objectsOf(to)).has('t/tenant.json')) expect(await differencesOf(to)).toEqual([])
      await copy(from, to)
      await expectEqual(from, to)
    }
  })

  test.each(['source', 'destination'])(
    'by closing the %s is cancelled, and so is one that comes later',
    async (which) => {
      const [from, to] = [await filled(await inMemory()), await inMemory()]
      const { source, destination, copying, reached } = await standby(from, to)
      await reached(6)
      const cancelled = outcome(copying)
      await (which === 'source' ? source : destination).close()
      expect(await cancelled).toBe('Cancelled')
      expect(await outcome(source.copy('t', destination))).toBe('Cancelled')
      await expectEqual(from, to)
    },
  )

  test('by closing a store has ended when the store is closed', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const { fate, arrived } = hanging(({ key, method }) => key === logObject(4) && method === 'createIfAbsent')
    const destination = await to.open(through(fate))
    const order: string[] = []
    const copying = outcome((await from.open()).copy('t', destination)).then(() => order.push('copied'))
    await arrived
    const closing = destination.close().then(() => order.push('closed'))
    await Promise.all([copying, closing])
    expect(order).toEqual(['copied', 'closed'])
  })
})

describe('copies at the same time', () => {
  test('of one tenant to one place end equal', async () => {
    const seed = randomInt(2 ** 31)
    const random = makeRandom(seed)
    const slow: Fate = async (_, proceed) => {
      for (let turns = random.between(0, 3); turns > 0; turns--) await new Promise(setImmediate)
      return proceed()
    }
    const from = await filled(await inMemory())
    for (let round = 0; round < 25; round++) {
      const to = await inMemory()
      await to.open()
      const copies = [1, 2, 3, 4].map(async () => (await from.open()).copy('t', await to.open(through(slow))))
      for (const report of await Promise.all(copies)) expect(report, `seed ${seed}`).toMatchObject({ to: 6 })
      await expectEqual(from, to)
    }
  })
})
