/** Documents as texts, with numbers that no JSON.parse keeps and names that need escapes; pairs of them have much in common. */
import fc from 'fast-check'

const number = fc.constantFrom(
  '0',
  '-0',
  '1',
  '1.0',
  '1.10',
  '1.1',
  '1e2',
  '100',
  '12345678901234567890.10',
  '0.000000100',
)
const text = fc.oneof(fc.constantFrom('', 'a', 'b', '/', '~', 'é', '😀', 'quote "'), fc.string({ maxLength: 5 }))
const name = fc.constantFrom('a', 'b', 'c', '', '/', '~1', 'a/b', '0', '1', '-', '__proto__', 'x y', 'é')

const { value } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    number,
    text.map((each) => JSON.stringify(each)),
    fc.constantFrom('true', 'false', 'null', '[]', '{}'),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 5 }).map((elements) => `[${elements.join(' ,')}]`),
  object: members(tie('value')),
}))

function members(each: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const pairs = fc.uniqueArray(fc.tuple(name, each), { maxLength: 6, selector: ([key]) => key })
  return pairs.map((all) => `{${all.map(([key, text]) => `${JSON.stringify(key)}: ${text}`).join(', ')}}`)
}

/** The text of an object. */
export const document = members(value)
