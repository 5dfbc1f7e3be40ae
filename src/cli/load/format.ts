/** Whether a source is one document or one resource on each line. The bytes decide; the name only where they can't. */
import type { Buffer } from 'node:buffer'
import { endOfValue, skipSpace } from './walk.js'

export type Format = 'document' | 'lines'

const LF = 10
const OPEN_OBJECT = 0x7b
/** After these a value goes on: `{`, `[`, comma, colon. */
const goesOn = new Set([0x7b, 0x5b, 0x2c, 0x3a])

/** `head` is the beginning of the source: all of it, or a line and what follows, or more than a line may have. */
export function formatOf(head: Buffer, name: string): Format {
  const start = skipSpace(head, isMarked(head) ? 3 : 0)
  const lineEnd = head.indexOf(LF, start)
  const first = head.subarray(start, lineEnd < 0 ? head.length : lineEnd)
  const after = lineEnd < 0 ? head.length : skipSpace(head, lineEnd)
  // One line alone, or one that is longer than a line may be.
  if (after === head.length) return isLinesName(name) ? 'lines' : 'document'
  if (endOfValue(first, 0) >= 0 && first[0] === OPEN_OBJECT) return 'lines'
  if (goesOn.has(lastOf(first))) return 'document'
  // The first line is cut short: of a document the next one begins with a name, of lines with another object.
  return isLinesName(name) || head[after] === OPEN_OBJECT ? 'lines' : 'document'
}

/** Whether `head` says enough: it goes on behind its first line. */
export function isEnough(head: Buffer): boolean {
  const lineEnd = head.indexOf(LF, skipSpace(head, isMarked(head) ? 3 : 0))
  return lineEnd >= 0 && skipSpace(head, lineEnd) < head.length
}

const isLinesName = (name: string): boolean => /\.(ndjson|jsonl)(\.gz)?$/i.test(name)

const isMarked = (bytes: Buffer): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf

function lastOf(bytes: Buffer): number {
  let i = bytes.length - 1
  while (i >= 0 && bytes[i]! <= 0x20) i--
  return bytes[i] ?? 0
}
