/** JSON Patch on bytes. The first table holds the examples of RFC 6902, appendix A. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numberTokens } from '../../../domain/body/index.js'
import { applyJsonPatch, maxPatchOperations, readJsonPatch } from '../../../domain/patch/json-patch.js'

const limit = 1_000_000

/** The patched text, or the tag of the error. */
function patched(document: string, patch: string | object): string {
  const text = typeof patch === 'string' ? patch : JSON.stringify(patch)
  const read = readJsonPatch('the patch', Buffer.from(text))
  if (read._tag === 'Left') return read.left._tag
  const applied = applyJsonPatch('the patch', read.right, Buffer.from(document), limit)
  return applied._tag === 'Left' ? applied.left._tag : Buffer.from(applied.right).toString()
}

const A: ReadonlyArray<readonly [string, string, object[], string]> = [
  ['A.1 adding a member', '{"foo":"bar"}', [{ op: 'add', path: '/baz', value: 'qux' }], '{"foo":"bar","baz":"qux"}'],
  [
    'A.2 adding an element',
    '{"foo":["bar","baz"]}',
    [{ op: 'add', path: '/foo/1', value: 'qux' }],
    '{"foo":["bar","qux","baz"]}',
  ],
  ['A.3 removing a member', '{"baz":"qux","foo":"bar"}', [{ op: 'remove', path: '/baz' }], '{"foo":"bar"}'],
  [
    'A.4 removing an element',
    '{"foo":["bar","qux","baz"]}',
    [{ op: 'remove', path: '/foo/1' }],
    '{"foo":["bar","baz"]}',
  ],
  [
    'A.5 replacing',
    '{"baz":"qux","foo":"bar"}',
    [{ op: 'replace', path: '/baz', value: 'boo' }],
    '{"baz":"boo","foo":"bar"}',
  ],
  [
    'A.6 moving a value',
    '{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}',
    [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    '{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}',
  ],
  [
    'A.7 moving an element',
    '{"foo":["all","grass","cows","eat"]}',
    [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    '{"foo":["all","cows","eat","grass"]}',
  ],
  [
    'A.8 testing: success',
    '{"baz":"qux","foo":["a",2,"c"]}',
    [
      { op: 'test', path: '/baz', value: 'qux' },
      { op: 'test', path: '/foo/1', value: 2 },
    ],
    '{"baz":"qux","foo":["a",2,"c"]}',
  ],
  ['A.9 testing: error', '{"baz":"qux"}', [{ op: 'test', path: '/baz', value: 'bar' }], 'PatchFailed'],
  [
    'A.10 adding a nested object',
    '{"foo":"bar"}',
    [{ op: 'add', path: '/child', value: { grandchild: {} } }],
    '{"foo":"bar","child":{"grandchild":{}}}',
  ],
  [
    'A.11 ignoring unknown members',
    '{"foo":"bar"}',
    [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }],
    '{"foo":"bar","baz":"qux"}',
  ],
  ['A.12 adding to what is not there', '{"foo":"bar"}', [{ op: 'add', path: '/baz/bat', value: 'qux' }], 'PatchFailed'],
  ['A.14 escapes', '{"/":9,"~1":10}', [{ op: 'test', path: '/~01', value: 10 }], '{"/":9,"~1":10}'],
  ['A.15 comparing texts and numbers', '{"/":9,"~1":10}', [{ op: 'test', path: '/~01', value: '10' }], 'PatchFailed'],
  [
    'A.16 adding a list',
    '{"foo":["bar"]}',
    [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
    '{"foo":["bar",["abc","def"]]}',
  ],
]

describe('RFC 6902', () => {
  test.each(A)('%s', (_, document, patch, result) => expect(patched(document, patch)).toBe(result))

  test('A.13 an operation that stands twice is no JSON here', () =>
    expect(patched('{"foo":"bar"}', '[{"op":"add","path":"/baz","value":"qux","op":"remove"}]')).toBe('InvalidBody'))

  test.each([
    ['the whole document', '{"a":1}', [{ op: 'replace', path: '', value: { b: 2 } }], '{"b":2}'],
    ['a member that is there already', '{"a":1}', [{ op: 'add', path: '/a', value: 2 }], '{"a":2}'],
    [
      'into an empty object and an empty list',
      '{"o":{ },"l":[ ]}',
      [
        { op: 'add', path: '/o/x', value: 1 },
        { op: 'add', path: '/l/0', value: 1 },
      ],
      '{"o":{"x":1 },"l":[1 ]}',
    ],
    [
      'the only member and the only element',
      '{"o":{"x":1},"l":[1]}',
      [
        { op: 'remove', path: '/o/x' },
        { op: 'remove', path: '/l/0' },
      ],
      '{"o":{},"l":[]}',
    ],
    [
      'the first and the last',
      '{ "a" : 1, "b" : [ 1, 2, 3 ] }',
      [
        { op: 'remove', path: '/a' },
        { op: 'remove', path: '/b/2' },
        { op: 'remove', path: '/b/0' },
      ],
      '{"b" : [2 ] }',
    ],
    ['a member without a name', '{"":{"":1}}', [{ op: 'replace', path: '//', value: 2 }], '{"":{"":2}}'],
    ['a list out of its bounds', '{"l":[1]}', [{ op: 'add', path: '/l/2', value: 1 }], 'PatchFailed'],
    ['an index with a leading zero', '{"l":[1,2]}', [{ op: 'remove', path: '/l/01' }], 'PatchFailed'],
    ['behind the last element', '{"l":[1]}', [{ op: 'remove', path: '/l/-' }], 'PatchFailed'],
    ['what is not there', '{"a":1}', [{ op: 'replace', path: '/b', value: 1 }], 'PatchFailed'],
    ['into itself', '{"a":{"b":{}}}', [{ op: 'move', from: '/a', path: '/a/b/c' }], 'PatchFailed'],
    [
      'into itself, where another would take its place',
      '{"l":[{},{}]}',
      [{ op: 'move', from: '/l/0', path: '/l/0/x' }],
      'PatchFailed',
    ],
    [
      'a copy, which is apart',
      '{"a":{"n":1}}',
      [
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'replace', path: '/b/n', value: 2 },
      ],
      '{"a":{"n":1},"b":{"n":2}}',
    ],
    [
      'members named like parts of JavaScript',
      '{}',
      [
        { op: 'add', path: '/__proto__', value: { x: 1 } },
        { op: 'add', path: '/constructor', value: 1 },
      ],
      '{"__proto__":{"x":1},"constructor":1}',
    ],
  ] as const)('%s', (_, document, patch, result) => expect(patched(document, patch as unknown as object)).toBe(result))
})

describe('a test', () => {
  test.each([
    ['1.10', '1.1', true],
    ['1e2', '100', true],
    ['-0', '0', true],
    ['12345678901234567890', '12345678901234567891', false],
    ['1e-400', '0', false],
    ['{"a":1,"b":[1,{"c":null}]}', '{"b":[1.0,{"c":null}],"a":1}', true],
    ['{"a":1}', '{"a":1,"b":2}', false],
    ['[1,2]', '[2,1]', false],
    ['"\\u0041"', '"A"', true],
    ['null', 'false', false],
    ['{}', '[]', false],
  ])('of %s by %s', (a, b, equal) => {
    const result = patched(`{"x":${a}}`, `[{"op":"test","path":"/x","value":${b}}]`)
    expect(result === 'PatchFailed').toBe(!equal)
  })
})

test('every byte that no operation names stays, and values come in as they were sent', () => {
  const document = '{ "10": 1.10, "2":1e3 ,"n" : [ -0, 12345678901234567890 ],\t"t":"\\u0041" }'
  expect(patched(document, '[{"op":"add","path":"/n/1","value": 0.000000100 }]')).toBe(
    '{ "10": 1.10, "2":1e3 ,"n" : [ -0, 0.000000100,12345678901234567890 ],\t"t":"\\u0041" }',
  )
})

test('what is no patch is refused, with its operation', () => {
  for (const [text, tag] of [
    ['{}', 'InvalidInput'],
    ['1', 'InvalidInput'],
    ['[1]', 'InvalidInput'],
    ['[],"x":[]', 'InvalidInput'],
    ['[{"op":"add","path":"/a"}]', 'InvalidInput'],
    ['[{"op":"merge","path":"/a"}]', 'InvalidInput'],
    ['[{"op":"remove","path":"a"}]', 'InvalidInput'],
    ['[{"op":"remove","path":"/~2"}]', 'InvalidInput'],
    ['[{"op":"move","path":"/a"}]', 'InvalidInput'],
    ['[', 'InvalidBody'],
    ['', 'InvalidBody'],
    [JSON.stringify(Array(maxPatchOperations + 1).fill({ op: 'remove', path: '/a' })), 'LimitExceeded'],
  ] as const)
    expect(patched('{}', text), text.slice(0, 40)).toBe(tag)
})

test('what a patch makes is bounded on its way, however it grows', () => {
  const double = [
    { op: 'add', path: '/a', value: ['x'.repeat(100)] },
    ...Array(30).fill({ op: 'copy', from: '/a', path: '/a/-' }),
  ]
  expect(patched('{}', double)).toBe('LimitExceeded')
})

test('what a patch reads is bounded, before it reads anything: many operations on a large document stop the others', () => {
  const large = JSON.stringify({ text: 'x'.repeat(500_000) })
  const adds = (count: number) => Array(count).fill({ op: 'add', path: '/a', value: 1 })
  expect(patched(large, adds(300))).toBe('LimitExceeded')
  expect(patched(large, adds(2))).toMatch(/"a":1}$/)
})

describe('any patch', () => {
  const json = fc.json({ maxDepth: 4 })
  const pointer = fc
    .array(fc.constantFrom('a', 'b', '0', '1', '-', '~0', '~1', ''))
    .map((tokens) => tokens.map((t) => `/${t}`).join(''))
  const operation = fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
    path: pointer,
    from: pointer,
    value: fc.jsonValue(),
  })
  const object = fc.dictionary(fc.constantFrom('a', 'b', '0', '~', '/'), fc.jsonValue({ maxDepth: 3 }), {
    noNullPrototype: true,
  })

  test('on any document makes JSON, or a value that says why not', () => {
    fc.assert(
      fc.property(
        object,
        fc.array(operation, { maxLength: 5 }),
        fc.constantFrom(0, 1, 2),
        (document, patch, indent) => {
          const result = patched(JSON.stringify(document, undefined, indent), patch)
          if (result !== 'PatchFailed') JSON.parse(result)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('of anything at all never throws', () => {
    fc.assert(fc.property(fc.oneof(json, fc.string()), (text) => void patched('{"a":[1]}', text)))
  })

  test('adds, replaces and removes what a walk by hand would, and loses no number', () => {
    fc.assert(
      fc.property(object, fc.constantFrom('a', 'b', 'new'), fc.jsonValue({ maxDepth: 2 }), (document, name, value) => {
        const text = JSON.stringify(document, undefined, 1)
        const added = patched(text, [{ op: 'add', path: `/${name}`, value }])
        expect(JSON.parse(added)).toEqual(JSON.parse(JSON.stringify({ ...document, [name]: value })))
        const removed = patched(added, [{ op: 'remove', path: `/${name}` }])
        const { [name]: _, ...rest } = document
        expect(JSON.parse(removed)).toEqual(JSON.parse(JSON.stringify(rest)))
        expect(numberTokens(Buffer.from(removed))).toEqual(numberTokens(Buffer.from(JSON.stringify(rest))))
      }),
      { numRuns: 500 },
    )
  })
})
