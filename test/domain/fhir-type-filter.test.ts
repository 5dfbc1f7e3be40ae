/** Filters of a type: what they select, and which are refused. */
import { describe, expect, test } from 'vitest'
import { readLastUpdated } from '../../domain/fhir/last-updated.js'
import { filterByBody, filterByHeader, readTypeFilters, type TypeFilter } from '../../domain/fhir/type-filter.js'
import { parseInstant } from '../../domain/instant.js'
import { orThrow } from '../../domain/task.js'

const micros = (text: string): number => orThrow(parseInstant(text))

describe('_lastUpdated', () => {
  test.each([
    ['2026', '2026-01-01T00:00:00Z', '2026-12-31T23:59:59.999999Z'],
    ['2026-02', '2026-02-01T00:00:00Z', '2026-02-28T23:59:59.999999Z'],
    ['2026-12', '2026-12-01T00:00:00Z', '2026-12-31T23:59:59.999999Z'],
    ['2026-02-28', '2026-02-28T00:00:00Z', '2026-02-28T23:59:59.999999Z'],
    ['2026-02-28T10:15Z', '2026-02-28T10:15:00Z', '2026-02-28T10:15:59.999999Z'],
    ['2026-02-28T10:15:30+02:00', '2026-02-28T08:15:30Z', '2026-02-28T08:15:30.999999Z'],
    ['2026-02-28T10:15:30.12Z', '2026-02-28T10:15:30.120000Z', '2026-02-28T10:15:30.129999Z'],
    ['2026-02-28T10:15:30.123456Z', '2026-02-28T10:15:30.123456Z', '2026-02-28T10:15:30.123456Z'],
  ])('%s goes from its first microsecond to its last', (text, first, last) => {
    const moments = [micros(first) - 1, micros(first), micros(last), micros(last) + 1]
    const selected = (prefix: string): boolean[] => moments.map(orThrow(readLastUpdated('filter', `${prefix}${text}`)))
    expect(selected('')).toEqual([false, true, true, false])
    expect(selected('eq')).toEqual([false, true, true, false])
    expect(selected('ne')).toEqual([true, false, false, true])
    expect(selected('ge')).toEqual([false, true, true, true])
    expect(selected('gt')).toEqual([false, false, false, true])
    expect(selected('le')).toEqual([true, true, true, false])
    expect(selected('lt')).toEqual([true, false, false, false])
    expect(selected('sa')).toEqual(selected('gt'))
    expect(selected('eb')).toEqual(selected('lt'))
  })

  test.each([[''], ['xx2026'], ['ap2026'], ['2026-13'], ['2026-00'], ['2026-02-30'], ['ge'], ['now'], ['2026-2']])(
    "refuses '%s'",
    (text) => {
      expect(readLastUpdated('filter', text)).toMatchObject({ left: { _tag: 'InvalidInput' } })
    },
  )
})

describe('a filter', () => {
  const at = micros('2026-06-15T12:00:00Z')
  const body = (text: string) => Buffer.from(text)
  const ofPatients = (...texts: string[]): ReadonlyArray<TypeFilter> =>
    orThrow(readTypeFilters('filter', texts)).get('Patient') ?? []
  const known = body('{"identifier":[{"system":"http://a","value":"1"},{"value":"2"}],"url":"http://u"}')

  test.each([
    [['Patient?_id=a'], 'yes', true],
    [['Patient?_id=b,c'], 'no', false],
    [['Patient?_id=b', 'Patient?_id=a'], 'yes', true],
    [['Patient?_lastUpdated=ge2026-06-15'], 'yes', true],
    [['Patient?_lastUpdated=lt2026-06-15'], 'no', false],
    [['Patient?_lastUpdated=ge2026-01-01&_lastUpdated=lt2026-02-01'], 'no', false],
    [['Patient?_lastUpdated=lt2026-01-01', 'Patient?_lastUpdated=ge2026-06-01'], 'yes', true],
    [['Patient?identifier=http://a|1'], 'ask', true],
    [['Patient?identifier=http://b|1'], 'ask', false],
    [['Patient?identifier=http://b|1,2'], 'ask', true],
    [['Patient?url=http://u'], 'ask', true],
    [['Patient?identifier=1&_id=a'], 'ask', true],
    [['Patient?identifier=1&_id=b'], 'no', false],
    [['Patient?identifier=1&_lastUpdated=lt2026-01-01'], 'no', false],
    [['Patient?identifier=9', 'Patient?_id=a'], 'yes', true],
    [['Patient?identifier=9', 'Patient?identifier=2&_lastUpdated=2026-06'], 'ask', true],
  ] as const)('%j', (texts, header, selects) => {
    const filters = ofPatients(...texts)
    expect(filterByHeader(filters, 'a', at)).toBe(header)
    expect(filterByBody(filters, 'a', at, known)).toBe(selects)
  })

  test('of several types is one of each', () => {
    const filters = orThrow(readTypeFilters('filter', ['Patient?_id=a', 'Group?_id=b', 'Patient?_id=c']))
    expect([...filters].map(([type, { length }]) => [type, length])).toEqual([
      ['Patient', 2],
      ['Group', 1],
    ])
  })

  test.each([
    ['Patient?gender=male', 'NotSupported'],
    ['Patient?identifier:of-type=x', 'NotSupported'],
    ['Patient?_sort=_id', 'InvalidInput'],
    ['Patient?_count=5&_id=a', 'InvalidInput'],
    ['Patient?_include=Patient:organization', 'InvalidInput'],
    ['Patient?_include:iterate=x', 'InvalidInput'],
    ['Patient?_elements=id', 'InvalidInput'],
    ['Patient?_id=', 'InvalidInput'],
    ['Patient?identifier=http://a|', 'NotSupported'],
    ['Patient?', 'InvalidInput'],
    ['Patient', 'InvalidInput'],
    ['patient?_id=a', 'InvalidInput'],
    ['', 'InvalidInput'],
    ['Patient?_lastUpdated=yesterday', 'InvalidInput'],
    [`Patient?_id=${Array(101).fill('a')}`, 'LimitExceeded'],
  ])("'%s' is refused", (text, _tag) => {
    expect(readTypeFilters('typeFilters', [text])).toMatchObject({ left: { _tag, data: { what: 'typeFilters' } } })
  })
})
