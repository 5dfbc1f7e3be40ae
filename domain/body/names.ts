/**
 * Finds a member name that occurs twice in its object.
 *
 * Objects of FHIR have few members and names without escapes: those are compared in place, over a table that is never
 * allocated again. An object with more members, or with an escape in a name, moves to a `Set` of decoded names, so the
 * cost stays linear whatever is sent.
 */
import { decodeString, sameBytes } from './bytes.js'

/** Levels of nesting that a body may have. Far above any FHIR resource, far below what exhausts a parser's stack. */
export const MAX_DEPTH = 512

/** Names of one object that are compared one by one. */
const SMALL = 32
/** A name in the table: its signature, start and end. */
const ENTRY = 3
const ROW = SMALL * ENTRY
/** The count of an object whose names are in a set. */
const IN_SET = -1

const table = new Int32Array((MAX_DEPTH + 1) * ROW)
const counts = new Int32Array(MAX_DEPTH + 1)
const sets = new Map<number, Set<string>>()

/** Starts an object at this depth. */
export function openNames(depth: number): void {
  counts[depth] = 0
}

/** Drops what large objects left behind. */
export function forgetNames(): void {
  if (sets.size > 0) sets.clear()
}

/** Adds the name whose bytes, without quotes, go from `start` to `end`; false if its object has it already. */
export function addName(bytes: Uint8Array, start: number, end: number, depth: number, escaped: boolean): boolean {
  const count = counts[depth]!
  if (escaped || count === IN_SET || count === SMALL) return addToSet(bytes, start, end, depth)
  const length = end - start
  const signature = length ^ (bytes[start]! << 8) ^ (bytes[start + (length >> 1)]! << 16) ^ (bytes[end - 1]! << 24)
  const first = depth * ROW
  const free = first + count * ENTRY
  for (let e = first; e < free; e += ENTRY) {
    if (table[e] !== signature) continue
    const other = table[e + 1]!
    if (table[e + 2]! - other === length && sameBytes(bytes, other, bytes, start, length)) return false
  }
  table[free] = signature
  table[free + 1] = start
  table[free + 2] = end
  counts[depth] = count + 1
  return true
}

function addToSet(bytes: Uint8Array, start: number, end: number, depth: number): boolean {
  const set = counts[depth] === IN_SET ? sets.get(depth)! : moveToSet(bytes, depth)
  const name = decodeString(bytes, start - 1, end + 1)
  if (set.has(name)) return false
  set.add(name)
  return true
}

function moveToSet(bytes: Uint8Array, depth: number): Set<string> {
  const set = new Set<string>()
  const first = depth * ROW
  const free = first + counts[depth]! * ENTRY
  for (let e = first; e < free; e += ENTRY) set.add(decodeString(bytes, table[e + 1]! - 1, table[e + 2]! + 1))
  sets.set(depth, set)
  counts[depth] = IN_SET
  return set
}
