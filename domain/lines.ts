/** Splits chunks of bytes into lines. Lines are views on the chunks; only one that crosses chunks is copied. */
import { Buffer } from 'node:buffer'

const LF = 10
const CR = 13

export interface Line {
  /** Without its line end. */
  readonly bytes: Buffer
  /** From 1. */
  readonly number: number
  /** Bytes of the source up to and with its line end. */
  readonly end: number
}

/** The longest line. One that is longer is passed over to its end and reported by `onTooLong`. */
export interface LineOptions {
  readonly maxBytes: number
  readonly onTooLong: (line: number, bytes: number, end: number) => void
  /** Where the first chunk begins: lines and bytes before it. */
  readonly line?: number
  readonly offset?: number
}

/** Blank lines are counted and left out. The lines of one chunk come together, so that a line costs no promise. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, options: LineOptions): AsyncGenerator<Line[]> {
  const { maxBytes, onTooLong } = options
  let number = options.line ?? 0
  let offset = options.offset ?? 0
  let carried: Buffer[] = []
  let carriedBytes = 0

  const take = (bytes: Buffer, end: number): Line | undefined => {
    number++
    if (bytes.length > maxBytes) {
      onTooLong(number, bytes.length, end)
      return undefined
    }
    const length = bytes.length > 0 && bytes[bytes.length - 1] === CR ? bytes.length - 1 : bytes.length
    return isBlank(bytes, length) ? undefined : { bytes: bytes.subarray(0, length), number, end }
  }

  const carry = (bytes: Buffer): void => {
    // Of a line that is too long only the length is kept.
    if (carriedBytes + bytes.length > maxBytes) carried = []
    else carried.push(bytes)
    carriedBytes += bytes.length
  }

  const takeCarried = (end: number): Line | undefined => {
    const bytes = carriedBytes > maxBytes ? undefined : Buffer.concat(carried, carriedBytes)
    const length = carriedBytes
    carried = []
    carriedBytes = 0
    if (bytes !== undefined) return take(bytes, end)
    onTooLong(++number, length, end)
    return undefined
  }

  for await (const chunk of chunks) {
    const lines: Line[] = []
    let start = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      let line: Line | undefined
      if (carriedBytes > 0) {
        carry(chunk.subarray(start, end))
        line = takeCarried(offset + end + 1)
      } else line = take(chunk.subarray(start, end), offset + end + 1)
      if (line !== undefined) lines.push(line)
      start = end + 1
    }
    if (start < chunk.length) carry(chunk.subarray(start))
    offset += chunk.length
    if (lines.length > 0) yield lines
  }
  if (carriedBytes === 0) return
  const last = takeCarried(offset)
  if (last !== undefined) yield [last]
}

function isBlank(bytes: Buffer, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[i] !== 0x20 && bytes[i] !== 0x09) return false
  return true
}
