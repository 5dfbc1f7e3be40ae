/** What there is to load: files, folders, standard input; and their bytes, unzipped where they are gzip. */
import { Buffer } from 'node:buffer'
import { createReadStream, type Dirent, type Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { usage } from '../failure.js'

export interface Source {
  /** As the user would name it: `stdin`, or a path. */
  readonly name: string
  /** Absent for stdin. */
  readonly file?: { readonly path: string; readonly size: number; readonly mtimeMs: number }
}

const wanted = /\.(json|ndjson|jsonl)(\.gz)?$/i
const readBytes = 1024 * 1024

/** Every source below the given paths, in an order that is the same on every run. Folders are read one at a time. */
export async function* sourcesOf(paths: ReadonlyArray<string>): AsyncGenerator<Source> {
  for (const path of paths) {
    if (path === '-') {
      yield { name: 'stdin' }
      continue
    }
    const stats = await statOf(path)
    if (stats.isDirectory()) yield* filesBelow(path)
    else yield sourceOf(path, stats)
  }
}

async function* filesBelow(folder: string): AsyncGenerator<Source> {
  const entries = await readable(folder, readdir(folder, { withFileTypes: true }))
  for (const entry of entries.sort(byName)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path)
    else if (wanted.test(entry.name)) {
      const stats = await statOf(path)
      if (stats.isFile()) yield sourceOf(path, stats)
    }
  }
}

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

const statOf = (path: string): Promise<Stats> => readable(path, stat(path))

const sourceOf = (name: string, { size, mtimeMs }: Stats): Source => ({
  name,
  file: { path: resolve(name), size, mtimeMs },
})

async function readable<A>(path: string, reading: Promise<A>): Promise<A> {
  try {
    return await reading
  } catch (error) {
    throw usage(`${path} cannot be read: ${(error as Error).message}`)
  }
}

export interface Opened {
  /** Plain bytes, from `skip` on. Reads no further ahead than one chunk. */
  readonly chunks: AsyncIterable<Buffer>
  /** Bytes read so far of the file as it is on disk. */
  consumed(): number
  close(): void
}

/** Opens a source at `skip` plain bytes. Whether it is gzip is decided by its first two bytes. */
export async function openSource(source: Source, stdin: Readable, skip: number): Promise<Opened> {
  const { file } = source
  if (file === undefined) return unzipped(stdin, 0, false)
  const zipped = await isGzip(file.path)
  const start = zipped ? 0 : Math.min(skip, file.size)
  const stream = createReadStream(file.path, { highWaterMark: readBytes, start })
  const opened = unzipped(stream, start, zipped)
  return zipped ? { ...opened, chunks: dropped(opened.chunks, skip) } : opened
}

function unzipped(stream: Readable, start: number, zipped: boolean): Opened {
  let read = start
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as Uint8Array)
      read += bytes.length
      yield bytes
    }
  }
  return {
    chunks: zipped ? gunzip(counted()) : detected(counted()),
    consumed: () => read,
    close: () => stream.destroy(),
  }
}

/** Of standard input the first chunk has to say what it is; one of a single byte is joined to the next. */
async function* detected(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let first = Buffer.alloc(0)
  for await (const chunk of nextOf(chunks)) {
    first = Buffer.concat([first, chunk])
    if (first.length >= 2) break
  }
  const rest = prepended(first, chunks)
  yield* isMagic(first) ? gunzip(rest) : rest
}

/** Iterates without closing what it iterates over when the loop ends. */
function nextOf<A>(iterator: AsyncGenerator<A>): AsyncIterable<A> {
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) }
}

async function* prepended(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  yield* rest
}

async function* gunzip(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzipStream = createGunzip({ chunkSize: readBytes })
  const { Readable: Source } = await import('node:stream')
  const source = Source.from(chunks, { objectMode: false, highWaterMark: readBytes })
  source.on('error', (error) => gunzipStream.destroy(error))
  for await (const chunk of source.pipe(gunzipStream)) yield chunk as Buffer
}

async function* dropped(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const chunk of chunks) {
    if (left < chunk.length) yield chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}

async function isGzip(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { end: 1 })) return isMagic(chunk as Buffer)
  return false
}

const isMagic = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b
