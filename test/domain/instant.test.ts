/** Instants with microseconds: exact, and in order as texts. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatInstant, parseCanonicalInstant, parseInstant } from '../../domain/instant.js'

const year2255 = Date.UTC(2255, 0, 1) * 1000
const instants = fc.integer({ min: 0, max: year2255 })

describe('an instant', () => {
  test('is read as it was written, to the microsecond', () => {
    fc.assert(
      fc.property(instants, (micros) => {
        const text = formatInstant(micros)
        expect(parseCanonicalInstant(text)).toBe(micros)
        expect(parseInstant(text)).toEqual({ _tag: 'Right', right: micros })
      }),
    )
  })

  test('is written in an order that is that of the texts', () => {
    fc.assert(fc.property(instants, instants, (a, b) => void expect(formatInstant(a) < formatInstant(b)).toBe(a < b)))
  })

  test('is written the same whatever was written before it', () => {
    fc.assert(
      fc.property(instants, instants, (a, b) => {
        const text = formatInstant(a)
        formatInstant(b)
        expect(formatInstant(a)).toBe(text)
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
      }),
    )
  })

  test('has one canonical text: no other is taken for it', () => {
    const digits = '0123456789'.split('')
    fc.assert(
      fc.property(
        instants,
        fc.nat({ max: 26 }),
        fc.constantFrom(...digits, ' ', 'T', 'Z', '-', ':', '.', '+'),
        (micros, at, char) => {
          const text = formatInstant(micros)
          const changed = `${text.slice(0, at)}${char}${text.slice(at + 1)}`
          const parsed = parseCanonicalInstant(changed)
          if (parsed !== undefined) expect(formatInstant(parsed)).toBe(changed)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test.each([
    ['2026-11-22', '2026-11-22T00:00:00.000000Z'],
    ['2026-11-22T10:15Z', '2026-11-22T10:15:00.000000Z'],
    ['2026-11-22T10:15:30.5Z', '2026-11-22T10:15:30.500000Z'],
    ['2026-11-22T10:15:30.1234567Z', '2026-11-22T10:15:30.123456Z'],
    ['2026-11-22T10:15:30+02:00', '2026-11-22T08:15:30.000000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000000Z'],
  ])('of %s is %s', (text, expected) => {
    const parsed = parseInstant(text)
    expect(parsed._tag === 'Right' && formatInstant(parsed.right)).toBe(expected)
  })

  test.each([
    '',
    'now',
    '2026',
    '2026-13-01',
    '2026-02-30',
    '2023-02-29',
    '2026-11-22T10:15:30',
    '22.11.2026',
    '2026-11-22 10:15:30Z',
  ])('is not %j', (text) =>
    expect(parseInstant(text)).toMatchObject({ left: { _tag: 'InvalidInput', data: { what: 'instant' } } }),
  )
})
