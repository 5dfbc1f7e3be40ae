/** Dates and instants as periods: what each stands for, and what is none. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readPeriod } from '../../domain/fhir/period.js'
import { formatInstant, parseInstant } from '../../domain/instant.js'

const textOf = (text: string): readonly [string, string] | undefined => {
  const period = readPeriod(text)
  return period && [formatInstant(period.from), formatInstant(period.until)]
}

describe('a period', () => {
  test.each([
    ['2026', '2026-01-01T00:00:00.000000Z', '2027-01-01T00:00:00.000000Z'],
    ['2026-12', '2026-12-01T00:00:00.000000Z', '2027-01-01T00:00:00.000000Z'],
    ['2024-02', '2024-02-01T00:00:00.000000Z', '2024-03-01T00:00:00.000000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000000Z', '2024-03-01T00:00:00.000000Z'],
    ['2026-11-22T10:15Z', '2026-11-22T10:15:00.000000Z', '2026-11-22T10:16:00.000000Z'],
    ['2026-11-22T10:15', '2026-11-22T10:15:00.000000Z', '2026-11-22T10:16:00.000000Z'],
    ['2026-11-22T10:15:30Z', '2026-11-22T10:15:30.000000Z', '2026-11-22T10:15:31.000000Z'],
    ['2026-11-22T10:15:30.1Z', '2026-11-22T10:15:30.100000Z', '2026-11-22T10:15:30.200000Z'],
    ['2026-11-22T10:15:30.123Z', '2026-11-22T10:15:30.123000Z', '2026-11-22T10:15:30.124000Z'],
    ['2026-11-22T10:15:30.123456Z', '2026-11-22T10:15:30.123456Z', '2026-11-22T10:15:30.123457Z'],
    ['2026-11-22T10:15:30.123456789Z', '2026-11-22T10:15:30.123456Z', '2026-11-22T10:15:30.123457Z'],
    ['2026-11-22T10:15:30+02:00', '2026-11-22T08:15:30.000000Z', '2026-11-22T08:15:31.000000Z'],
    ['2026-11-22T10:15:30 02:00', '2026-11-22T08:15:30.000000Z', '2026-11-22T08:15:31.000000Z'],
    ['2026-11-22T23:30-05:30', '2026-11-23T05:00:00.000000Z', '2026-11-23T05:01:00.000000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000000Z', '2017-01-01T00:00:01.000000Z'],
  ])('%s is from %s until %s', (text, from, until) => expect(textOf(text)).toEqual([from, until]))

  test.each([
    ...['', '26', '0000', '2026-13', '2026-00', '2026-1', '2026-02-30', '2025-02-29', '2026-11-31', '2026-11-22T'],
    ...['2026-11-22T10', '2026-11-22T10Z', '2026-11-22T24:00Z', '2026-11-22T10:60Z', '2026-11-22T10:15:61Z'],
    ...['2026-11-22T10:15:30.Z', '2026-11-22T10:15:30+2', '2026-11-22T10:15:30+15:00', '2026-11-22Z', '2026-11Z'],
    ...['2026-11-22 10:15', '2026-11-22T10:15:30 Z', 'ge2026', '2026-11-22T10:15:30.1234567890Z', '2026\n'],
  ])('%j is none', (text) => expect(readPeriod(text)).toBeUndefined())

  test('begins at the instant that an instant is, whatever its zone', () => {
    const micros = fc.integer({ min: Date.UTC(1700, 0, 1) * 1000, max: Date.UTC(2250, 0, 1) * 1000 })
    const zones = fc.integer({ min: -14 * 60, max: 14 * 60 })
    fc.assert(
      fc.property(micros, zones, (at, minutes) => {
        const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
        const offset = `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`
        const local = formatInstant(at + minutes * 60_000_000).replace('Z', offset)
        expect(readPeriod(local)).toEqual({ from: at, until: at + 1 })
        expect(parseInstant(local)).toEqual({ _tag: 'Right', right: at })
      }),
    )
  })

  test('of less precision holds those of more', () => {
    const micros = fc.integer({ min: Date.UTC(1700, 0, 1) * 1000, max: Date.UTC(2250, 0, 1) * 1000 })
    fc.assert(
      fc.property(micros, (at) => {
        const text = formatInstant(at)
        const periods = [4, 7, 10, 16, 19, 21, 23, 26].map((length) => readPeriod(text.slice(0, length)))
        for (const [i, period] of periods.entries()) {
          expect(period?.from).toBeLessThanOrEqual(at)
          expect(period?.until).toBeGreaterThan(at)
          if (i > 0) expect(period?.from).toBeGreaterThanOrEqual(periods[i - 1]?.from as number)
          if (i > 0) expect(period?.until).toBeLessThanOrEqual(periods[i - 1]?.until as number)
        }
      }),
    )
  })

  test('that nothing stored can lie in is counted as far as counting goes', () => {
    for (const text of ['0001', '1600-02', '2300', '9999-12-31']) {
      const { from = Number.NaN, until = Number.NaN } = readPeriod(text) ?? {}
      expect([Number.isSafeInteger(from), Number.isSafeInteger(until)]).toEqual([true, true])
      expect(from).toBeLessThanOrEqual(until)
    }
  })
})
