/** A bell may lose rings, repeat them and bring them in any order: whoever follows a log hears each commit once, in order. */
import { randomInt } from 'node:crypto'
import { Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import type { Ring } from '../../domain/ports/index.js'
import type { Tenant } from '../../src/store.js'
import { makeRandom } from '../simulation/random.js'
import { quiet } from './hand-clock.js'
import { fates, poorBell } from './poor-bell.js'
import { failure, logObject, makeWorld } from './world.js'

const commits = 40

async function heardBy(follower: Tenant, until: number, heard: number[] = []): Promise<number[]> {
  for await (const { seq } of follower.commits({ follow: true })) {
    heard.push(seq)
    if (seq === until) break
  }
  return heard
}

describe('a follower with a bell that', () => {
  test.each(fates)('%s hears each commit once, in order', async (_, fate) => {
    const seed = randomInt(2 ** 31)
    const world = makeWorld()
    const doorbell = poorBell(fate, makeRandom(seed).next)
    const [writer, ...others] = await Promise.all([1, 2, 3].map(() => world.enter({ doorbell })))
    const followers = others.map(({ tenant }) => heardBy(tenant, commits))
    for (let n = 1; n <= commits; n++) await writer?.tenant.create('Note', `{"n":${n}}`)
    const all = Array.from({ length: commits }, (_, i) => i + 1)
    for (const heard of await Promise.all(followers)) expect(heard, `seed ${seed}`).toEqual(all)
  })
})

/** A writer whose bell a follower hears, or does not, while time stands still. */
async function atTheHead({ heard }: { heard: boolean }) {
  const world = makeWorld()
  const rings = new Subject<Ring>()
  const doorbell = { ring: (log: string, seq: number) => rings.next({ log, seq }), listen: () => rings }
  const writer = await world.enter(heard ? { doorbell } : {})
  const follower = await world.enter({ doorbell })
  world.clock.byHand()
  await writer.tenant.create('Note', '{"n":1}')
  const seen: number[] = []
  const ended = heardBy(follower.tenant, 3, seen)
  await quiet()
  expect(seen).toEqual([1])
  return { world, rings, writer: writer.tenant, follower, seen, ended }
}

describe('a follower that waits at the head', () => {
  test('is woken by a ring, without any time going by', async () => {
    const { writer, seen } = await atTheHead({ heard: true })
    await writer.create('Note', '{"n":2}')
    await quiet()
    expect(seen).toEqual([1, 2])
  })

  test("looks once a second of the store's clock when no ring comes", async () => {
    const { world, writer, seen } = await atTheHead({ heard: false })
    await writer.create('Note', '{"n":2}')
    world.clock.move(999)
    await quiet()
    expect(seen).toEqual([1])
    world.clock.move(1)
    await quiet()
    expect(seen).toEqual([1, 2])
  })

  test('polls on when the bell breaks', async () => {
    const { world, writer, seen, rings } = await atTheHead({ heard: false })
    rings.error(new Error('broken'))
    await writer.create('Note', '{"n":2}')
    world.clock.move(1_000)
    await quiet()
    expect(seen).toEqual([1, 2])
  })

  test('misses no ring that comes while it looks', async () => {
    const { world, rings, writer, follower, seen } = await atTheHead({ heard: false })
    const look = follower.pointers.on('get', /^H#/).holdAnswer()
    world.clock.move(1_000)
    await look.arrived
    await writer.create('Note', '{"n":2}')
    rings.next({ log: 't/0', seq: 2 })
    look.release()
    await quiet()
    expect(seen).toEqual([1, 2])
  })

  test('leaves nothing behind when it ends', async () => {
    const { world, rings, writer, ended } = await atTheHead({ heard: true })
    await writer.create('Note', '{"n":2}')
    await quiet()
    expect(rings.observed).toBe(true)
    expect(world.clock.sleepers).toBe(1)
    await writer.create('Note', '{"n":3}')
    expect(await ended).toEqual([1, 2, 3])
    expect(rings.observed).toBe(false)
    expect(world.clock.sleepers).toBe(0)
  })
})

test('a follower whose signal aborts is shown no further commit', async () => {
  const { tenant } = await makeWorld().enter()
  for (let n = 1; n <= 9; n++) await tenant.create('Note', `{"n":${n}}`)
  const abort = new AbortController()
  const seen: number[] = []
  for await (const { seq } of tenant.commits({ follow: true, signal: abort.signal })) {
    seen.push(seq)
    if (seq === 3) abort.abort()
  }
  expect(seen).toEqual([1, 2, 3])
})

test('a commit that is missing below the head is damage, not the end of the log', async () => {
  const world = makeWorld()
  const { tenant } = await world.enter()
  for (let n = 1; n <= 3; n++) await tenant.create('Note', `{"n":${n}}`)
  world.lose(logObject(2))
  const { message } = await failure(heardBy(tenant, 3))
  expect(message).toContain(logObject(2))
})
