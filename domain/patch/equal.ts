/** Whether two values are equal, in the bytes that they stand in. Members may be in any order; elements of lists may not. */
import { asBuffer } from '../body/bytes.js'
import { elementsOf, isArrayAt, isObjectAt, membersOf, type Span, textAt } from '../body/index.js'

/** As RFC 6902 (4.6) has it: numbers by their value, exactly. */
export const isEqual = (a: Uint8Array, left: Span, b: Uint8Array, right: Span): boolean =>
  agree(a, left, b, right, (one, two) => isNumber(one) && isNumber(two) && exact(one) === exact(two))

/** Numbers as they are written: 1.10 is not 1.1. */
export const isSame = (a: Uint8Array, left: Span, b: Uint8Array, right: Span): boolean =>
  agree(a, left, b, right, () => false)

/** `asNumbers`: whether two tokens that are written differently are the same number. */
function agree(
  a: Uint8Array,
  left: Span,
  b: Uint8Array,
  right: Span,
  asNumbers: (one: string, two: string) => boolean,
): boolean {
  if (asBuffer(a).compare(b, right.start, right.end, left.start, left.end) === 0) return true
  if (isObjectAt(a, left.start)) {
    if (!isObjectAt(b, right.start)) return false
    const members = new Map([...membersOf(b, right.start)].map((member) => [member.name, member]))
    const own = [...membersOf(a, left.start)]
    return (
      own.length === members.size &&
      own.every((member) => {
        const other = members.get(member.name)
        return other !== undefined && agree(a, member, b, other, asNumbers)
      })
    )
  }
  if (isArrayAt(a, left.start)) {
    if (!isArrayAt(b, right.start)) return false
    const [own, other] = [[...elementsOf(a, left.start)], [...elementsOf(b, right.start)]]
    return own.length === other.length && own.every((element, i) => agree(a, element, b, other[i] as Span, asNumbers))
  }
  const text = textAt(a, left)
  if (text !== undefined) return text === textAt(b, right)
  const [one, two] = [tokenAt(a, left), tokenAt(b, right)]
  return one === two || asNumbers(one, two)
}

const tokenAt = (bytes: Uint8Array, { start, end }: Span): string =>
  asBuffer(bytes).toString('latin1', start, end).trim()

const isNumber = (token: string): boolean => /^[-\d]/.test(token)

/** One text for each number, however it is written: digits without zeros at either end, and the power of ten. */
function exact(token: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(token) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  const short = digits.replace(/0+$/, '')
  if (short === '') return '0'
  return `${sign}${short}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - short.length)}`
}
