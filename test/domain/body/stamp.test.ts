import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { parse, stringify } from 'lossless-json'
import { describe, expect, test } from 'vitest'
import { planStamp, type Stamp, scanBody, stampedLength, stampInto, toLine } from '../../../domain/body/index.js'
import { bytesOf, type MemberNode, type ObjectNode, render, stampable } from './generated.js'
import { numbersOf } from './oracle.js'

const right = <A>(either: E.Either<Error, A>): A => {
  if (E.isLeft(either)) throw either.left
  return either.right
}

function stamped(text: string, stamp: Stamp): string {
  const bytes = bytesOf(text)
  const before = Buffer.from(bytes)
  const plan = right(planStamp(bytes, right(scanBody(bytes))))
  const length = stampedLength(plan, stamp)
  const target = Buffer.alloc(length + 10, 0x23)
  expect(stampInto(plan, stamp, target, 5)).toBe(length + 5)
  expect(target.subarray(0, 5).toString() + target.subarray(length + 5).toString()).toBe('#'.repeat(10))
  expect(bytes.equals(before)).toBe(true)
  return target.toString('utf8', 5, length + 5)
}

const s: Stamp = { id: 'p1', versionId: '3', lastUpdated: '2026-11-22T10:15:30.123456Z' }
const META = `"versionId":"3","lastUpdated":"${s.lastUpdated}"`

describe('A stamp', () => {
  test.each([
    [
      'replaces what is there',
      '{"id":"x","meta":{"lastUpdated":"l","versionId":"v"},"a":1}',
      `{"id":"p1","meta":{"lastUpdated":"${s.lastUpdated}","versionId":"3"},"a":1}`,
    ],
    [
      'replaces a value of any kind',
      '{"id":{"a":[1]},"meta":{"lastUpdated":null,"versionId":7}}',
      `{"id":"p1","meta":{"lastUpdated":"${s.lastUpdated}","versionId":"3"}}`,
    ],
    [
      'puts a missing id behind the resourceType',
      '{"a":1,"resourceType":"Patient","meta":{"versionId":"1","lastUpdated":""}}',
      `{"a":1,"resourceType":"Patient","id":"p1","meta":{${META}}}`,
    ],
    ['puts a missing id first if there is no resourceType', '{ "a":1.10}', `{"id":"p1","meta":{${META}}, "a":1.10}`],
    ['fills an empty object', '{ }', `{"id":"p1","meta":{${META}} }`],
    ['puts a missing meta behind the id', '{"a":1,"id" : "x" ,"b":2}', `{"a":1,"id" : "p1","meta":{${META}} ,"b":2}`],
    [
      'puts a missing meta behind a missing id',
      '{"resourceType":"Patient" }',
      `{"resourceType":"Patient","id":"p1","meta":{${META}} }`,
    ],
    ['fills an empty meta', '{"id":"x","meta":{ }}', `{"id":"p1","meta":{${META} }}`],
    [
      'puts missing members of meta first',
      '{"id":"x","meta":{ "source":"#"}}',
      `{"id":"p1","meta":{${META}, "source":"#"}}`,
    ],
    ['puts a missing versionId first', '{"id":"x","meta":{"lastUpdated":"l"}}', `{"id":"p1","meta":{${META}}}`],
    [
      'puts a missing lastUpdated first',
      '{"id":"x","meta":{"versionId":"v"}}',
      `{"id":"p1","meta":{"lastUpdated":"${s.lastUpdated}","versionId":"3"}}`,
    ],
    ['takes a meta that comes before the id', '{"meta":{},"id":"x"}', `{"meta":{${META}},"id":"p1"}`],
    ['turns newlines into spaces', '\r\n{\n"id":\r"x",\n"meta":{\n}\n}\n', `  { "id": "p1", "meta":{${META} } } `],
  ])('%s', (_, body, expected) => {
    expect(stamped(body, s)).toBe(expected)
  })

  test('escapes what JSON has to escape, in characters of any length', () => {
    const stamp = { id: 'a"\\\n\u0001', versionId: 'äß€😀', lastUpdated: '' }
    const text = stamped('{"resourceType":"Basic"}', stamp)
    expect(JSON.parse(text)).toEqual({
      resourceType: 'Basic',
      id: stamp.id,
      meta: { versionId: stamp.versionId, lastUpdated: '' },
    })
  })

  test.each(['null', '"x"', '[{}]', '7'])('is refused by a meta that is %s', (meta) => {
    const bytes = bytesOf(`{\n"meta":${meta}}`)
    expect(planStamp(bytes, right(scanBody(bytes)))).toMatchObject({
      left: { _tag: 'InvalidBody', data: { line: 2, column: 8, offset: 9, path: 'meta' } },
    })
  })

  test('never runs out of its target in silence', () => {
    const bytes = bytesOf('{"id":"x","a":1}')
    const plan = right(planStamp(bytes, right(scanBody(bytes))))
    expect(() => stampInto(plan, s, Buffer.alloc(stampedLength(plan, s)), 1)).toThrow(RangeError)
  })
})

const stamps: fc.Arbitrary<Stamp> = fc.record({
  id: fc.string({ unit: 'grapheme', maxLength: 8 }),
  versionId: fc.nat().map(String),
  lastUpdated: fc.string({ unit: 'grapheme-ascii', maxLength: 8 }),
})

describe('Whatever the body is', () => {
  test('the stamp goes where it is said to go, and every other byte survives', () => {
    fc.assert(
      fc.property(stampable, stamps, (body, stamp) => {
        expect(stamped(render(body), stamp)).toBe(render(expectedOf(body, stamp)).replace(/[\r\n]/g, ' '))
      }),
      { numRuns: 500 },
    )
  })

  test('it reads back as the same value with the stamp set, every number as it was written', () => {
    fc.assert(
      fc.property(stampable, stamps, (body, stamp) => {
        const text = stamped(render(body), stamp)
        const expected = parse(render(body)) as Record<string, unknown>
        const meta = Object.hasOwn(expected, 'meta') ? (expected.meta as object) : {}
        const owned = { versionId: stamp.versionId, lastUpdated: stamp.lastUpdated }
        const whole = { ...expected, id: stamp.id, meta: { ...meta, ...owned } }
        expect(sorted(parse(text))).toEqual(sorted(whole))
        expect(right(scanBody(bytesOf(text))).newlines).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  test('stamping it again changes the stamp alone', () => {
    fc.assert(
      fc.property(stampable, stamps, stamps, (body, first, second) => {
        const once = stamped(render(body), first)
        expect(stamped(once, second)).toBe(stamped(render(body), second))
        expect(stamped(once, first)).toBe(once)
      }),
      { numRuns: 200 },
    )
  })

  test('one plan stamps many times', () => {
    const bytes = bytesOf('{"resourceType":"Patient","a":[1.10]}')
    const plan = right(planStamp(bytes, right(scanBody(bytes))))
    for (const versionId of ['9', '10', '1000']) {
      const target = Buffer.alloc(stampedLength(plan, { ...s, versionId }))
      stampInto(plan, { ...s, versionId }, target, 0)
      expect(JSON.parse(target.toString())).toMatchObject({ id: 'p1', meta: { versionId } })
    }
  })

  test('as a line it has spaces for newlines and is otherwise the same', () => {
    fc.assert(
      fc.property(stampable, (body) => {
        const text = render(body)
        const bytes = bytesOf(text)
        const line = toLine(bytes, right(scanBody(bytes)))
        expect(Buffer.from(line).toString()).toBe(text.replace(/[\r\n]/g, ' '))
        expect(line === bytes).toBe(!/[\r\n]/.test(text))
        expect(bytes.toString()).toBe(text)
        expect(numbersOf(Buffer.from(line).toString())).toEqual(numbersOf(text))
      }),
    )
  })
})

/** The rules of stamping, applied to the tree that the body was written from. */
function expectedOf(body: ObjectNode, stamp: Stamp): ObjectNode {
  const has = (name: string): boolean => body.members.some((m) => m.name === name)
  const newMeta = `"meta":{${pair('versionId', stamp)},${pair('lastUpdated', stamp)}}`
  const fresh = [...(has('id') ? [] : [pair('id', stamp)]), ...(has('meta') ? [] : [newMeta])].join()
  const anchor = has('id') ? 'id' : has('resourceType') ? 'resourceType' : undefined
  const members = body.members.map((m): MemberNode => {
    const suffix = m.name === anchor && fresh !== '' ? { suffix: `,${fresh}` } : {}
    if (m.name === 'id') return { ...m, value: leaf(stamp.id), ...suffix }
    if (m.name === 'meta' && m.value.kind === 'object') return { ...m, value: expectedMeta(m.value, stamp) }
    return { ...m, ...suffix }
  })
  const opening = anchor === undefined ? { opening: fresh + (members.length > 0 ? ',' : '') } : {}
  return { ...body, members, ...opening }
}

function expectedMeta(meta: ObjectNode, stamp: Stamp): ObjectNode {
  const owned = ['versionId', 'lastUpdated'] as const
  const missing = owned.filter((name) => !meta.members.some((m) => m.name === name)).map((name) => pair(name, stamp))
  const members = meta.members.map((m) => {
    const name = owned.find((o) => o === m.name)
    return name === undefined ? m : { ...m, value: leaf(stamp[name]) }
  })
  return { ...meta, members, opening: missing.join() + (missing.length > 0 && members.length > 0 ? ',' : '') }
}

const leaf = (text: string) => ({ kind: 'leaf' as const, text: JSON.stringify(text) })

const pair = (name: keyof Stamp, stamp: Stamp): string => `"${name}":${JSON.stringify(stamp[name])}`

/** Text with members in the order of their names: the value alone. */
function sorted(value: unknown): unknown {
  return stringify(value, (_, v: unknown) =>
    typeof v === 'object' && v !== null && !Array.isArray(v) && !('isLosslessNumber' in v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  )
}
