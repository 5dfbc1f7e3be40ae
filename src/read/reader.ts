/**
 * Reads versions of one log's resources: pointers say where a body stands, the head says which pointers count (rule 8).
 */
import { LRUCache } from 'lru-cache'
import { type ChainLink, sha256 } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { blobKey, headPk, headSk, versionSk, versionsPk } from '../../domain/keys.js'
import { headFromItem, pointerFromItem, type VersionPointer } from '../../domain/pointer.js'
import type { BlobStore, ByteRange, PointerStore } from '../../domain/ports/index.js'
import type { ResourceRef } from '../../domain/resource.js'
import { run } from '../../domain/task.js'
import type { Limits } from '../limits.js'
import type { LogReader } from './log-reader.js'

/** What a read may see: nothing beyond this commit, and nothing later than this instant (microseconds since 1970). */
export interface Bound {
  readonly seq: number
  readonly at?: number
}

export const covers = (bound: Bound, pointer: VersionPointer): boolean =>
  pointer.seq <= bound.seq && (bound.at === undefined || pointer.at <= bound.at)

export interface Reader {
  /** The head that readers go by. Fails with `NeedsRecovery` when the pointer store has none. */
  head(): Promise<ChainLink>
  /** The current version, by one query and one read of the head, side by side. */
  current(ref: ResourceRef): Promise<VersionPointer | undefined>
  /** The last version that the bound covers. */
  versionWithin(ref: ResourceRef, bound: Bound): Promise<VersionPointer | undefined>
  /** One version by its number; `undefined` when it does not exist. */
  version(ref: ResourceRef, version: number): Promise<VersionPointer | undefined>
  /** The bytes of a version, checked against their hash. The caller may keep them and must not change them. */
  body(pointer: VersionPointer, from?: Stretch): Promise<Uint8Array>
  /** Whether the body needs no read. */
  holds(pointer: VersionPointer): boolean
  /** A part of a commit object. */
  stretch(seq: number, range: ByteRange): Promise<Stretch>
}

/** Bytes of a commit object that were read anyway. */
export interface Stretch {
  readonly bytes: Uint8Array
  /** Where they begin in the object (default 0). */
  readonly start?: number
}

export interface ReaderDeps {
  readonly tenant: string
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly log: LogReader
  readonly limits: Limits
}

/** Versions asked for at once when looking for the last covered one. More are only needed while commits are in publication. */
const versionsPerQuery = 2

export function makeReader(deps: ReaderDeps): Reader {
  const { tenant, blobs, pointers, log, limits } = deps
  const { partition } = log
  const cache =
    limits.cacheBytes > 0
      ? new LRUCache<string, Uint8Array>({ maxSize: limits.cacheBytes, sizeCalculation: (body) => body.length + 128 })
      : undefined

  async function head(): Promise<ChainLink> {
    const item = await run(pointers.get(headPk(tenant, partition), headSk))
    if (item === undefined)
      throw annalsError('NeedsRecovery', { log: log.name, problem: 'the log has no head in the pointer store' })
    return headFromItem(item)
  }

  async function latest(ref: ResourceRef): Promise<VersionPointer[]> {
    const page = await run(
      pointers.query({ pk: versionsPk(log, ref.type, ref.id), descending: true, limit: versionsPerQuery }),
    )
    return page.items.map(pointerFromItem)
  }

  async function current(ref: ResourceRef): Promise<VersionPointer | undefined> {
    const [newest, { seq }] = await Promise.all([latest(ref), head()])
    return choose(ref, newest, { seq })
  }

  async function versionWithin(ref: ResourceRef, bound: Bound): Promise<VersionPointer | undefined> {
    return choose(ref, await latest(ref), bound)
  }

  /** The last covered version: among the newest as a rule, else by bisection, for versions are dense and in log order. */
  async function choose(ref: ResourceRef, newest: VersionPointer[], bound: Bound): Promise<VersionPointer | undefined> {
    const found = newest.find((pointer) => covers(bound, pointer))
    const oldest = newest.at(-1)
    if (found !== undefined || oldest === undefined) return found
    let best: VersionPointer | undefined
    let low = 0
    let high = oldest.version
    while (high - low > 1) {
      const middle = low + Math.floor((high - low) / 2)
      const pointer = await version(ref, middle)
      if (pointer !== undefined && covers(bound, pointer)) {
        best = pointer
        low = middle
      } else high = middle
    }
    return best
  }

  async function version(ref: ResourceRef, number: number): Promise<VersionPointer | undefined> {
    const item = await run(pointers.get(versionsPk(log, ref.type, ref.id), versionSk(number)))
    return item && pointerFromItem(item)
  }

  async function body(pointer: VersionPointer, from?: Stretch): Promise<Uint8Array> {
    const key = cacheKey(pointer)
    const cached = cache?.get(key)
    if (cached !== undefined) return cached
    const bytes = from !== undefined && liesIn(pointer, from) ? cut(pointer, from) : await fetchBody(pointer)
    if (sha256(bytes) !== pointer.sha256) {
      const problem = `the body of ${pointer.type}/${pointer.id} version ${pointer.version} does not have its hash`
      throw annalsError('Corrupt', { key: bodyKey(pointer), problem })
    }
    cache?.set(key, bytes)
    return bytes
  }

  async function stretch(seq: number, range: ByteRange): Promise<Stretch> {
    const blob = await run(blobs.get(log.key(seq), range))
    if (blob !== undefined) return { bytes: blob.bytes, start: range.start }
    throw annalsError('Corrupt', { key: log.key(seq), problem: 'the object is missing, though a pointer names it' })
  }

  async function fetchBody(pointer: VersionPointer): Promise<Uint8Array> {
    const { offset = 0, length = 0 } = pointer
    const range: ByteRange | undefined =
      pointer.blob === undefined ? { start: offset, end: offset + length } : undefined
    const blob = await run(blobs.get(bodyKey(pointer), range))
    if (blob === undefined)
      throw annalsError('Corrupt', {
        key: bodyKey(pointer),
        problem: 'the object is missing, though a pointer names it',
      })
    return blob.bytes
  }

  const bodyKey = (pointer: VersionPointer): string =>
    pointer.blob === undefined ? log.key(pointer.seq) : blobKey(tenant, pointer.blob)

  const holds = (pointer: VersionPointer): boolean => cache?.has(cacheKey(pointer)) === true

  return { head, current, versionWithin, version, body, holds, stretch }
}

const cacheKey = ({ seq, index }: VersionPointer): string => `${seq}-${index}`

export function liesIn({ offset, length }: VersionPointer, { start = 0, bytes }: Stretch): boolean {
  return offset !== undefined && length !== undefined && offset >= start && offset + length <= start + bytes.length
}

/** A copy: a view would keep the whole stretch in memory for as long as the cache keeps the body. */
function cut({ offset = 0, length = 0 }: VersionPointer, { start = 0, bytes }: Stretch): Uint8Array {
  return copyOf(bytes.subarray(offset - start, offset - start + length))
}

/** Bytes of one's own. `slice` would not do: ports answer with Buffers, whose `slice` shares the memory. */
export const copyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)
