/**
 * Compares bodies by their tokens, so that "no change" neither depends on whitespace nor rounds a number.
 *
 * Numbers compare as text (`1.10` is not `1.1`), strings by their value (`"\u0041"` is `"A"`). The order of members is
 * significant: JSON does not say so, but a reordered body has other bytes, and a store that keeps bytes calls it a
 * change. The inputs are bodies that `scanBody` has accepted.
 */
import * as E from 'fp-ts/lib/Either.js'
import { asBuffer, COLON, COMMA, decodeString, MINUS, NINE, QUOTE, SPACE, sameBytes, ZERO } from './bytes.js'
import { endOfLiteral, endOfNumber, endOfString } from './lexis.js'
import { scanBody } from './scan.js'

export interface SameTokensOptions {
  /** Leave `id`, `meta.versionId` and `meta.lastUpdated` out; a `meta` without anything else is then no `meta`. */
  readonly ignoreStamp?: boolean
}

/** Whether two bodies say the same. */
export function sameTokens(a: Uint8Array, b: Uint8Array, options: SameTokensOptions = {}): boolean {
  if (asBuffer(a).equals(b)) return true
  const left = options.ignoreStamp ? withoutStamp(a) : new Tokens(a)
  const right = options.ignoreStamp ? withoutStamp(b) : new Tokens(b)
  if (left === undefined || right === undefined) return false
  while (left.next()) if (!right.next() || !sameToken(left, right)) return false
  return !right.next()
}

/** The text of every number, in order. */
export function numberTokens(bytes: Uint8Array): string[] {
  const buffer = asBuffer(bytes)
  const tokens = new Tokens(bytes)
  const numbers: string[] = []
  while (tokens.next()) {
    if (isNumber(bytes[tokens.start]!)) numbers.push(buffer.toString('latin1', tokens.start, tokens.end))
  }
  return numbers
}

/** Bytes from `start` to `end`. */
interface Span {
  readonly start: number
  readonly end: number
}

/** A cursor over tokens. Commas and colons are none: in valid JSON the others say it all, and a member can be left out. */
class Tokens {
  start = 0
  end = 0
  #skipped = 0

  constructor(
    readonly bytes: Uint8Array,
    readonly skip: ReadonlyArray<Span> = [],
  ) {}

  /** Moves to the next token; false behind the last. */
  next(): boolean {
    const { bytes, skip } = this
    const length = bytes.length
    let i = this.end
    for (; i < length; i++) {
      const c = bytes[i]!
      if (c <= SPACE || c === COMMA || c === COLON) continue
      if (skip[this.#skipped]?.start !== i) break
      i = skip[this.#skipped++]!.end - 1
    }
    this.start = i
    if (i >= length) return false
    this.end = endOfTokenAt(bytes, i, length)
    return this.end > i
  }
}

function endOfTokenAt(bytes: Uint8Array, start: number, length: number): number {
  const c = bytes[start]!
  if (c === QUOTE) return endOfString(bytes, start + 1, length)
  if (isNumber(c)) return endOfNumber(bytes, start, length)
  return c >= 0x61 && c <= 0x7a ? endOfLiteral(bytes, start, length) : start + 1
}

const isNumber = (first: number): boolean => first === MINUS || (first >= ZERO && first <= NINE)

function sameToken(a: Tokens, b: Tokens): boolean {
  const length = a.end - a.start
  if (length === b.end - b.start && sameBytes(a.bytes, a.start, b.bytes, b.start, length)) return true
  if (a.bytes[a.start] !== QUOTE || b.bytes[b.start] !== QUOTE) return false
  return decodeString(a.bytes, a.start, a.end) === decodeString(b.bytes, b.start, b.end)
}

function withoutStamp(bytes: Uint8Array): Tokens | undefined {
  const scanned = scanBody(bytes)
  if (E.isLeft(scanned)) return undefined
  const { id, meta } = scanned.right
  const skip: Span[] = []
  if (id !== undefined) skip.push({ start: id.name, end: id.end })
  if (meta?.kind === 'object') {
    const stamped = [meta.versionId, meta.lastUpdated].filter((member) => member !== undefined)
    if (stamped.length === meta.members) skip.push({ start: meta.name, end: meta.end })
    else skip.push(...stamped.map((member) => ({ start: member.name, end: member.end })))
  }
  return new Tokens(
    bytes,
    skip.sort((a, b) => a.start - b.start),
  )
}
