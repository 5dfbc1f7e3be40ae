/**
 * Walks JSON bytes just far enough to find members: no values are made, and nothing is checked that is not stepped on.
 * The store checks every resource strictly; here a fault only means "not found".
 */
import type { Buffer } from 'node:buffer'

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const SPACE = 0x20

/** Bytes from `start` to `end`, exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

export function skipSpace(b: Uint8Array, from: number): number {
  let i = from
  while (i < b.length && b[i]! <= SPACE) i++
  return i
}

/** Behind the closing quote of the string that opens at `from`, or -1. */
function endOfString(b: Buffer, from: number): number {
  for (let i = b.indexOf(QUOTE, from + 1); i >= 0; i = b.indexOf(QUOTE, i + 1)) {
    let slashes = i
    while (b[slashes - 1] === BACKSLASH) slashes--
    if (((i - slashes) & 1) === 0) return i + 1
  }
  return -1
}

/** Behind the value that begins at `from`, or -1. */
export function endOfValue(b: Buffer, from: number): number {
  const first = b[from]
  if (first === QUOTE) return endOfString(b, from)
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return endOfNested(b, from)
  let i = from
  while (i < b.length && b[i]! > SPACE && b[i] !== COMMA && b[i] !== CLOSE_OBJECT && b[i] !== CLOSE_ARRAY) i++
  return i === from ? -1 : i
}

function endOfNested(b: Buffer, from: number): number {
  let depth = 0
  for (let i = from; i < b.length; i++) {
    const c = b[i]!
    if (c === QUOTE) {
      i = endOfString(b, i) - 1
      if (i < 0) return -1
    } else if (c === OPEN_OBJECT || c === OPEN_ARRAY) depth++
    else if ((c === CLOSE_OBJECT || c === CLOSE_ARRAY) && --depth === 0) return i + 1
  }
  return -1
}

/**
 * Calls `visit` for each member of the object at `from` until it answers false. `name` is the span between the quotes.
 * Answers false for what is no object, or not a whole one as far as it was walked.
 */
function visitMembers(
  b: Buffer,
  from: number,
  visit: (nameStart: number, nameEnd: number, start: number, end: number) => boolean,
): boolean {
  if (b[from] !== OPEN_OBJECT) return false
  let i = skipSpace(b, from + 1)
  if (b[i] === CLOSE_OBJECT) return true
  for (;;) {
    if (b[i] !== QUOTE) return false
    const nameEnd = endOfString(b, i)
    if (nameEnd < 0) return false
    const colon = skipSpace(b, nameEnd)
    if (b[colon] !== COLON) return false
    const start = skipSpace(b, colon + 1)
    const end = endOfValue(b, start)
    if (end < 0) return false
    if (!visit(i + 1, nameEnd - 1, start, end)) return true
    const next = skipSpace(b, end)
    if (b[next] === CLOSE_OBJECT) return true
    if (b[next] !== COMMA) return false
    i = skipSpace(b, next + 1)
  }
}

/** The elements of the array at `from`; stops early, without a word, where it is not whole. */
export function* elementsOf(b: Buffer, from: number): Generator<Span> {
  if (b[from] !== OPEN_ARRAY) return
  let start = skipSpace(b, from + 1)
  while (start < b.length && b[start] !== CLOSE_ARRAY) {
    const end = endOfValue(b, start)
    if (end < 0) return
    yield { start, end }
    const next = skipSpace(b, end)
    if (b[next] !== COMMA) return
    start = skipSpace(b, next + 1)
  }
}

/** Whether a member's name is this ASCII text, escapes included. */
function isNamed(b: Buffer, start: number, end: number, name: string): boolean {
  if (end - start === name.length) {
    for (let k = 0; k < name.length; k++) if (b[start + k] !== name.charCodeAt(k)) return false
    return true
  }
  if (end - start < name.length || b.indexOf(BACKSLASH, start) >= end || !b.subarray(start, end).includes(BACKSLASH))
    return false
  return textAt(b, start - 1, end + 1) === name
}

/** The members of these names of the object at `from`; `undefined` where there is none. */
export function findMembers(b: Buffer, from: number, names: ReadonlyArray<string>): Array<Span | undefined> {
  const found = new Array<Span | undefined>(names.length).fill(undefined)
  let missing = names.length
  visitMembers(b, from, (nameStart, nameEnd, start, end) => {
    for (let i = 0; i < names.length; i++)
      if (found[i] === undefined && isNamed(b, nameStart, nameEnd, names[i] as string)) {
        found[i] = { start, end }
        missing--
      }
    return missing > 0
  })
  return found
}

/** The value of the string token from `start` to `end`, quotes included; `undefined` for any other token. */
export function textAt(b: Buffer, start: number, end: number): string | undefined {
  if (b[start] !== QUOTE) return undefined
  const raw = b.toString('utf8', start + 1, end - 1)
  if (!raw.includes('\\')) return raw
  try {
    return JSON.parse(`"${raw}"`) as string
  } catch {
    return undefined
  }
}
