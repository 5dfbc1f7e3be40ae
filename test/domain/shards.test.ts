/** Shards: where an id belongs never changes, and ids of every shape spread evenly. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { everyShard, isShards, maxShards, shardOf } from '../../domain/shards.js'

const shapes: Record<string, (n: number) => string> = {
  numbers: (n) => `${n}`,
  'numbers with zeros': (n) => String(n * 8).padStart(12, '0'),
  'names with a number': (n) => `patient-${n}`,
  'UUIDs of one moment': (n) => `01932a1b-0000-7000-8000-${n.toString(16).padStart(12, '0')}`,
  'one repeated letter': (n) => 'x'.repeat(n),
}

describe('the shard of an id', () => {
  test.each([
    ['', 64, 2],
    ['a', 3, 2],
    ['p1', 64, 60],
    ['patient-17', 7, 3],
    ['ä😀', 64, 57],
  ])('of %j among %i is %i for ever', (id, shards, shard) => expect(shardOf(id, shards)).toBe(shard))

  test('is one of them, and always the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: maxShards }), (id, shards) => {
        const shard = shardOf(id, shards)
        expect(everyShard(shards)).toContain(shard)
        expect(shardOf(id, shards)).toBe(shard)
      }),
    )
  })

  test('is 0 where there is one', () => {
    fc.assert(fc.property(fc.string(), (id) => void expect(shardOf(id, 1)).toBe(0)))
  })

  test.each(Object.keys(shapes))('spreads %s evenly', (shape) => {
    for (const shards of [2, 3, 8, 64]) {
      const each = 200
      const counts = new Array<number>(shards).fill(0)
      for (let n = 0; n < each * shards; n++) {
        const shard = shardOf(shapes[shape]?.(n) ?? '', shards)
        counts[shard] = (counts[shard] ?? 0) + 1
      }
      expect(Math.min(...counts)).toBeGreaterThan(each * 0.7)
      expect(Math.max(...counts)).toBeLessThan(each * 1.3)
    }
  })
})

test('a number of shards is a whole number from 1 to 64', () => {
  expect([1, 2, 64].map(isShards)).toEqual([true, true, true])
  for (const other of [0, -1, 65, 1.5, Number.NaN, '4', null, undefined]) expect(isShards(other)).toBe(false)
})
