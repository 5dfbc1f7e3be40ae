/** The set of places holds what a set holds. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { indexOf, makePositionSet, packPosition, seqOf } from '../../src/bulk/export/position-set.js'

/** Close together, so that they meet, and far apart. */
const places = fc.oneof(
  fc.record({ seq: fc.integer({ min: 1, max: 40 }), index: fc.nat(60) }),
  fc.record({ seq: fc.integer({ min: 1, max: 2 ** 30 - 1 }), index: fc.nat(2 ** 23 - 1) }),
)

test('whatever is added and removed, in whatever order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), places), { maxLength: 2_000, size: 'max' }), (calls) => {
      const set = makePositionSet()
      const model = new Set<number>()
      const differs = calls.findIndex(([adds, { seq, index }]) => {
        const place = packPosition(seq, index)
        if (adds) set.add(place)
        if (adds) model.add(place)
        const isSame = adds || set.remove(place) === model.delete(place)
        return !isSame || set.size !== model.size || seqOf(place) !== seq || indexOf(place) !== index
      })
      expect(differs).toBe(-1)
      expect(set.all()).toEqual([...model].sort((a, b) => b - a))
    }),
    { numRuns: 30 },
  )
})

test('as many as a large log has', () => {
  const set = makePositionSet()
  for (let seq = 1; seq <= 20_000; seq++) for (let index = 0; index < 10; index++) set.add(packPosition(seq, index))
  expect(set.size).toBe(200_000)
  let removed = 0
  for (let seq = 20_000; seq >= 1; seq--)
    for (let index = 0; index < 20; index++) if (set.remove(packPosition(seq, index))) removed++
  expect([removed, set.size]).toEqual([200_000, 0])
})
