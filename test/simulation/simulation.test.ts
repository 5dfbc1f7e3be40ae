/** The simulator itself: it is deterministic, so that a seed is all that a failure needs to be seen again. */
import { describe, expect, test } from 'vitest'
import { makeRandom } from './random.js'
import { simulate } from './simulate.js'

const seeds = [1, 2, 3, 5, 8, 13, 21, 34]

describe('a seed', () => {
  test.each(seeds)('replays exactly: %i', async (seed) => {
    const first = await simulate(seed)
    const again = await simulate(seed, { trace: true })
    expect(again.hash).toBe(first.hash)
    expect(again.statistics).toEqual(first.statistics)
    expect(again.trace.length).toBeGreaterThan(again.steps)
    expect(first.trace).toEqual([])
  })

  test('leads to another run than any other', async () => {
    const hashes = new Set<string>()
    for (const seed of seeds) hashes.add((await simulate(seed)).hash)
    expect(hashes.size).toBe(seeds.length)
  })

  test('decides all chance', () => {
    const draw = (seed: number): number[] => {
      const random = makeRandom(seed)
      return Array.from({ length: 10 }, () => random.next())
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
    for (const drawn of draw(7)) expect(drawn >= 0 && drawn < 1).toBe(true)
  })
})
