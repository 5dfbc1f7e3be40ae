/** The patch between two documents leads from the one to the other, and says no more than has to be said. */
import fc from 'fast-check'
import { parse } from 'lossless-json'
import { expect, test } from 'vitest'
import { jsonPatchBetween } from '../../../domain/patch/between.js'
import { differencesBetween } from '../../../domain/patch/differences.js'
import { applyJsonPatch, maxPatchOperations, readJsonPatch } from '../../../domain/patch/json-patch.js'
import { orThrow } from '../../../domain/task.js'
import { document } from './documents.js'

const bytes = (text: string): Buffer => Buffer.from(text)
const between = (before: string, after: string): string => jsonPatchBetween(bytes(before), bytes(after)).toString()

const applied = (before: string, patch: string): string => {
  const read = orThrow(readJsonPatch('the patch', bytes(patch)))
  return Buffer.from(orThrow(applyJsonPatch('the patch', read, bytes(before), 10_000_000))).toString()
}

/** Numbers as they are written, members in any order: by a library that knows nothing of bytes. */
const meant = (text: string): unknown => parse(text)

test('applied to the one document, it gives the other, every digit kept', () => {
  fc.assert(
    fc.property(document, document, (before, after) => {
      const patch = between(before, after)
      expect(meant(applied(before, patch))).toEqual(meant(after))
      expect(between(before, before)).toBe('[]')
      expect(between(after, applied(before, patch))).toBe('[]')
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['{"a":1.10}', '{"a":1.1}', '[{"op":"replace","path":"/a","value":1.1}]'],
  ['{"a":1,"b":2}', '{"b":2,"a":1}', '[]'],
  ['{"a":"A"}', '{"a":"\\u0041"}', '[]'],
  ['{"a":[1,2,3]}', '{"a":[1,9,2,3]}', '[{"op":"add","path":"/a/1","value":9}]'],
  ['{"a":[1,2,3,4]}', '{"a":[1,4]}', '[{"op":"remove","path":"/a/2"},{"op":"remove","path":"/a/1"}]'],
  ['{"a":{"b":[{"c":1}]}}', '{"a":{"b":[{"c":2}]}}', '[{"op":"replace","path":"/a/b/0/c","value":2}]'],
  ['{"a/b":{"~":1}}', '{"a/b":{}}', '[{"op":"remove","path":"/a~1b/~0"}]'],
  ['{"a":[1]}', '{"a":{"0":1}}', '[{"op":"replace","path":"/a","value":{"0":1}}]'],
])('from %s to %s: %s', (before, after, patch) => {
  expect(between(before, after)).toBe(patch)
})

test('more differences than a patch holds become whole members, and at last the whole document', () => {
  const many = Array.from({ length: maxPatchOperations + 1 }, (_, n) => n)
  const list = (of: ReadonlyArray<number>): string => JSON.stringify({ same: [1], list: of })
  const members = (of: ReadonlyArray<number>): string =>
    JSON.stringify(Object.fromEntries(of.map((n, i) => [`m${i}`, n])))
  for (const [make, paths] of [
    [list, ['/list']],
    [members, ['']],
  ] as const) {
    const [before, after] = [make(many), make(many.map((n) => n + 1))]
    const patch = between(before, after)
    expect(JSON.parse(patch).map(({ path }: { path: string }) => path)).toEqual(paths)
    expect(meant(applied(before, patch))).toEqual(meant(after))
  }
  const fits = many.slice(1)
  expect(JSON.parse(between(list(fits), list(fits.map((n) => n + 1_000_000))))).toHaveLength(maxPatchOperations)
})

test('what cannot be read as often as it has differences is replaced whole', () => {
  const of = (n: number): string => JSON.stringify({ text: 'x'.repeat(500_000), list: Array(300).fill(n) })
  expect(JSON.parse(between(of(1), of(2)))).toMatchObject([{ op: 'replace', path: '/list' }])
})

test('a difference says where it is in the document that has it', () => {
  const differences = [...differencesBetween(bytes('{"a":[1,2,3],"b":1}'), bytes('{"a":[3],"c":2}'))]
  expect(differences.map(({ path, before, after }) => [path.join('.'), before?.toString(), after?.toString()])).toEqual(
    [
      ['a.0', '1', undefined],
      ['a.1', '2', undefined],
      ['b', '1', undefined],
      ['c', undefined, '2'],
    ],
  )
})
