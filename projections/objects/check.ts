/** Holds the objects against the log: what is missing, different or too old, and what no event makes. */
import { hiddenSegment } from '../../domain/keys.js'
import type { VersionPointer } from '../../domain/pointer.js'
import type { BlobStore } from '../../domain/ports/index.js'
import type { Position } from '../../domain/position.js'
import { type ResourceRef, refKey } from '../../domain/resource.js'
import { mapBounded, run } from '../../domain/task.js'
import type { ProjectedEvent } from '../projection.js'
import { objectDocument, positionOf } from './document.js'
import { historyPrefix, type ObjectPart, objectKey, parseObjectKey, resourcesPrefix } from './keys.js'

/** What the log and its pointers know of an event. */
export interface EventLookup {
  version(ref: ResourceRef, version: number): Promise<VersionPointer | undefined>
  /** The last version. */
  current(ref: ResourceRef): Promise<VersionPointer | undefined>
  at(position: Position): Promise<VersionPointer | undefined>
}

export interface ObjectProblem {
  readonly kind: 'object-missing' | 'object-different' | 'object-stale' | 'object-extra'
  readonly key: string
  readonly problem: string
}

const concurrency = 16
const keysPerPage = 1_000

/** The objects of some events. `isLast` says whether an event is the last one of its resource that is projected. */
export async function checkObjects(
  blobs: BlobStore,
  tenant: string,
  events: ReadonlyArray<ProjectedEvent>,
  parts: ReadonlySet<ObjectPart>,
  isLast: (pointer: VersionPointer) => boolean,
  lookup: EventLookup,
): Promise<ReadonlyArray<ObjectProblem>> {
  const found = await mapBounded(events, concurrency, async (event) => {
    const document = objectDocument(event.pointer, event.body)
    const problems: ObjectProblem[] = []
    for (const part of parts) {
      if (part === 'current' && !isLast(event.pointer)) continue
      const key = objectKey(tenant, part, event.pointer)
      const object = await run(blobs.get(key))
      if (object !== undefined && Buffer.compare(object.bytes, document) === 0) continue
      if (part === 'current' && (await hasMovedOn(object?.bytes, event.pointer, lookup))) continue
      problems.push({ key, ...problemOf(event.pointer, object?.bytes) })
    }
    return problems
  })
  return found.flat()
}

/** A worker may have come further than its checkpoint said. */
async function hasMovedOn(
  there: Uint8Array | undefined,
  pointer: VersionPointer,
  lookup: EventLookup,
): Promise<boolean> {
  const position = there && positionOf(there)
  if (position === undefined || (position.seq - pointer.seq || position.index - pointer.index) <= 0) return false
  const later = await lookup.at(position)
  return later !== undefined && refKey(later) === refKey(pointer)
}

function problemOf({ seq, index, type, id, version }: VersionPointer, there: Uint8Array | undefined) {
  const made = `${type}/${id} version ${version} makes it`
  if (there === undefined) return { kind: 'object-missing', problem: made } as const
  const position = positionOf(there)
  if (position !== undefined && (position.seq - seq || position.index - index) < 0)
    return { kind: 'object-stale', problem: `it is of an older event; ${made}` } as const
  return { kind: 'object-different', problem: `it has other bytes; ${made}` } as const
}

/**
 * Every key of the object model that no event of the log makes, or that belongs to a part that is not kept. The empty objects
 * by which consoles of S3 show folders (`t/resources/`) are passed over: no store could name them.
 */
export async function* extraObjects(
  blobs: BlobStore,
  tenant: string,
  parts: ReadonlySet<ObjectPart>,
  lookup: EventLookup,
): AsyncGenerator<string> {
  for (const prefix of [resourcesPrefix(tenant), historyPrefix(tenant)]) {
    let after: string | undefined
    for (;;) {
      const page = await run(blobs.list(prefix, { after, limit: keysPerPage }))
      const named = page.entries.filter(({ key }) => !hiddenSegment.test(key))
      const extra = await mapBounded(named, concurrency, async ({ key }) =>
        (await isMade(tenant, key, parts, lookup)) ? [] : [key],
      )
      yield* extra.flat()
      after = page.entries.at(-1)?.key
      if (!page.more || after === undefined) break
    }
  }
}

async function isMade(
  tenant: string,
  key: string,
  parts: ReadonlySet<ObjectPart>,
  lookup: EventLookup,
): Promise<boolean> {
  const name = parseObjectKey(tenant, key)
  if (name === undefined || !parts.has(name.part)) return false
  const pointer =
    name.part === 'current'
      ? await lookup.current(name)
      : name.part === 'versions'
        ? await lookup.version(name, name.version)
        : await lookup.at(name.position)
  return pointer !== undefined && objectKey(tenant, name.part, pointer) === key
}
