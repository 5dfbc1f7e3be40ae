/** JSON Merge Patch on bytes. The first table holds the examples of RFC 7396, appendix A, whose target is an object. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numberTokens } from '../../../domain/body/index.js'
import { applyMergePatch } from '../../../domain/patch/merge-patch.js'
import { anyBodies, render } from '../body/generated.js'

function merged(document: string, patch: string, limit = 1_000_000): string {
  const result = applyMergePatch('the patch', Buffer.from(patch), Buffer.from(document), limit)
  return result._tag === 'Left' ? result.left._tag : Buffer.from(result.right).toString()
}

describe('RFC 7396', () => {
  test.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['{"a":[1,2]}', '{"a":{"a":"b","c":null}}', '{"a":{"a":"b"}}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
    ['{}', '{"a":[{"b":null}]}', '{"a":[{"b":null}]}'],
  ])('%s by %s is %s', (document, patch, result) => expect(merged(document, patch)).toBe(result))
})

test('every byte of a member that is not named stays', () => {
  const document = ' { "10": 1.10 ,\n"2":1e3,  "n" : { "a" : -0 , "b":[ 12345678901234567890 ] } }'
  expect(merged(document, '{"2": 0.000000100 ,"n":{"a":null},"x":1.0}')).toBe(
    '{ "10": 1.10 ,\n"2":0.000000100,  "n" : { "b":[ 12345678901234567890 ] } ,"x":1.0}',
  )
})

test('names are compared as what they say, however they are written', () =>
  expect(merged('{"\\u0061":1,"__proto__":2}', '{"a":3,"__proto__":null}')).toBe('{"\\u0061":3}'))

test('what is no object is refused, and so is what grows over its limit', () => {
  for (const patch of ['[]', '1', '"a"', 'null', '{', '{"a":1,"a":2}']) expect(merged('{}', patch)).toBe('InvalidBody')
  expect(merged('{"a":"xxxxxxxxxx"}', '{"b":"xxxxxxxxxx"}', 25)).toBe('LimitExceeded')
})

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** As RFC 7396 says it, on values. */
function mergedValue(target: Json, patch: Json): Json {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch
  const isObject = target !== null && typeof target === 'object' && !Array.isArray(target)
  const result = new Map(isObject ? Object.entries(target) : [])
  for (const [name, value] of Object.entries(patch))
    if (value === null) result.delete(name)
    else result.set(name, mergedValue(result.get(name) ?? null, value))
  return Object.fromEntries(result)
}

test('any patch of any document is what the RFC makes of their values, and loses no number', () => {
  fc.assert(
    fc.property(anyBodies, anyBodies, (one, other) => {
      const [document, patch] = [render(one), render(other)]
      const result = merged(document, patch)
      expect(JSON.parse(result)).toEqual(mergedValue(JSON.parse(document), JSON.parse(patch)))
      const known = new Set([...numberTokens(Buffer.from(document)), ...numberTokens(Buffer.from(patch))])
      for (const number of numberTokens(Buffer.from(result))) expect(known).toContain(number)
    }),
    { numRuns: 1_000 },
  )
})
