/** What may be a tenant, a type, an id and a position. */

import fc from 'fast-check'
import { isRight } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { logKey, versionsPk } from '../../domain/keys.js'
import { formatPosition, parsePosition } from '../../domain/position.js'
import { checkId, checkTenant, checkType, maxSegmentBytes } from '../../domain/resource.js'

const accepts = (check: (name: string) => unknown, name: string): boolean => isRight(check(name) as never)

describe('a FHIR type and id', () => {
  test.each(['Patient', 'A', 'X'.repeat(64)])('may be the type %s', (type) => {
    expect(accepts((name) => checkType('fhir', name), type)).toBe(true)
  })
  test.each(['', 'patient', 'Patient/1', '_history', 'Pat ient', 'X'.repeat(65), '../x', 'Patient\n'])(
    'may not be the type %j',
    (type) => expect(accepts((name) => checkType('fhir', name), type)).toBe(false),
  )
  test.each(['1', 'a.b-C', 'x'.repeat(64), '..', '.', '-'])('may be the id %s', (id) => {
    expect(accepts((name) => checkId('fhir', name), id)).toBe(true)
  })
  test.each(['', 'a/b', 'a_b', 'ä', 'x'.repeat(65), 'a b', 'a\n'])('may not be the id %j', (id) => {
    expect(accepts((name) => checkId('fhir', name), id)).toBe(false)
  })
})

describe('any other name', () => {
  const checks = [(name: string) => checkType('json', name), (name: string) => checkId('json', name), checkTenant]

  test.each(['a/b', '..', '.', '%', ' ', 'ä', '😀', '#', 'null', '__proto__', "it's"])('may be %j', (name) => {
    for (const check of checks) expect(accepts(check, name)).toBe(true)
  })
  test.each(['', '\n', 'a\u0000', '\u007f', '\ud800', 'x\udc00', 'x'.repeat(161), 'ä'.repeat(27), '/'.repeat(54)])(
    'may not be %j',
    (name) => {
      for (const check of checks) expect(accepts(check, name)).toBe(false)
    },
  )
  test.each([null, undefined, 1, {}, ['a']])('may not be %j', (name) => {
    for (const check of checks) expect(accepts(check as never, name as never)).toBe(false)
  })

  test('that is accepted fits into every key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (name) => {
        if (!accepts(checkTenant, name)) return
        expect(Buffer.byteLength(logKey(name, 0, 1).split('/')[0] as string)).toBeLessThanOrEqual(maxSegmentBytes)
        expect(Buffer.byteLength(versionsPk({ tenant: name, partition: 63 }, name, name))).toBeLessThan(1024)
      }),
    )
  })

  test('is not repeated in full when it is refused', () => {
    const result = checkType('fhir', 'x'.repeat(10_000))
    expect(JSON.stringify(result).length).toBeLessThan(600)
  })
})

describe('a position', () => {
  test('is read as it was written', () => {
    const positions = fc.record({
      partition: fc.nat({ max: 9999 }),
      seq: fc.nat({ max: 999_999_999_999 }),
      index: fc.nat({ max: 99_999_999 }),
    })
    fc.assert(
      fc.property(
        positions,
        (position) => void expect(parsePosition(formatPosition(position))).toEqual({ _tag: 'Right', right: position }),
      ),
    )
  })
  test.each(['', '0-17', '0-17-3-4', '0--3', 'a-b-c', '-1-2-3', '0-17-3 ', '0-1e3-0', '0-17-3\n'])(
    'is not %j',
    (text) => {
      expect(parsePosition(text)).toMatchObject({ left: { _tag: 'InvalidInput', data: { what: 'position' } } })
    },
  )
})
