/**
 * The lines of a file in groups, each of which becomes one transaction. Where a group ends depends on the bytes of the file alone, so
 * whoever goes on with a file finds the same groups.
 */
import type { Buffer } from 'node:buffer'
import { linesOf } from '../../../domain/lines.js'

/** `bytes` are absent where the line is too long to be read. */
export interface SubmittedLine {
  /** From 1, blank lines counted. */
  readonly number: number
  readonly bytes?: Buffer
}

export interface Group {
  /** From 0. */
  readonly index: number
  readonly lines: ReadonlyArray<SubmittedLine>
}

/** The largest group, of which a longer line is one alone. The same for all who process a submission. */
export interface GroupBounds {
  readonly lines: number
  readonly bytes: number
}

export async function* groupsOf(
  chunks: AsyncIterable<Buffer>,
  bounds: GroupBounds,
  maxLineBytes: number,
): AsyncGenerator<Group> {
  const tooLong: SubmittedLine[] = []
  const onTooLong = (number: number): void => void tooLong.push({ number })
  let lines: SubmittedLine[] = []
  let bytes = 0
  let index = 0
  const take = (): Group => {
    const group = { index: index++, lines }
    lines = []
    bytes = 0
    return group
  }
  for await (const some of linesOf(chunks, { maxBytes: maxLineBytes, onTooLong }))
    for (const line of inOrder(tooLong.splice(0), some)) {
      const length = line.bytes?.length ?? 0
      if (lines.length > 0 && bytes + length > bounds.bytes) yield take()
      lines.push(line)
      bytes += length
      if (lines.length === bounds.lines) yield take()
    }
  for (const line of tooLong) {
    lines.push(line)
    if (lines.length === bounds.lines) yield take()
  }
  if (lines.length > 0) yield take()
}

const inOrder = (tooLong: ReadonlyArray<SubmittedLine>, read: ReadonlyArray<SubmittedLine>): SubmittedLine[] =>
  tooLong.length === 0 ? [...read] : [...tooLong, ...read].sort((a, b) => a.number - b.number)
