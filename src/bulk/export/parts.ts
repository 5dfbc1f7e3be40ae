/**
 * The files of an export. Lines of a type gather in memory until they make a part, or until all types together have too much of it,
 * when the largest is written. What is written when depends on the lines alone: so whoever writes them again, after a crash,
 * writes the same parts with the same bytes, and a part that is there already is that very part.
 */
import { annalsError } from '../../../domain/error.js'
import { encodeSegment, isProjected, isWriteOnce } from '../../../domain/keys.js'
import type { BlobStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import type { ExportPart } from './api.js'
import type { Bounds, PartLists } from './state.js'

/** Where the files are put: a blob store, and what stands before their names. */
export interface Sink {
  readonly blobs: BlobStore
  readonly prefix: string
}

export interface Parts {
  /** Adds a line, without its newline, which may be a view of anything. Answers what has to be waited for before the next one. */
  add(kind: ExportPart['kind'], type: string | undefined, line: Uint8Array): Promise<void> | undefined
  /** Writes what is open. When it resolves, every part is there for good. */
  flush(): Promise<void>
  /** Waits for what is being written, whatever comes of it. */
  settle(): Promise<void>
  /** Every part that is written, or about to be. */
  lists(): PartLists
}

interface Open {
  readonly kind: ExportPart['kind']
  readonly type: string | undefined
  buffer: Buffer
  length: number
  count: number
}

const firstBytes = 64 * 1024
/** Parts that are being written at a time, while they fit: the first of them may have any size. */
const maxWrites = 4
const newline = 10

const partName = ({ kind, type, number }: Pick<ExportPart, 'kind' | 'type'> & { number: number }): string =>
  `${kind === 'output' ? `output/${segmentOf(type ?? '')}` : kind === 'error' ? 'errors' : kind}/part-${number}.ndjson`

/** Blob stores know the rooms of a tenant by their names, such as `log`: a type of plain documents may be named so, too. */
function segmentOf(type: string): string {
  const segment = encodeSegment(type)
  if (!isWriteOnce(`output/${segment}/`) && !isProjected(`output/${segment}/`)) return segment
  return `%${segment.charCodeAt(0).toString(16).toUpperCase()}${segment.slice(1)}`
}

/** All parts: those of each type one after the other, then deletions, then errors. */
export function partsIn({ output, deleted, error }: PartLists): ExportPart[] {
  const named = (kind: ExportPart['kind'], list: PartLists['deleted'], type?: string): ExportPart[] =>
    list.map(([count, bytes], i) => ({
      name: partName({ kind, type, number: i + 1 }),
      kind,
      ...(type === undefined ? undefined : { type }),
      count,
      bytes,
    }))
  const types = Object.keys(output).sort()
  return [
    ...types.flatMap((type) => named('output', output[type] ?? [], type)),
    ...named('deleted', deleted),
    ...named('error', error),
  ]
}

/** `begun`: what was written before. `onWritten` hears of each part that is there. */
export function makeParts(sink: Sink, bounds: Bounds, begun: PartLists, onWritten: (part: ExportPart) => void): Parts {
  const { partBytes, bufferBytes } = bounds
  const open = new Map<string, Open>()
  const output = new Map(Object.entries(begun.output).map(([type, list]) => [type, [...list]]))
  const others = { deleted: [...begun.deleted], error: [...begun.error] }
  const writing = new Set<Promise<void>>()
  let buffered = 0
  let inFlight = 0
  let failure: { readonly error: unknown } | undefined

  function add(kind: ExportPart['kind'], type: string | undefined, line: Uint8Array): Promise<void> | undefined {
    const key = `${kind} ${type ?? ''}`
    const size = line.length + 1
    let waiting: Promise<void> | undefined
    let part = open.get(key)
    if (part !== undefined && part.length + size > partBytes) {
      waiting = write(key, part)
      part = undefined
    }
    if (part === undefined) {
      part = { kind, type, buffer: Buffer.allocUnsafeSlow(Math.max(firstBytes, size)), length: 0, count: 0 }
      open.set(key, part)
    }
    append(part, line)
    buffered += size
    if (buffered <= bufferBytes) return waiting
    const [largestKey, largest] = largestOf(open)
    return Promise.all([waiting, write(largestKey, largest)]).then(() => undefined)
  }

  function append(part: Open, line: Uint8Array): void {
    const needed = part.length + line.length + 1
    if (needed > part.buffer.length) {
      const room = Math.max(needed, Math.min(part.buffer.length * 2, partBytes))
      const larger = Buffer.allocUnsafeSlow(room)
      part.buffer.copy(larger, 0, 0, part.length)
      part.buffer = larger
    }
    part.buffer.set(line, part.length)
    part.buffer[needed - 1] = newline
    part.length = needed
    part.count++
  }

  /** Begins to write a part. Resolves when there is room for the next one. */
  function write(key: string, part: Open): Promise<void> {
    const { kind, type, length, count } = part
    open.delete(key)
    buffered -= length
    inFlight += length
    const list = listOf(kind, type)
    list.push([count, length])
    const name = partName({ kind, type, number: list.length })
    const told: ExportPart = { name, kind, ...(type === undefined ? undefined : { type }), count, bytes: length }
    const written = store(name, part.buffer.subarray(0, length))
      .then(() => onWritten(told))
      .catch((error) => {
        failure ??= { error }
      })
      .finally(() => {
        writing.delete(written)
        inFlight -= length
      })
    writing.add(written)
    return room()
  }

  function listOf(kind: ExportPart['kind'], type: string | undefined): PartLists['deleted'] {
    if (kind !== 'output') return others[kind]
    const list = output.get(type ?? '') ?? []
    output.set(type ?? '', list)
    return list
  }

  async function store(name: string, bytes: Uint8Array): Promise<void> {
    const key = sink.prefix + name
    if ((await run(sink.blobs.createIfAbsent(key, bytes))) === 'created') return
    const size = (await run(sink.blobs.head(key)))?.size
    if (size === bytes.length) return
    const problem = `it has ${size ?? 'no'} bytes, where this export writes ${bytes.length}: something else stands there`
    throw annalsError('Corrupt', { key, problem })
  }

  async function room(): Promise<void> {
    while (writing.size > 0 && (writing.size >= maxWrites || inFlight > partBytes)) await Promise.race(writing)
    if (failure !== undefined) throw failure.error
  }

  async function flush(): Promise<void> {
    for (const key of [...open.keys()].sort()) await write(key, open.get(key) as Open)
    await Promise.all(writing)
    if (failure !== undefined) throw failure.error
  }

  return {
    add,
    flush,
    settle: async () => void (await Promise.all(writing)),
    lists: () => ({ output: Object.fromEntries(output), deleted: others.deleted, error: others.error }),
  }
}

/** Of several, the one that was begun first: the order of a map is that of its making. */
function largestOf(open: ReadonlyMap<string, Open>): [string, Open] {
  let found: [string, Open] | undefined
  for (const entry of open) if (found === undefined || entry[1].length > found[1].length) found = entry
  return found as [string, Open]
}
