import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { MAX_DEPTH, type Outline, scanBody } from '../../../domain/body/index.js'
import type { Failures } from '../../../domain/error.js'
import { anyBodies, bytesOf, render } from './generated.js'
import { isAcceptable } from './oracle.js'

const outline = (text: string): Outline => {
  const scanned = scanBody(bytesOf(text))
  if (E.isLeft(scanned)) throw scanned.left
  return scanned.right
}

const refusal = (body: string | Uint8Array): Failures['InvalidBody'] => {
  const scanned = scanBody(typeof body === 'string' ? bytesOf(body) : body)
  if (E.isRight(scanned)) throw new Error('the body was accepted')
  if (scanned.left._tag !== 'InvalidBody') throw scanned.left
  return scanned.left.data
}

const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`

describe('A body is accepted', () => {
  test('if it is a JSON object, however it is spelled', () => {
    fc.assert(
      fc.property(anyBodies, (body) => {
        const bytes = bytesOf(render(body))
        expect(isAcceptable(bytes)).toBe(true)
        expect(E.isRight(scanBody(bytes))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('exactly if JSON.parse and the extra rules accept it, whatever has been done to its bytes', () => {
    const edits = fc.array(
      fc.record({
        at: fc.nat(),
        remove: fc.nat({ max: 3 }),
        insert: fc.oneof(
          fc
            .constantFrom(...'{}[]:,"\\ \n0-.eE+u', '\\u', '\\ud83d', 'true', '"a":1', ',', '01', '\u0001', '\ufeff')
            .map(bytesOf),
          fc.uint8Array({ maxLength: 2 }),
        ),
      }),
      { minLength: 1, maxLength: 3 },
    )
    fc.assert(
      fc.property(anyBodies, edits, (body, changes) => {
        let bytes = bytesOf(render(body))
        for (const { at, remove, insert } of changes) {
          const i = at % (bytes.length + 1)
          bytes = Buffer.concat([bytes.subarray(0, i), insert, bytes.subarray(i + remove)])
        }
        expect(E.isRight(scanBody(bytes))).toBe(isAcceptable(bytes))
      }),
      { numRuns: 3000 },
    )
  })

  test('never if it was cut off, and the error points into it', () => {
    fc.assert(
      fc.property(anyBodies, fc.nat(), (body, cut) => {
        const bytes = bytesOf(render(body).trimEnd())
        const part = bytes.subarray(0, cut % bytes.length)
        const { offset, line, column } = refusal(part)
        expect(offset).toBeLessThanOrEqual(part.length)
        expect(line).toBeGreaterThanOrEqual(1)
        expect(column).toBeGreaterThanOrEqual(1)
      }),
    )
  })

  test('or refused as a value, never by throwing, if its bits were flipped', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 7 })), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(anyBodies, flips, (body, places) => {
        const bytes = bytesOf(render(body))
        for (const [at, bit] of places) bytes[at % bytes.length]! ^= 1 << bit
        expect(E.isRight(scanBody(bytes))).toBe(isAcceptable(bytes))
      }),
      { numRuns: 2000 },
    )
  })

  test('down to 512 levels of nesting and no deeper', () => {
    expect(MAX_DEPTH).toBe(512)
    expect(E.isRight(scanBody(bytesOf(nested(512))))).toBe(true)
    expect(refusal(nested(513))).toMatchObject({ problem: expect.stringContaining('512'), offset: 5 + 511 })
    expect(refusal('{"a":'.repeat(100_000)).problem).toContain('512')
    expect(refusal(`${'{"a":['.repeat(100_000)}\xff`).path.length).toBeLessThan(200)
  })

  test('as a plain Uint8Array inside a larger buffer, too', () => {
    const room = new Uint8Array(64).fill(0xff)
    room.set(bytesOf('{"id":"ä"}'), 7)
    const scanned = scanBody(room.subarray(7, 18))
    expect(E.isRight(scanned) && scanned.right.id?.text).toBe('ä')
  })
})

describe('A refusal says where and what to do', () => {
  const cases: ReadonlyArray<readonly [body: string, problem: string, line: number, column: number, path: string]> = [
    ['', 'it is empty', 1, 1, ''],
    [' \n ', 'it is empty', 1, 1, ''],
    ['\ufeff{}', 'byte-order mark', 1, 1, ''],
    ['[]', 'has to be one JSON object', 1, 1, ''],
    [' 7', 'has to be one JSON object', 1, 2, ''],
    ['{} {}', 'something follows', 1, 4, ''],
    ['{"a":1', 'ends too early', 1, 7, 'a'],
    ['{"a":"b', 'ends too early', 1, 8, 'a'],
    ['{"a":1,}', 'a member name', 1, 8, ''],
    ["{'a':1}", 'a member name', 1, 2, ''],
    ['{"a" 1}', 'a colon', 1, 6, ''],
    ['{"a":}', 'a JSON value has to stand here', 1, 6, 'a'],
    ['{"a":[1,]}', 'a JSON value has to stand here', 1, 9, 'a[1]'],
    ['{"a":True}', 'no JSON value', 1, 6, 'a'],
    ['{"a":NaN}', 'no JSON value', 1, 6, 'a'],
    ['{"a":1 "b":2}', 'a comma or the closing bracket', 1, 8, 'a'],
    ['{"a":[1}', 'a comma or the closing bracket', 1, 8, 'a[0]'],
    ['{"a":01}', 'needless 0', 1, 6, 'a'],
    ['{"a":1.}', 'no JSON number', 1, 8, 'a'],
    ['{"a":-}', 'no JSON number', 1, 7, 'a'],
    ['{"a":.5}', 'no JSON value', 1, 6, 'a'],
    ['{"a":+5}', 'no JSON value', 1, 6, 'a'],
    ['{"a":1e}', 'no JSON number', 1, 8, 'a'],
    ['{"a":"x\ny"}', 'a control character', 1, 8, 'a'],
    ['{"a":"\\x"}', 'no JSON escape', 1, 7, 'a'],
    ['{"a":"\\u12g4"}', 'no JSON escape', 1, 7, 'a'],
    ['{"a":"\\ud800"}', 'half of a surrogate pair', 1, 7, 'a'],
    ['{"a":"\\udc00"}', 'half of a surrogate pair', 1, 7, 'a'],
    ['{"a":"\\ud800\\ud800"}', 'half of a surrogate pair', 1, 7, 'a'],
    ['{"a":"\\ud800x"}', 'half of a surrogate pair', 1, 7, 'a'],
    ['{"\\ud800":1}', 'half of a surrogate pair', 1, 3, ''],
    ['{"a":1,"a":2}', 'occurs twice', 1, 8, 'a'],
    ['{"a":1,"\\u0061":2}', 'occurs twice', 1, 8, 'a'],
    ['{"\\u0061":1,"a":2}', 'occurs twice', 1, 13, 'a'],
    ['{"":1,"":2}', 'occurs twice', 1, 7, '[""]'],
    ['{\n  "name": [\n    { "given": 1,\n      "given": 2 }\n  ]\n}', 'occurs twice', 4, 7, 'name[0].given'],
    ['{\r\n"a":1,\r"b":x}', 'no JSON value', 3, 5, 'b'],
    ['{"ä😀":"ä😀",x}', 'a member name', 1, 12, ''],
    ['{"a b":{"c-d":[[0,{"e":x}]]}}', 'no JSON value', 1, 24, '["a b"].c-d[0][1].e'],
  ]
  test.each(cases)('%j', (body, problem, line, column, path) => {
    const { problem: said, ...place } = refusal(body)
    expect(said).toContain(problem)
    expect(place).toMatchObject({ line, column, path })
    expect(isAcceptable(bytesOf(body))).toBe(false)
  })

  test('for bytes that are not UTF-8', () => {
    const at = (...bytes: number[]) => refusal(Buffer.concat([bytesOf('{"ä":"ä'), Buffer.from(bytes), bytesOf('"}')]))
    const expected = { problem: expect.stringContaining('not UTF-8'), line: 1, column: 8, offset: 9, path: '["ä"]' }
    expect(at(0xff)).toEqual(expected)
    expect(at(0xc3)).toEqual(expected)
    expect(at(0xc0, 0xaf)).toEqual(expected)
    expect(at(0xed, 0xa0, 0x80)).toEqual(expected)
    expect(at(0xef, 0xbf)).toEqual(expected)
    expect(at(0xf4, 0x90, 0x80, 0x80)).toEqual(expected)
  })

  test('and holds no value of the body', () => {
    const inserts = fc.oneof(
      fc.stringMatching(/^[{}[\]:,"\\0 ]{1,3}$/).map(bytesOf),
      fc.uint8Array({ minLength: 1, maxLength: 2 }),
    )
    const secret = { kind: 'leaf', text: '"SECRET"' } as const
    fc.assert(
      fc.property(anyBodies, fc.nat(), inserts, (body, at, insert) => {
        const bytes = bytesOf(render({ ...body, members: body.members.map((m) => ({ ...m, value: secret })) }))
        const i = at % (bytes.length + 1)
        const scanned = scanBody(Buffer.concat([bytes.subarray(0, i), insert, bytes.subarray(i)]))
        if (E.isLeft(scanned)) expect(JSON.stringify(scanned.left)).not.toContain('SECRET')
      }),
      { numRuns: 1000 },
    )
    expect(JSON.stringify(refusal('{"name":"Ann","Lee"}'))).not.toContain('Lee')
  })

  test('and shortens a long name', () => {
    expect(refusal(`{"${'n'.repeat(1000)}":x}`).path).toBe(`${'n'.repeat(64)}…`)
  })
})

describe('A member name occurs once', () => {
  const members = (count: number): string[] => [...Array(count).keys()].map((i) => `"member${i}":${i}`)

  test.each([2, 31, 32, 33, 64, 65, 1000])('in an object of %d members', (count) => {
    const all = members(count)
    expect(E.isRight(scanBody(bytesOf(`{${all.join()}}`)))).toBe(true)
    for (const i of [0, count >> 1, count - 1]) {
      expect(refusal(`{${all.join()},"member${i}":0}`)).toMatchObject({ path: `member${i}` })
      expect(refusal(`{${all.join()},"\\u006dember${i}":0}`)).toMatchObject({ path: `member${i}` })
      expect(refusal(`{"x":[{},{${all.join()},"member${i}":0}]}`)).toMatchObject({ path: `x[1].member${i}` })
    }
  })

  test('and may occur again in another object, also inside a large one', () => {
    const large = members(100).join()
    expect(E.isRight(scanBody(bytesOf(`{${large},"a":{${large},"b":[{"a":1},{"a":1}]},"b":{"a":1}}`)))).toBe(true)
    expect(refusal(`{${large},"a":{${large},"b":[{"a":1},{"a":1}]},"member7":1}`).path).toBe('member7')
  })

  test('even if two names differ in one byte only', () => {
    expect(E.isRight(scanBody(bytesOf('{"abXcd":1,"aXbcd":2,"abcXd":3,"abcd":4,"ab":5,"":6}')))).toBe(true)
  })
})

describe('An outline', () => {
  test('knows the members that the store looks for, by their place and value', () => {
    const text =
      ' {"x":1,\n"resourceType":"Pat\\u0069ent","meta" : {"tag":[{"versionId":"no"}],"versionId":"3" } ,"id":7}'
    const { resourceType, id, meta, ...rest } = outline(text)
    const slice = (at: { start: number; end: number } | undefined) => at && text.slice(at.start, at.end)
    expect(rest).toEqual({ open: 2, empty: false, newlines: true })
    expect(resourceType).toMatchObject({ kind: 'string', text: 'Patient' })
    expect(slice(resourceType)).toBe('"Pat\\u0069ent"')
    expect(id).toMatchObject({ kind: 'number', text: undefined, name: text.indexOf('"id"') })
    expect(slice(id)).toBe('7')
    expect(meta).toMatchObject({ kind: 'object', members: 2, lastUpdated: undefined })
    expect(slice(meta)).toBe('{"tag":[{"versionId":"no"}],"versionId":"3" }')
    expect(slice(meta?.versionId)).toBe('"3"')
  })

  test('finds nothing where nothing is', () => {
    const nothing = { newlines: false, resourceType: undefined, id: undefined, meta: undefined }
    expect(outline('{}')).toEqual({ open: 1, empty: true, ...nothing })
    expect(outline('{"a":{"id":"x","meta":{}},"b":[{"id":1}],"ID":1}')).toEqual({ open: 1, empty: false, ...nothing })
  })

  test('finds members whose names are spelled with escapes', () => {
    const { id, meta } = outline('{"\\u0069d":"x","m\\u0065ta":{"last\\u0055pdated":[]}}')
    expect(id?.text).toBe('x')
    expect(meta?.lastUpdated?.kind).toBe('array')
  })

  test.each([
    ['"x"', 'string'],
    ['{}', 'object'],
    ['[{"versionId":"1"}]', 'array'],
    ['-1', 'number'],
    ['true', 'boolean'],
    ['false', 'boolean'],
    ['null', 'null'],
  ])('tells that %s is of kind %s', (value, kind) => {
    const { id, meta } = outline(`{"id":${value},"meta":${value}}`)
    expect(id?.kind).toBe(kind)
    expect(meta).toMatchObject({ kind, members: 0, versionId: undefined })
  })

  test('agrees with JSON.parse', () => {
    fc.assert(
      fc.property(anyBodies, (body) => {
        const text = render(body)
        const parsed = JSON.parse(text) as Record<string, unknown>
        const bytes = bytesOf(text)
        const found = outline(text)
        for (const name of ['resourceType', 'id', 'meta'] as const) {
          const member = found[name]
          expect(member !== undefined).toBe(Object.hasOwn(parsed, name))
          if (member === undefined) continue
          expect(JSON.parse(bytes.toString('utf8', member.start, member.end))).toEqual(parsed[name])
          if ('text' in member) expect(member.text).toBe(typeof parsed[name] === 'string' ? parsed[name] : undefined)
        }
        expect(found.newlines).toBe(/[\r\n]/.test(text))
        expect(found.empty).toBe(Object.keys(parsed).length === 0)
      }),
      { numRuns: 300 },
    )
  })
})
