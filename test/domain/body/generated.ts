/** Generated JSON whose exact text is known: values, spellings of strings and numbers, and the whitespace between. */
import fc from 'fast-check'

export type Node = Leaf | ArrayNode | ObjectNode

export interface Leaf {
  readonly kind: 'leaf'
  readonly text: string
}

export interface ArrayNode {
  readonly kind: 'array'
  readonly items: ReadonlyArray<Node>
  readonly pad: string
}

export interface ObjectNode {
  readonly kind: 'object'
  readonly members: ReadonlyArray<MemberNode>
  readonly pad: string
  /** Text right behind the `{`. */
  readonly opening?: string
}

export interface MemberNode {
  readonly name: string
  /** The name as it is spelled, with quotes. */
  readonly spelling: string
  readonly value: Node
  /** Text right behind the value. */
  readonly suffix?: string
}

export function render(node: Node): string {
  if (node.kind === 'leaf') return node.text
  const { pad } = node
  if (node.kind === 'array') return `[${pad}${node.items.map(render).join(`${pad},${pad}`)}${pad}]`
  const members = node.members.map((m) => `${m.spelling}${pad}:${pad}${render(m.value)}${m.suffix ?? ''}`)
  return `{${node.opening ?? ''}${pad}${members.join(`${pad},${pad}`)}${pad}}`
}

const pads = fc.stringMatching(/^[ \t\r\n]{0,3}$/)

const hex4 = (unit: number, upper: boolean): string => {
  const digits = unit.toString(16).padStart(4, '0')
  return `\\u${upper ? digits.toUpperCase() : digits}`
}

const short: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** One of the ways to write a character in a JSON string. */
function spellCharacter(character: string, way: number): string {
  if (way === 0) return [...Array(character.length).keys()].map((i) => hex4(character.charCodeAt(i), true)).join('')
  if (way === 1) return [...Array(character.length).keys()].map((i) => hex4(character.charCodeAt(i), false)).join('')
  if (way === 2 && short[character] !== undefined) return short[character]
  const mustEscape = character < ' ' || character === '"' || character === '\\'
  return mustEscape ? (short[character] ?? hex4(character.charCodeAt(0), false)) : character
}

/** The text as a JSON string token; `ways` picks the spelling of each character. */
export const spell = (text: string, ways: ReadonlyArray<number>): string =>
  `"${[...text].map((character, i) => spellCharacter(character, ways[i % ways.length] ?? 9)).join('')}"`

const texts = fc.oneof(fc.string({ maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 6 }))
const manyWays = fc.oneof(fc.constant([9]), fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 }))

const strings = fc.tuple(texts, manyWays).map(([text, ways]): Leaf => ({ kind: 'leaf', text: spell(text, ways) }))

const numbers = fc
  .oneof(
    fc.stringMatching(/^-?(0|[1-9][0-9]{0,21})(\.[0-9]{1,8})?([eE][+-]?[0-9]{1,3})?$/),
    fc.constantFrom('1.10', '1.0e3', '-0', '0.000000100', '12345678901234567890', '1E+2'),
  )
  .map((text): Leaf => ({ kind: 'leaf', text }))

const literals = fc.constantFrom('true', 'false', 'null').map((text): Leaf => ({ kind: 'leaf', text }))

const objectOf = (names: fc.Arbitrary<string>, values: fc.Arbitrary<Node>): fc.Arbitrary<ObjectNode> =>
  fc
    .record({
      members: fc.uniqueArray(fc.tuple(names, manyWays, values), { maxLength: 6, selector: ([name]) => name }),
      pad: pads,
    })
    .map(({ members, pad }) => ({
      kind: 'object',
      members: members.map(([name, ways, value]) => ({ name, spelling: spell(name, ways), value })),
      pad,
    }))

const { value } = fc.letrec<{ value: Node; array: ArrayNode; object: ObjectNode }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, strings, numbers, literals, tie('array'), tie('object')),
  array: fc.record({ kind: fc.constant('array' as const), items: fc.array(tie('value'), { maxLength: 4 }), pad: pads }),
  object: objectOf(texts, tie('value')),
}))

const metas = objectOf(fc.oneof(fc.constantFrom('versionId', 'lastUpdated', 'source', 'tag'), texts), value)

/** Objects of any names, among them those that the store looks for, with any value. */
export const anyBodies = objectOf(
  fc.oneof(fc.constantFrom('resourceType', 'id', 'meta', '__proto__', '1', '0'), texts),
  fc.oneof(value, metas),
)

/** Objects whose `meta`, if there is one, is an object: bodies that can be stamped. */
export const stampable = fc.tuple(anyBodies, metas).map(
  ([body, meta]): ObjectNode => ({
    ...body,
    members: body.members.map((m) => (m.name === 'meta' && m.value.kind !== 'object' ? { ...m, value: meta } : m)),
  }),
)

export const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8')
