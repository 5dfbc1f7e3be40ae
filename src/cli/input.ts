/** What a command is given to write: a file, or stdin. */
import { readFile } from 'node:fs/promises'
import { usage } from './failure.js'
import type { Io } from './io.js'

/** `file`: a path; `-` or nothing for stdin, of which no more is read than tells that it is over the limit. */
export async function readInput(io: Io, file: string | undefined, maxBytes: number): Promise<Uint8Array> {
  try {
    if (file !== undefined && file !== '-') return await readFile(file)
  } catch (error) {
    throw usage(`${file} cannot be read: ${(error as Error).message}`)
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of io.stdin) {
    chunks.push(chunk as Uint8Array)
    size += (chunk as Uint8Array).length
    // One byte more than the store takes is enough for it to refuse the body by its own sentence.
    if (size > maxBytes) break
  }
  return Buffer.concat(chunks)
}
