/** A copy that is interrupted leaves an earlier state of the source, and the next one completes it. */
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { refused, unavailable } from '../protocol/script.js'
import { contents, failure, outcome } from '../protocol/world.js'
import { dyingAt, type Fate, through } from './faults.js'
import { tale } from './histories.js'
import { copy, differencesOf, expectEqual, filled, inMemory, objectsOf, type Place } from './places.js'

/** Gives up at the first failure. */
const impatient = { limits: { writeTimeoutMs: 0 } }

const commitsIn = (objects: ReadonlyMap<string, string>): string[] =>
  [...objects.keys()].filter((key) => key.startsWith('t/log/'))

/** An earlier state: the beginning of the same log, with what it needs, and readable. */
async function expectEarlier(from: Place, to: Place): Promise<void> {
  const [whole, held] = [await objectsOf(from), await objectsOf(to)]
  for (const [key, bytes] of held) expect(bytes, key).toBe(whole.get(key))
  expect(commitsIn(held)).toEqual(commitsIn(whole).slice(0, commitsIn(held).length))
  if (!held.has('t/tenant.json')) return expect(held.size).toBe(0)
  const [source, destination] = [await from.open(), await to.open()]
  const read = await contents(await destination.tenant('t'))
  expect((await contents(await source.tenant('t'))).slice(0, read.length)).toEqual(read)
  expect(await differencesOf(to)).toEqual([])
}

async function anEmptyStore(): Promise<Place> {
  const place = await inMemory()
  await place.open()
  return place
}

describe.each([
  ['before it happens', false],
  ['after it has happened', true],
])('a copy that dies at any call of the destination, %s,', (_, happens) => {
  test.each([
    ['into an empty place', 0],
    ['on from an earlier one', 3],
  ])('%s, leaves an earlier state, and the next one completes it', async (_, before) => {
    const from = await filled(await inMemory(), tale.slice(0, before))
    const earlier = await inMemory()
    await copy(from, earlier)
    await filled(from)
    let steps = 0
    for (let isDone = false; !isDone; steps++) {
      const to = await anEmptyStore()
      if (before > 0) await copy(earlier, to)
      const { ports, hasDied } = dyingAt(steps, happens)
      const source = await from.open(impatient)
      const answer = await outcome(source.copy('t', await to.open(ports)))
      isDone = !hasDied()
      expect(answer, `step ${steps}`).toEqual(isDone ? expect.objectContaining({ to: 6 }) : 'Unavailable')
      await expectEarlier(from, to)
      await copy(from, to)
      await expectEqual(from, to)
    }
    expect(steps).toBeGreaterThan(15)
  })
})

describe('trouble that passes', () => {
  /** Of every method and key the first three calls fail; of those the last one has happened. */
  function flaky(): Fate {
    const seen = new Map<string, number>()
    return async ({ method, key }, proceed) => {
      const times = (seen.get(`${method} ${key}`) ?? 0) + 1
      seen.set(`${method} ${key}`, times)
      if (times === 3) await proceed()
      return times > 3 || key === 'annals.json' ? proceed() : E.left(unavailable)
    }
  }

  test('is waited out on both sides', async () => {
    const [from, to] = [await filled(await inMemory()), await anEmptyStore()]
    const [source, destination] = [await from.open(through(flaky())), await to.open(through(flaky()))]
    expect(await source.copy('t', destination)).toMatchObject({ commits: 6, to: 6 })
    await expectEqual(from, to)
  })

  test('is waited out for the time of a write, and then told with its place', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const isDown: Fate = async ({ key }, proceed) => (/00003\.ndjson$/.test(key) ? E.left(unavailable) : proceed())
    const before = from.clock.now()
    const error = await failure((await from.open()).copy('t', await to.open(through(isDown))))
    expect(error).toMatchObject({
      _tag: 'Unavailable',
      data: { cause: expect.stringMatching(/^at the destination: /) },
    })
    expect(from.clock.now() - before).toBeGreaterThan(29_000_000)
    expect(from.clock.now() - before).toBeLessThan(35_000_000)
    await expectEarlier(from, to)
    expect(commitsIn(await objectsOf(to))).toHaveLength(2)
  })

  test('is no refusal: that is told at once', async () => {
    const from = await filled(await inMemory())
    for (const refusing of [/^t\/log/, /V#/, /^H#/]) {
      const to = await anEmptyStore()
      const isReadOnly: Fate = async ({ method, key }, proceed) =>
        refusing.test(key) && /createIfAbsent|putAll|advance/.test(method) ? E.left(refused) : proceed()
      const before = from.clock.now()
      const error = await failure((await from.open()).copy('t', await to.open(through(isReadOnly))))
      expect(error).toMatchObject({ _tag: 'StorageRefused', message: expect.stringContaining('at the destination: ') })
      expect(from.clock.now()).toBe(before)
    }
  })
})
