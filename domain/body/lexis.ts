/** Where tokens end. Each function takes the offset where a token begins and gives the one behind it, or -1 for a fault. */
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  CR,
  DOT,
  isText,
  LF,
  MINUS,
  NINE,
  PLUS,
  QUOTE,
  SPACE,
  TAB,
  ZERO,
} from './bytes.js'
import { failAt } from './fault.js'

/** Bytes that stand in a string as they are. A look-up costs half of three comparisons here. */
const PLAIN = new Uint8Array(256).fill(1, SPACE)
PLAIN[QUOTE] = 0
PLAIN[BACKSLASH] = 0

/** What went by. Whoever wants to know resets it, or looks before and after. */
export const seen = { newlines: false, escapes: 0 }

export function skipSpace(b: Uint8Array, from: number, n: number): number {
  let i = from
  for (; i < n; i++) {
    const c = b[i]!
    if (c === SPACE) continue
    if (c === LF || c === CR) seen.newlines = true
    else if (c !== TAB) break
  }
  return i
}

/** From behind the opening quote to behind the closing one, or -1. */
export function endOfString(b: Uint8Array, from: number, n: number): number {
  let i = from
  for (; i < n; i++) {
    const c = b[i]!
    if (PLAIN[c] === 1) continue
    if (c === QUOTE) return i + 1
    if (c < SPACE) return failAt('control', i, n)
    seen.escapes++
    i = lastOfEscape(b, i, n)
    if (i < 0) return -1
  }
  return failAt('ended', n, n)
}

/** From the backslash to the last byte of the escape, of both halves of a surrogate pair; or -1. */
function lastOfEscape(b: Uint8Array, at: number, n: number): number {
  const c = at + 1 < n ? b[at + 1]! : -1
  if (c !== 0x75) return isShortEscape(c) ? at + 1 : c < 0 ? failAt('ended', n, n) : failAt('escape', at, n)
  const unit = hex4(b, at + 2, n)
  if (unit < 0) return failAt('escape', at, n)
  if (unit < 0xd800 || unit > 0xdfff) return at + 5
  if (unit > 0xdbff || b[at + 6] !== BACKSLASH || b[at + 7] !== 0x75) return failAt('surrogate', at, n)
  const low = hex4(b, at + 8, n)
  return low >= 0xdc00 && low <= 0xdfff ? at + 11 : failAt('surrogate', at, n)
}

/** `"`, `\`, `/`, b, f, n, r, t. */
const isShortEscape = (c: number): boolean =>
  c === QUOTE || c === BACKSLASH || c === 0x2f || c === 0x62 || c === 0x66 || c === 0x6e || c === 0x72 || c === 0x74

function hex4(b: Uint8Array, from: number, n: number): number {
  if (from + 4 > n) return -1
  let value = 0
  for (let i = from; i < from + 4; i++) {
    const c = b[i]!
    const lower = c | 0x20
    if (c >= ZERO && c <= NINE) value = value * 16 + c - ZERO
    else if (lower >= 0x61 && lower <= 0x66) value = value * 16 + lower - 0x57
    else return -1
  }
  return value
}

const isDigit = (b: Uint8Array, i: number, n: number): boolean => i < n && b[i]! >= ZERO && b[i]! <= NINE

export function endOfNumber(b: Uint8Array, from: number, n: number): number {
  let i = b[from] === MINUS ? from + 1 : from
  if (!isDigit(b, i, n)) return failAt('number', i, n)
  if (b[i] === ZERO && isDigit(b, i + 1, n)) return failAt('zero', i, n)
  while (isDigit(b, i, n)) i++
  if (i < n && b[i] === DOT) {
    i++
    if (!isDigit(b, i, n)) return failAt('number', i, n)
    while (isDigit(b, i, n)) i++
  }
  if (i < n && (b[i]! | 0x20) === 0x65) {
    i++
    if (i < n && (b[i] === PLUS || b[i] === MINUS)) i++
    if (!isDigit(b, i, n)) return failAt('number', i, n)
    while (isDigit(b, i, n)) i++
  }
  return i
}

export function endOfLiteral(b: Uint8Array, at: number, n: number): number {
  const c = at < n ? b[at]! : -1
  const text = c === 0x74 ? 'true' : c === 0x66 ? 'false' : 'null'
  const end = at + text.length
  if (end <= n && isText(b, at, end, text)) return end
  return failAt(c === CLOSE_OBJECT || c === CLOSE_ARRAY || c === COMMA ? 'value' : 'literal', at, n)
}
