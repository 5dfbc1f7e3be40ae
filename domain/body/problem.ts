/**
 * Turns the place of a fault into an `InvalidBody` error: line, column and JSON path. It walks the body a second time,
 * slowly, so that the scan keeps no books for errors. It may hold member names, never a value.
 */
import { Buffer, isUtf8 } from 'node:buffer'
import { type AnnalsError, annalsError } from '../error.js'
import {
  asBuffer,
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  CR,
  decodeString,
  LF,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  SPACE,
  TAB,
} from './bytes.js'

/** Characters of one name, and levels, that a path shows. */
const MAX_NAME = 64
const MAX_LEVELS = 32

interface Level {
  readonly isObject: boolean
  /** The member being read, `undefined` before its name is known. */
  name: string | undefined
  index: number
}

export const invalidBody = (bytes: Uint8Array, offset: number, problem: string): AnnalsError =>
  annalsError('InvalidBody', { problem, ...lineAndColumn(bytes, offset), offset, path: pathAt(bytes, offset) })

/** Line and column count from 1. A line ends with LF, CR or CR LF; a column is a code point. */
function lineAndColumn(bytes: Uint8Array, offset: number): { line: number; column: number } {
  let line = 1
  let lineStart = 0
  for (let i = 0; i < offset; i++) {
    if (bytes[i] === LF || (bytes[i] === CR && bytes[i + 1] !== LF)) {
      line++
      lineStart = i + 1
    }
  }
  let column = 1
  for (let i = lineStart; i < offset; i++) if ((bytes[i]! & 0xc0) !== 0x80) column++
  return { line, column }
}

/** Takes everything before `offset` as it comes: a fault of the encoding is found before the JSON has been checked. */
function pathAt(bytes: Uint8Array, offset: number): string {
  const levels: Level[] = []
  for (let i = 0; i <= offset && i < bytes.length; i++) {
    const c = bytes[i]
    const level = levels.at(-1)
    if (c === QUOTE) {
      const end = endOfToken(bytes, i)
      const isName = (end <= offset || i === offset) && isBeforeColon(bytes, end)
      if (level?.isObject && level.name === undefined && isName) level.name = nameOf(bytes, i, end)
      i = end - 1
    } else if (i === offset) break
    else if (c === OPEN_OBJECT || c === OPEN_ARRAY)
      levels.push({ isObject: c === OPEN_OBJECT, name: undefined, index: 0 })
    else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) levels.pop()
    else if (c === COMMA && level !== undefined) {
      level.index++
      level.name = undefined
    }
  }
  return format(levels)
}

function endOfToken(bytes: Uint8Array, start: number): number {
  let i = start + 1
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1
  return i + 1
}

/** Only a colon makes a string a name: in `"name":"Ann","Lee"` the last one is a value in the wrong place. */
function isBeforeColon(bytes: Uint8Array, end: number): boolean {
  let i = end
  while (bytes[i] === SPACE || bytes[i] === TAB || bytes[i] === LF || bytes[i] === CR) i++
  return bytes[i] === COLON
}

function nameOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end > bytes.length) return undefined
  try {
    const name = [...decodeString(bytes, start, end)]
    return name.length <= MAX_NAME ? name.join('') : `${name.slice(0, MAX_NAME).join('')}…`
  } catch {
    return undefined
  }
}

function format(levels: ReadonlyArray<Level>): string {
  const steps = levels.map((level) =>
    level.isObject ? (level.name === undefined ? '' : formatName(level.name)) : `[${level.index}]`,
  )
  const path = steps.length <= MAX_LEVELS ? steps.join('') : `${steps.slice(0, MAX_LEVELS).join('')}…`
  return path.startsWith('.') ? path.slice(1) : path
}

const formatName = (name: string): string => (/^[\w$][\w$-]*…?$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`)

/** The offset of the first byte that is not UTF-8. */
export function firstInvalidUtf8(bytes: Uint8Array): number {
  // Decoding puts U+FFFD in the place of what is invalid, so the first difference is at the fault or just inside it.
  const decoded = Buffer.from(asBuffer(bytes).toString('utf8'))
  let i = 0
  while (i < bytes.length && bytes[i] === decoded[i]) i++
  while (i > 0 && !isUtf8(bytes.subarray(0, i))) i--
  return i
}
