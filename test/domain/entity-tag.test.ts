/** Entity tags, weak or strong, one or several, as the versions that they name. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { versionsIn } from '../../domain/entity-tag.js'

test.each([
  ['W/"3"', [3]],
  ['"3"', [3]],
  ['3', [3]],
  ['W/"1", W/"3"', [1, 3]],
  [' "1" ,W/"3",7 ', [1, 3, 7]],
  // Tags that no version has.
  ['"0"', []],
  ['""', []],
  ['W/"abc"', []],
  ['"a,b", "2"', [2]],
  ['"03"', []],
])('%s names %j', (tags, versions) => expect(versionsIn(tags)).toEqual(versions))

test.each(['', '*', 'abc', 'w/"3"', 'W/3', '"3', '3"', '"3" "4"', '"3",', ',', "'3'", '"3"; "4"', '-1', '1.5'])(
  '%j is no list of tags',
  (tags) => expect(versionsIn(tags)).toBeUndefined(),
)

test('whatever versions are listed are those that are read', () => {
  const version = fc.integer({ min: 1, max: 999_999_999_999_999 })
  const form = fc.constantFrom('W/"@"', '"@"', '@')
  const space = fc.constantFrom('', ' ', '\t')
  fc.assert(
    fc.property(fc.array(fc.tuple(version, form, space, space), { minLength: 1, maxLength: 5 }), (list) => {
      const text = list.map(([n, shape, before, behind]) => before + shape.replace('@', String(n)) + behind).join(',')
      expect(versionsIn(text)).toEqual(list.map(([n]) => n))
    }),
  )
})
