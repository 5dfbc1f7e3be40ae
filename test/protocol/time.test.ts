/** Time in the log: strictly increasing, whatever the clock does. */
import { describe, expect, test } from 'vitest'
import { formatInstant } from '../../domain/instant.js'
import { epoch } from './hand-clock.js'
import { failure, logs, makeWorld, outcome } from './world.js'

describe('the instants of a log', () => {
  test('are those of the clock, to the microsecond', async () => {
    const { tenant } = await makeWorld().enter()
    expect((await tenant.create('Note', '{"n":1}')).at).toBe(formatInstant(epoch))
  })

  test('strictly increase when the clock stands still', async () => {
    const { tenant } = await makeWorld().enter()
    const instants: string[] = []
    for (let n = 0; n < 4; n++) instants.push((await tenant.create('Note', '{"n":1}')).at as string)
    expect(instants).toEqual([0, 1, 2, 3].map((n) => formatInstant(epoch + n)))
  })

  test('strictly increase when the clock goes back', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter()
    const first = await tenant.create('Note', '{"n":1}')
    world.clock.move(-30_000)
    const second = await tenant.create('Note', '{"n":2}')
    expect(second.at).toBe(formatInstant(epoch + 1))
    expect((second.at as string) > (first.at as string)).toBe(true)
  })

  test('are one for every event of a commit', async () => {
    const { tenant } = await makeWorld().enter()
    const results = await Promise.all([tenant.create('Note', '{"n":1}'), tenant.create('Note', '{"n":2}')])
    expect(results[0].at).toBe(results[1].at)
  })

  test('strictly increase over writers whose clocks disagree', async () => {
    const world = makeWorld()
    const [fast, slow] = [await world.enter(), await world.enter()]
    world.clock.move(50_000)
    await fast.tenant.create('Note', '{"n":1}')
    world.clock.move(-50_000)
    await slow.tenant.create('Note', '{"n":2}')
    await slow.tenant.create('Note', '{"n":3}')
    const instants: string[] = []
    for await (const { at } of slow.tenant.commits()) instants.push(at)
    expect(instants).toEqual([0, 1, 2].map((n) => formatInstant(epoch + 50_000_000 + n)))
  })
})

describe('a head in the future', () => {
  test('beyond the allowed skew is an error, and writes nothing', async () => {
    const world = makeWorld()
    const { tenant, blobs } = await world.enter()
    await tenant.create('Note', '{"n":1}')
    world.clock.move(-60_001)
    blobs.reset()
    expect(await failure(tenant.create('Note', '{"n":2}'))).toMatchObject({
      _tag: 'ClockSkew',
      retryable: false,
      data: { log: 't/0', headAt: formatInstant(epoch), allowedMs: 60_000 },
    })
    expect(blobs.count('createIfAbsent', logs)).toBe(0)
  })

  test('within the allowed skew is written after', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter({ limits: { maxClockSkewMs: 1_000 } })
    await tenant.create('Note', '{"n":1}')
    world.clock.move(-1_000)
    expect((await tenant.create('Note', '{"n":2}')).at).toBe(formatInstant(epoch + 1))
    world.clock.move(-1)
    expect(await outcome(tenant.create('Note', '{"n":3}'))).toBe('ClockSkew')
  })

  test('is accepted again when the clock is right', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter()
    await tenant.create('Note', '{"n":1}')
    world.clock.move(-3_600_000)
    expect(await outcome(tenant.create('Note', '{"n":2}'))).toBe('ClockSkew')
    world.clock.move(3_600_000)
    expect(await tenant.create('Note', '{"n":2}')).toMatchObject({ position: { seq: 2 } })
  })

  test('can be read all the same', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter()
    await tenant.create('Note', '{"n":1}', { id: 'a' })
    world.clock.move(-3_600_000)
    expect((await tenant.read('Note', 'a'))?.text()).toBe('{"n":1}')
  })
})
