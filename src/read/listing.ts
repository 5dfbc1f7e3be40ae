/**
 * The resources of a type in id order, and how many there are, as of one head.
 *
 * The current index answers for what it has handled; the events between its place and the head are read from the type
 * index and laid over it. So the answer is exact, however far the index lags or runs ahead.
 */
import { type Cursor, decodeCursor, encodeCursor } from '../../domain/cursor.js'
import { annalsError } from '../../domain/error.js'
import type { VersionPointer } from '../../domain/pointer.js'
import type { PointerStore } from '../../domain/ports/index.js'
import { mapBounded, orThrow } from '../../domain/task.js'
import { checkpointStore } from '../../projections/checkpoint.js'
import {
  type Counts,
  countOf,
  currentIndexName,
  currentIndexVersion,
  decodeCounts,
} from '../../projections/current-index.js'
import { beginning, comparePlaces, passes } from '../../projections/place.js'
import type { Place } from '../../projections/projection.js'
import type { Limits } from '../limits.js'
import { bodiesOf, withinBytes } from './bodies.js'
import type { LogReader } from './log-reader.js'
import type { Bound, Reader } from './reader.js'
import { compareIds, makeTypeIndexes } from './type-indexes.js'

export interface ListOptions {
  readonly count: number
  readonly cursor?: string
  readonly bodies: boolean
}

export interface ListPage {
  readonly entries: ReadonlyArray<{ readonly pointer: VersionPointer; readonly body: Uint8Array | undefined }>
  readonly cursor?: string
}

export interface Listing {
  list(type: string, bound: Bound, options: ListOptions): Promise<ListPage>
  count(type: string, bound: Bound): Promise<number>
}

export interface ListingDeps {
  readonly shards: number
  readonly pointers: PointerStore
  readonly log: LogReader
  readonly reader: Reader
  readonly limits: Limits
}

/** Events that are laid over an index that lags; beyond it, the index has to catch up first. */
const maxOverlaid = 10_000
/** How often a page is read again because the index was being rebuilt under it. */
const maxReads = 4

export function makeListing(deps: ListingDeps): Listing {
  const { pointers, log, reader, limits } = deps
  const indexes = makeTypeIndexes(deps)
  const checkpoints = checkpointStore(pointers, log)

  async function list(type: string, bound: Bound, options: ListOptions): Promise<ListPage> {
    const scope = `list/${type}`
    const given = options.cursor === undefined ? undefined : orThrow(decodeCursor(options.cursor, scope))
    const seq = given === undefined ? await settled(bound) : Math.min(given.seq, bound.seq)
    const count = Math.min(options.count, limits.maxPage)
    const found = await find(type, seq, given?.after, count + 1)
    const shown = withinBytes(found.slice(0, count), limits.maxPageBytes)
    const bodies = options.bodies ? await bodiesOf(reader, shown, limits) : []
    const last = shown.at(-1)
    const cursor: Cursor | undefined =
      found.length > shown.length && last !== undefined ? { scope, seq, after: last.id } : undefined
    return {
      entries: shown.map((pointer, i) => ({ pointer, body: bodies[i] })),
      ...(cursor === undefined ? undefined : { cursor: encodeCursor(cursor) }),
    }
  }

  /** At most `limit` live resources whose id comes after `after`. */
  async function find(type: string, seq: number, after: string | undefined, limit: number): Promise<VersionPointer[]> {
    for (let reads = 1; ; reads++) {
      // First, for what the index holds is never behind the place that it said before; unless it was being rebuilt.
      const { place } = await indexState()
      const found = await findFrom(type, seq, after, limit, await overlaid(type, place, seq))
      if (comparePlaces((await indexState()).place, place) >= 0) return found
      if (reads === maxReads) throw unavailable(type, 'the current index is being rebuilt')
    }
  }

  async function findFrom(
    type: string,
    seq: number,
    after: string | undefined,
    limit: number,
    overlay: ReadonlyMap<string, VersionPointer>,
  ): Promise<VersionPointer[]> {
    const found: VersionPointer[] = []
    for (let from = after; found.length < limit; ) {
      const page = await indexes.currentPage(type, from, limit)
      const indexed = await mapBounded(page.pointers, limits.concurrency, (pointer) => within(pointer, seq))
      found.push(...merge(indexed, overlay, from, page.last).filter(({ op }) => op !== 'delete'))
      if (page.last === undefined) break
      from = page.last
    }
    return found.slice(0, limit)
  }

  const unavailable = (type: string, cause: string) =>
    annalsError('Unavailable', { operation: `list ${type}`, key: log.name, cause })

  /** The index may be ahead of the head that is asked for: then the pointers know what was current. */
  async function within(pointer: VersionPointer, seq: number): Promise<VersionPointer | undefined> {
    return pointer.seq <= seq ? pointer : reader.versionWithin(pointer, { seq })
  }

  /** The last version of each resource that changed after the place, up to the head. */
  async function overlaid(type: string, place: Place, seq: number): Promise<Map<string, VersionPointer>> {
    const last = new Map<string, VersionPointer>()
    let events = 0
    for await (const pointer of indexes.eventsBetween(type, place.seq, seq)) {
      if (++events > maxOverlaid)
        throw unavailable(
          type,
          `the current index has come to commit ${place.seq} of ${seq}; run 'annals projections run ${currentIndexName}'`,
        )
      last.set(pointer.id, pointer)
    }
    return last
  }

  async function count(type: string, bound: Bound): Promise<number> {
    const seq = await settled(bound)
    const { place, counts } = await indexState()
    let number = counts.get(type) ?? 0
    const [low, high] = place.seq <= seq ? [place.seq, seq] : [seq, place.seq]
    // A place inside a commit has counted a part of the one after it.
    for await (const pointer of indexes.eventsBetween(type, low, Math.max(high, place.done > 0 ? place.seq + 1 : 0))) {
      const counted = passes(place, pointer)
      if (counted && pointer.seq > seq) number -= countOf(pointer)
      if (!counted && pointer.seq <= seq) number += countOf(pointer)
    }
    return number
  }

  async function indexState(): Promise<{ place: Place; counts: Counts }> {
    const checkpoint = await checkpoints.load(currentIndexName, currentIndexVersion)
    return { place: checkpoint?.place ?? beginning, counts: decodeCounts(checkpoint?.memo) }
  }

  const settled = async ({ seq, at }: Bound): Promise<number> => (at === undefined ? seq : log.seqAt(at, seq))

  return { list, count }
}

/** Both in id order, what is laid over wins. Of that, only what comes before the next page of the index. */
function merge(
  indexed: ReadonlyArray<VersionPointer | undefined>,
  overlay: ReadonlyMap<string, VersionPointer>,
  after: string | undefined,
  last: string | undefined,
): VersionPointer[] {
  const byId = new Map<string, VersionPointer>()
  indexed.forEach((pointer) => void (pointer !== undefined && byId.set(pointer.id, pointer)))
  for (const [id, pointer] of overlay)
    if ((after === undefined || compareIds(id, after) > 0) && (last === undefined || compareIds(id, last) <= 0))
      byId.set(id, pointer)
  return [...byId.values()].sort((a, b) => compareIds(a.id, b.id))
}
