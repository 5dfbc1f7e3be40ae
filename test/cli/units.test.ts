/** The parts that work on bytes, against simple oracles. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { linesOf } from '../../domain/lines.js'
import { changesBetween } from '../../src/cli/diff/changes.js'
import { formatOf } from '../../src/cli/load/format.js'
import { contentId } from '../../src/cli/load/identity.js'
import { findMembers, textAt } from '../../src/cli/load/walk.js'
import { humanBytes, humanTime, safe, shellWord } from '../../src/cli/text.js'

describe('lines', () => {
  test('come out the same however the bytes are cut into chunks', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'é', ' ', '\r'), maxLength: 12 })
    const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 12 }), fc.boolean(), cuts, async (texts, ends, at) => {
        const whole = Buffer.from(texts.join('\n') + (ends ? '\n' : ''))
        const found: Array<[number, string, number]> = []
        const onTooLong = (): void => expect.fail('no line is too long here')
        for await (const lines of linesOf(chunksOf(whole, at), { maxBytes: 100, onTooLong }))
          for (const { bytes, number, end } of lines) found.push([number, bytes.toString(), end])
        let end = 0
        const expected = whole
          .toString()
          .split('\n')
          .map((text, i): [number, string, number] => {
            end = Math.min(whole.length, end + Buffer.byteLength(text) + 1)
            return [i + 1, text.replace(/\r$/, ''), end]
          })
          .filter(([, text]) => text.trim() !== '' || text.includes('\r'))
        expect(found).toEqual(expected)
      }),
    )
  })

  test('that are too long are reported with their number, and the next ones are read', async () => {
    const whole = Buffer.from(`a\n${'x'.repeat(50)}\nb\n${'y'.repeat(40)}`)
    for (const size of [1, 7, 100]) {
      const cuts = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => i * size)
      const long: Array<[number, number]> = []
      const kept: string[] = []
      const options = { maxBytes: 30, onTooLong: (line: number, bytes: number) => void long.push([line, bytes]) }
      for await (const lines of linesOf(chunksOf(whole, cuts), options))
        kept.push(...lines.map(({ bytes }) => `${bytes}`))
      expect({ long, kept }).toEqual({
        long: [
          [2, 50],
          [4, 40],
        ],
        kept: ['a', 'b'],
      })
    }
  })
})

async function* chunksOf(whole: Buffer, cuts: ReadonlyArray<number>): AsyncGenerator<Buffer> {
  const at = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length]
  for (let i = 1; i < at.length; i++) yield whole.subarray(at[i - 1], at[i])
}

describe('walking', () => {
  test('finds the members that JSON.parse finds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (object, isPretty) => {
        const bytes = Buffer.from(JSON.stringify(object, null, isPretty ? 2 : 0))
        const parsed = JSON.parse(bytes.toString())
        for (const name of [...Object.keys(parsed), 'absent']) {
          const [at] = findMembers(bytes, 0, [name])
          if (at === undefined) expect(Object.hasOwn(parsed, name)).toBe(false)
          else expect(JSON.parse(bytes.toString('utf8', at.start, at.end))).toEqual(parsed[name])
        }
      }),
    )
  })

  test('takes nothing for a member that stands deeper, or in a string', () => {
    const bytes = Buffer.from('{"a":{"id":"deep"},"b":"\\"id\\":\\"text\\"","c":[{"id":1}],"\\u0069d":"escaped"}')
    const [at] = findMembers(bytes, 0, ['id'])
    expect(at && textAt(bytes, at.start, at.end)).toBe('escaped')
  })
})

describe('formats', () => {
  const cases: ReadonlyArray<[string, string, 'document' | 'lines']> = [
    ['{"a":1}\n{"b":1}\n', 'x', 'lines'],
    ['{"a":1}\n', 'x.json', 'document'],
    ['{"a":1}\n', 'x.ndjson', 'lines'],
    ['{\n "a":1\n}\n', 'x.ndjson', 'document'],
    ['\n\n{ "a": [\n{"b":1},\n{"c":1}]}', 'x', 'document'],
    ['{"a":1,\n"b":2}', 'x', 'document'],
    ['{"a":tr\n{"b":1}\n', 'x', 'lines'],
    ['{"a":"cut o\n{"b":1}\n', 'x.json', 'lines'],
    ['{"a":1\n,"b":2}', 'x', 'document'],
    ['bad\n{"b":1}\n', 'x', 'lines'],
    ['\ufeff{"a":1}\n{"b":1}\n', 'x', 'lines'],
  ]
  test.each(cases)('%j (%s): %s', (text, name, format) => {
    expect(formatOf(Buffer.from(text), name)).toBe(format)
  })
})

describe('changes', () => {
  test('are none exactly where the values are equal', () => {
    const document = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(document, document, (a, b) => {
        const [left, right] = [JSON.stringify(a), JSON.stringify(b)]
        expect(changesBetween(left, left)).toEqual([])
        const isSame = canonical(JSON.parse(left)) === canonical(JSON.parse(right))
        expect(changesBetween(left, right).length === 0).toBe(isSame)
      }),
    )
  })

  test('show an insertion as one addition', () => {
    expect(changesBetween('{"a":[1,2,3]}', '{"a":[1,9,2,3]}')).toEqual([{ path: 'a[1]', op: 'add', after: '9' }])
    expect(changesBetween('{"a":[1,2,3]}', '{"a":[3]}').map(({ op }) => op)).toEqual(['remove', 'remove'])
  })

  test('quote names that are no words, and tell numbers apart by their text', () => {
    expect(changesBetween('{"a b":{"__proto__":1.0}}', '{"a b":{"__proto__":1.00}}')).toEqual([
      { path: '["a b"].__proto__', op: 'change', before: '1.0', after: '1.00' },
    ])
  })
})

/** With sorted members: their order is not compared. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, each) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  )

describe('texts', () => {
  test('ids of content are UUIDs and depend on type and bytes', () => {
    const id = contentId('Patient', Buffer.from('{}'))
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set([id, contentId('Group', Buffer.from('{}')), contentId('Patient', Buffer.from('{ }'))]).size).toBe(3)
  })

  test('are for people, terminals and shells', () => {
    expect([512, 2048, 5_242_880].map(humanBytes)).toEqual(['512 B', '2.0 KiB', '5.0 MiB'])
    expect([850, 12_340, 250_000, 7_500_000].map(humanTime)).toEqual(['850 ms', '12.3 s', '4 min 10 s', '2 h 5 min'])
    expect(safe('a\u001b[31m\nb')).toBe('a\\u001b[31m\\u000ab')
    expect(['file:./x', "it's"].map(shellWord)).toEqual(['file:./x', "'it'\\''s'"])
  })
})
