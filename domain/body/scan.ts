/**
 * Reads a body once, byte by byte: accepts strict JSON (RFC 8259) whose root is an object, and finds what stamping has
 * to know. Also refused, because nobody could say what they mean: a byte-order mark, invalid UTF-8, halves of surrogate
 * pairs, and a member name that occurs twice in its object.
 */
import { isUtf8 } from 'node:buffer'
import * as E from 'fp-ts/lib/Either.js'
import type { AnnalsError } from '../error.js'
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  MINUS,
  NINE,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  SPACE,
  ZERO,
} from './bytes.js'
import { failAt, fault, faultText } from './fault.js'
import { endOfLiteral, endOfNumber, endOfString, seen, skipSpace } from './lexis.js'
import { addName, forgetNames, MAX_DEPTH, openNames } from './names.js'
import { Marks, META, markInMeta, markInRoot, NONE, type Outline, outlineOf } from './outline.js'
import { firstInvalidUtf8, invalidBody } from './problem.js'

export { MAX_DEPTH } from './names.js'

// The scan is synchronous and never enters itself, so what it works on is shared by all scans.
const marks = new Marks()
const isObjectAt = new Uint8Array(MAX_DEPTH + 1)

/** Checks the body and gives its outline, or an `InvalidBody` that says where and what to do. */
export function scanBody(bytes: Uint8Array): E.Either<AnnalsError, Outline> {
  marks.reset()
  seen.newlines = false
  const open = isUtf8(bytes) ? scan(bytes) : failAt('encoding', firstInvalidUtf8(bytes), bytes.length)
  forgetNames()
  return open < 0
    ? E.left(invalidBody(bytes, fault.offset, faultText()))
    : E.right(outlineOf(bytes, open, seen.newlines, marks))
}

/**
 * The hot loop, in one piece: its state stays in registers, and a call per token would cost more than the token. Each
 * round of the outer loop reads one member or element; the inner loop closes what ends after it.
 */
function scan(b: Uint8Array): number {
  const n = b.length
  let i = skipSpace(b, 0, n)
  if (i === n) return failAt('empty', 0, n)
  if (b[i] === 0xef && b[i + 1] === 0xbb && b[i + 2] === 0xbf && i === 0) return failAt('mark', 0, n)
  if (b[i] !== OPEN_OBJECT) return failAt('root', i, n)
  const open = i + 1
  let c: number = OPEN_OBJECT
  let depth = 0
  let inObject = false
  let rootMark = NONE
  let metaMark = NONE

  element: for (;;) {
    if (inObject) {
      if (c !== QUOTE) return failAt('name', i, n)
      const name = i
      const escapes = seen.escapes
      i = endOfString(b, i + 1, n)
      if (i < 0) return -1
      const nameEnd = i
      const isEscaped = seen.escapes !== escapes
      if (!addName(b, name + 1, i - 1, depth, isEscaped)) return failAt('duplicate', name, n)
      c = i < n ? b[i]! : -1
      if (c <= SPACE) {
        i = skipSpace(b, i, n)
        c = i < n ? b[i]! : -1
      }
      if (c !== COLON) return failAt('colon', i, n)
      c = ++i < n ? b[i]! : -1
      if (c <= SPACE) {
        i = skipSpace(b, i, n)
        c = i < n ? b[i]! : -1
      }
      if (depth === 1) {
        rootMark = markInRoot(b, name, nameEnd, isEscaped)
        marks.rootMembers++
        if (rootMark !== NONE) marks.begin(rootMark, name, i)
      } else if (depth === 2 && rootMark === META) {
        metaMark = markInMeta(b, name, nameEnd, isEscaped)
        marks.metaMembers++
        if (metaMark !== NONE) marks.begin(metaMark, name, i)
      }
    }

    if (c === QUOTE) {
      i = endOfString(b, i + 1, n)
      if (i < 0) return -1
    } else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      if (++depth > MAX_DEPTH) return failAt('depth', i, n)
      inObject = c === OPEN_OBJECT
      isObjectAt[depth] = inObject ? 1 : 0
      if (inObject) openNames(depth)
      c = ++i < n ? b[i]! : -1
      if (c <= SPACE) {
        i = skipSpace(b, i, n)
        c = i < n ? b[i]! : -1
      }
      if (c !== (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) continue
      i++
      depth--
    } else if (c === MINUS || (c >= ZERO && c <= NINE)) {
      i = endOfNumber(b, i, n)
      if (i < 0) return -1
    } else {
      i = endOfLiteral(b, i, n)
      if (i < 0) return -1
    }

    for (;;) {
      if (depth === 1) {
        if (rootMark !== NONE) marks.ends[rootMark] = i
        rootMark = NONE
      } else if (depth === 2 && metaMark !== NONE) {
        marks.ends[metaMark] = i
        metaMark = NONE
      } else if (depth === 0) {
        i = skipSpace(b, i, n)
        return i === n ? open : failAt('trailing', i, n)
      }
      inObject = isObjectAt[depth] === 1
      c = i < n ? b[i]! : -1
      if (c <= SPACE) {
        i = skipSpace(b, i, n)
        c = i < n ? b[i]! : -1
      }
      if (c === COMMA) {
        c = ++i < n ? b[i]! : -1
        if (c <= SPACE) {
          i = skipSpace(b, i, n)
          c = i < n ? b[i]! : -1
        }
        continue element
      }
      if (c !== (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return failAt('next', i, n)
      i++
      depth--
    }
  }
}
