/** Looks into JSON that `scanBody` has accepted, by offsets: what is passed over is never decoded. */
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  decodeString,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  SPACE,
} from './bytes.js'

/** A value: the bytes from `start` to `end`, exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface NamedSpan extends Span {
  readonly name: string
  /** Where the name's opening quote stands. */
  readonly at: number
}

/** The members of the object that begins at `start`. */
export function* membersOf(bytes: Uint8Array, start: number): Generator<NamedSpan> {
  for (let i = next(bytes, start + 1); bytes[i] !== CLOSE_OBJECT; i = next(bytes, i)) {
    const at = i
    const nameEnd = endOfText(bytes, at)
    const name = decodeString(bytes, at, nameEnd)
    const value = next(bytes, nameEnd)
    i = endOfValue(bytes, value)
    yield { name, at, start: value, end: i }
  }
}

/** The elements of the array that begins at `start`. */
export function* elementsOf(bytes: Uint8Array, start: number): Generator<Span> {
  for (let i = next(bytes, start + 1); bytes[i] !== CLOSE_ARRAY; i = next(bytes, i)) {
    const element = i
    i = endOfValue(bytes, element)
    yield { start: element, end: i }
  }
}

export const isObjectAt = (bytes: Uint8Array, start: number): boolean => bytes[start] === OPEN_OBJECT
export const isArrayAt = (bytes: Uint8Array, start: number): boolean => bytes[start] === OPEN_ARRAY

/** The value of a string; `undefined` for any other kind. */
export const textAt = (bytes: Uint8Array, { start, end }: Span): string | undefined =>
  bytes[start] === QUOTE ? decodeString(bytes, start, end) : undefined

/** Hears every string that is the value of a member or stands in the list that is. `parent`: the member around its object. */
export type HearText = (name: string, parent: string, span: Span) => void

/** Visits all strings below the object that begins at `start`, in one pass; answers where it ends. `parent` is what stands around it. */
export function visitTexts(bytes: Uint8Array, start: number, parent: string, hear: HearText): number {
  let i = next(bytes, start + 1)
  while (bytes[i] !== CLOSE_OBJECT) {
    const nameEnd = endOfText(bytes, i)
    const name = decodeString(bytes, i, nameEnd)
    i = next(bytes, visitValue(bytes, next(bytes, nameEnd), name, parent, hear))
  }
  return i + 1
}

function visitValue(bytes: Uint8Array, start: number, name: string, parent: string, hear: HearText): number {
  const first = bytes[start]
  if (first === OPEN_OBJECT) return visitTexts(bytes, start, name, hear)
  if (first === OPEN_ARRAY) {
    let i = next(bytes, start + 1)
    while (bytes[i] !== CLOSE_ARRAY) i = next(bytes, visitValue(bytes, i, name, parent, hear))
    return i + 1
  }
  const end = endOfValue(bytes, start)
  if (first === QUOTE) hear(name, parent, { start, end })
  return end
}

/** The next token that is neither comma nor colon. */
function next(bytes: Uint8Array, from: number): number {
  let i = from
  for (; ; i++) {
    const c = bytes[i] as number
    if (c > SPACE && c !== COMMA && c !== COLON) return i
  }
}

function endOfText(bytes: Uint8Array, start: number): number {
  let i = start + 1
  while (bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1
  return i + 1
}

function endOfValue(bytes: Uint8Array, start: number): number {
  const first = bytes[start]
  if (first === QUOTE) return endOfText(bytes, start)
  let i = start
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
    let depth = 0
    do {
      const c = bytes[i]
      if (c === QUOTE) {
        i = endOfText(bytes, i)
        continue
      }
      if (c === OPEN_OBJECT || c === OPEN_ARRAY) depth++
      else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) depth--
      i++
    } while (depth > 0)
    return i
  }
  for (; i < bytes.length; i++) {
    const c = bytes[i] as number
    if (c <= SPACE || c === COMMA || c === CLOSE_OBJECT || c === CLOSE_ARRAY) break
  }
  return i
}
