/** The hand-written guard of header lines accepts exactly what a composed codec accepts. */

import fc from 'fast-check'
import { isRight } from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { describe, expect, test } from 'vitest'
import { CommitHeaderCodec } from '../../domain/header.js'
import { headers } from './headers.js'

const brand = (name: string, accept: (value: never) => boolean): t.Type<unknown> =>
  new t.Type(
    name,
    (u): u is unknown => accept(u as never),
    (u, context) => (accept(u as never) ? t.success(u) : t.failure(u, context)),
    t.identity,
  )

const count = brand('count', (u: unknown) => Number.isSafeInteger(u) && (u as number) >= 0)
const number = brand('number', (u: unknown) => Number.isSafeInteger(u) && (u as number) > 0)
const text = brand('text', (u: unknown) => typeof u === 'string' && u.length > 0)
const hash = brand('hash', (u: unknown) => typeof u === 'string' && u.length === 64)
const absent = t.undefined

const event = t.refinement(
  t.intersection([t.type({ type: text, id: text, version: number }), t.partial({ restores: count })]),
  (u) => u.restores === undefined || (u.restores as number) < (u.version as number),
)
const prev = t.partial({ prev: t.type({ seq: count, index: count }) })
const method = t.type({ method: t.keyof({ POST: null, PUT: null, PATCH: null, DELETE: null }) })
const written = t.type({ op: t.union([t.literal('create'), t.literal('update')]), length: count, sha256: hash })
const found = t.union([
  t.type({ keyed: text, keys: t.array(text) }),
  t.type({ keyed: text, keys: absent }),
  t.type({ keyed: absent, keys: absent }),
])
const inline = t.type({ offset: count, blob: absent })
const large = t.refinement(
  t.type({ offset: absent, blob: hash, sha256: hash }),
  (u) => (u as { blob: string; sha256: string }).blob === (u as { sha256: string }).sha256,
)
const deletion = t.type({
  op: t.literal('delete'),
  offset: absent,
  length: absent,
  sha256: absent,
  blob: absent,
  keyed: absent,
  keys: absent,
})

const composed = t.type({
  format: t.literal('annals/1'),
  log: text,
  seq: number,
  id: text,
  writer: text,
  at: text,
  prev: hash,
  transactions: t.array(
    t.intersection([
      t.type({
        id: text,
        events: t.array(
          t.intersection([
            event,
            prev,
            method,
            t.union([t.intersection([written, t.union([inline, large]), found]), deletion]),
          ]),
        ),
      }),
      t.partial({
        request: t.string,
        requestDigest: t.string,
        actor: t.string,
        reason: t.string,
        correlation: t.string,
        causation: t.string,
        unchanged: t.array(t.type({ operation: count, type: text, id: text, version: count })),
        compensates: t.type({ seq: count, transaction: count }),
      }),
    ]),
  ),
})

/** Every place of a value, as the path of keys that leads to it. */
function placesOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, member]) => placesOf(member, [...path, key]))]
}

const removed = Symbol('removed')

function replace(value: unknown, path: ReadonlyArray<string>, with_: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return with_
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>
  if (rest.length === 0 && with_ === removed) delete copy[key]
  else copy[key] = replace(copy[key], rest, with_)
  return copy
}

const strange = fc.constantFrom<unknown>(
  removed,
  null,
  0,
  -1,
  1.5,
  2 ** 53,
  Number.NaN,
  '',
  'delete',
  'create',
  'DELETE',
  'x'.repeat(64),
  true,
  [],
  {},
  [{}],
  { seq: 0, index: 0 },
  { seq: 1, transaction: -1 },
)

const agree = (candidate: unknown): void => {
  const decoded = CommitHeaderCodec.decode(candidate)
  expect(isRight(decoded)).toBe(isRight(composed.decode(candidate)))
  expect(CommitHeaderCodec.is(candidate)).toBe(isRight(decoded))
}

describe('the guard of header lines', () => {
  test('accepts every header that a writer could have made, unchanged', () => {
    fc.assert(
      fc.property(headers, (header) => {
        expect(CommitHeaderCodec.decode(header)).toMatchObject({ right: header })
        expect(isRight(composed.decode(header))).toBe(true)
      }),
    )
  })

  test('agrees with the composed codec on headers in which one place is another', () => {
    fc.assert(
      fc.property(headers, fc.nat(), strange, (header, which, value) => {
        const places = placesOf(header)
        const place = places[which % places.length] as string[]
        if (place.length === 0 && value === removed) return
        agree(replace(header, place, value))
      }),
      { numRuns: 2000 },
    )
  })

  test('agrees with the composed codec on headers with members that they should not have', () => {
    const names = fc.constantFrom('blob', 'offset', 'length', 'sha256', 'prev', 'op', 'compensates', 'request', 'other')
    fc.assert(
      fc.property(headers, fc.nat(), names, strange, (header, which, name, value) => {
        const objects = placesOf(header).filter((path) => !/^\d+$/.test(path.at(-1) ?? '') || path.length > 1)
        const place = objects[which % objects.length] as string[]
        const target = place.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], header)
        if (typeof target !== 'object' || target === null || Array.isArray(target) || value === removed) return
        agree(replace(header, [...place, name], value))
      }),
      { numRuns: 2000 },
    )
  })

  test('agrees with the composed codec on anything', () => {
    fc.assert(fc.property(fc.anything(), agree))
  })

  test('names the member that is wrong', () => {
    const [header] = fc.sample(headers, { seed: 3, numRuns: 1 })
    const decoded = CommitHeaderCodec.decode({ ...header, transactions: [{ id: '1-0', events: [{ type: '' }] }] })
    expect(decoded).toMatchObject({ left: [{ message: 'transactions[0].events[0].type' }] })
  })
})
