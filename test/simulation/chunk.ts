/** Seeds of the test suite: a file for each chunk, so that vitest runs them side by side. */
import { describe, expect, test } from 'vitest'
import { simulate } from './simulate.js'
import { addTo, report, type Statistics, situations } from './statistics.js'

const seedsPerChunk = 500

export function simulateChunk(chunk: number): void {
  const first = chunk * seedsPerChunk + 1
  const last = first + seedsPerChunk - 1
  const total: Statistics = {}

  describe(`seeds ${first} to ${last}`, () => {
    test('keep every promise', { timeout: 600_000 }, async () => {
      const failures: string[] = []
      for (let seed = first; seed <= last; seed++) {
        const result = await simulate(seed)
        addTo(total, result.statistics)
        if (result.failure !== undefined) failures.push(report(result))
      }
      expect(failures.join('\n')).toBe('')
    })

    test('meet every situation that they are made for', () => {
      expect(situations.filter((name) => total[name] === undefined)).toEqual([])
    })
  })
}
