import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numberTokens, sameTokens } from '../../../domain/body/index.js'
import { anyBodies, bytesOf, render, spell } from './generated.js'
import { numbersOf, tokensOf } from './oracle.js'

const same = (a: string, b: string, ignoreStamp = false): boolean => {
  const there = sameTokens(bytesOf(a), bytesOf(b), { ignoreStamp })
  expect(sameTokens(bytesOf(b), bytesOf(a), { ignoreStamp })).toBe(there)
  return there
}

describe('Two bodies say the same', () => {
  test.each([
    ['with other whitespace', '{"a":[1,{"b":null}]}', ' {\n"a" : [ 1 ,\t{ "b":null } ]\r\n} '],
    ['with other escapes', '{"\\u0041\\/":"\\u00e9\\n"}', '{"A/":"é\\u000A"}'],
  ])('%s', (_, a, b) => {
    expect(same(a, b)).toBe(true)
  })

  test.each([
    ['a number is written otherwise', '{"a":1.10}', '{"a":1.1}'],
    ['an exponent is written otherwise', '{"a":1e2}', '{"a":1E2}'],
    ['a long number differs in its last digit', '{"a":12345678901234567890}', '{"a":12345678901234567891}'],
    ['a string becomes a number', '{"a":"1"}', '{"a":1}'],
    ['members change places', '{"a":1,"b":2}', '{"b":2,"a":1}'],
    ['a member is added', '{"a":1}', '{"a":1,"b":2}'],
    ['elements move into an array', '{"a":[[1],2]}', '{"a":[[1,2]]}'],
    ['an object becomes an array', '{"a":{}}', '{"a":[]}'],
    ['a null becomes an absence', '{"a":null}', '{}'],
    ['an id changes', '{"id":"1"}', '{"id":"2"}'],
  ])('but not if %s', (_, a, b) => {
    expect(same(a, b)).toBe(false)
  })

  test('exactly if their tokens are the same, strings by value', () => {
    const canonical = (text: string): string[] =>
      tokensOf(text).map((t) => (t.startsWith('"') ? JSON.stringify(JSON.parse(t)) : t))
    fc.assert(
      fc.property(anyBodies, anyBodies, (a, b) => {
        const isSame = canonical(render(a)).join('') === canonical(render(b)).join('')
        expect(same(render(a), render(b))).toBe(isSame)
        expect(same(render(a), ` ${canonical(render(a)).join('\n')}`)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

describe('Without the stamp, two bodies say the same', () => {
  const stamp = '"meta":{"versionId":"1","lastUpdated":"2026-11-22T10:15:30Z"}'

  test.each([
    ['if the stamp differs', `{"id":"a",${stamp},"x":1}`, '{"id":7,"meta":{"versionId":[2]},"x":1}'],
    ['if one has none', `{"resourceType":"Basic","id":"a",${stamp},"x":1}`, '{"resourceType":"Basic","x":1}'],
    ['if nothing but the stamp is there', `{"id":"a",${stamp}}`, '{ }'],
    ['if an empty meta is missing', '{"meta":{ },"x":1}', '{"x":1}'],
    ['if meta holds more', '{"meta":{"versionId":"1","source":"#"}}', '{"meta":{"source":"#","lastUpdated":"l"}}'],
    ['if the names are spelled with escapes', '{"\\u0069d":"a","x":1}', '{"x":1}'],
    ['if the stamp stands elsewhere', '{"x":1,"id":"a","meta":{}}', '{"meta":{"versionId":"1"},"id":"b","x":1}'],
  ])('%s', (_, a, b) => {
    expect(same(a, b, true)).toBe(true)
    expect(same(a, b)).toBe(false)
  })

  test.each([
    ['another member differs', `{"id":"a",${stamp},"x":1}`, `{"id":"a",${stamp},"x":1.0}`],
    ['meta differs in more', '{"meta":{"versionId":"1","source":"a"}}', '{"meta":{"versionId":"1","source":"b"}}'],
    ['meta holds more on one side', '{"meta":{"versionId":"1","source":"a"}}', '{"meta":{"versionId":"1"}}'],
    ['an id inside differs', '{"a":{"id":"1"}}', '{"a":{"id":"2"}}'],
    ['a meta inside differs', '{"a":{"meta":{"versionId":"1"}}}', '{"a":{"meta":{}}}'],
    ['meta is another value', '{"meta":null}', '{}'],
  ])('but not if %s', (_, a, b) => {
    expect(same(a, b, true)).toBe(false)
  })
})

describe('Number tokens', () => {
  test('come as they are written, in order, and not out of strings', () => {
    const text = '{"1":[-0,1.10,"2.50",1.0e3],"a":{"b":12345678901234567890},"c":0.000000100,"d":true}'
    expect(numberTokens(bytesOf(text))).toEqual(['-0', '1.10', '1.0e3', '12345678901234567890', '0.000000100'])
  })

  test('are those that a regular expression finds', () => {
    fc.assert(
      fc.property(anyBodies, (body) => {
        expect(numberTokens(bytesOf(render(body)))).toEqual(numbersOf(render(body)))
      }),
    )
  })
})

test('The generator spells a text in many ways and means one', () => {
  expect([0, 1, 2, 9].map((way) => spell('é/', [way]))).toEqual([
    '"\\u00E9\\u002F"',
    '"\\u00e9\\u002f"',
    '"é\\/"',
    '"é/"',
  ])
})
