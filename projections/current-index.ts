/**
 * The current index: the last version of each resource under its type, by id, and how many of each type there are.
 *
 * An item only moves forward, so that a worker that comes late changes nothing. The counts stand in the checkpoint itself:
 * they are those of exactly the events that it says are done.
 */
import * as t from 'io-ts'
import { currentIndexPk, currentIndexPrefix, type Keyspace } from '../domain/keys.js'
import { pointerAttributes, pointerFromItem, type VersionPointer } from '../domain/pointer.js'
import type { Item, PointerStore } from '../domain/ports/index.js'
import { refKey } from '../domain/resource.js'
import { shardOf } from '../domain/shards.js'
import { run } from '../domain/task.js'
import type { ProjectedEvent, Projection } from './projection.js'

export const currentIndexName = 'current-index'
export const currentIndexVersion = 1

export function currentIndex(pointers: PointerStore, keyspace: Keyspace): Projection {
  return {
    name: currentIndexName,
    version: currentIndexVersion,
    bodies: false,
    sideEffects: false,
    settings: '',
    async apply({ events }, { memo }) {
      await run(pointers.putNewer(lastOfEach(events).map((pointer) => currentItem(keyspace, pointer))))
      return { memo: encodeCounts(countAfter(decodeCounts(memo), events)) }
    },
    reset: async () => {
      await run(pointers.deleteByPrefix([currentIndexPrefix(keyspace)]))
    },
  }
}

/** A page moves a resource once, however often it changes. */
function lastOfEach(events: ReadonlyArray<ProjectedEvent>): ReadonlyArray<VersionPointer> {
  const last = new Map<string, VersionPointer>()
  for (const { pointer } of events) last.set(refKey(pointer), pointer)
  return [...last.values()]
}

/** `putNewer` goes by `seq`. Here that is the version, for a commit may hold several of one resource. */
export const currentItem = (keyspace: Keyspace, pointer: VersionPointer): Item => ({
  pk: currentIndexPk(keyspace, pointer.type, shardOf(pointer.id, keyspace.shards)),
  sk: pointer.id,
  attributes: { ...pointerAttributes(pointer), seq: pointer.version, commit: pointer.seq },
})

export function pointerOfCurrent(item: Item): VersionPointer {
  const { commit, ...attributes } = item.attributes
  return pointerFromItem({ ...item, attributes: { ...attributes, seq: commit as number } })
}

/** Resources by type, without the deleted ones. */
export type Counts = ReadonlyMap<string, number>

/** What an event adds to the number of resources of its type. */
export const countOf = ({ op }: Pick<VersionPointer, 'op'>): number => (op === 'create' ? 1 : op === 'delete' ? -1 : 0)

function countAfter(counts: Counts, events: ReadonlyArray<ProjectedEvent>): Counts {
  const after = new Map(counts)
  for (const { pointer } of events) after.set(pointer.type, (after.get(pointer.type) ?? 0) + countOf(pointer))
  return after
}

const CountsCodec = t.record(t.string, t.number)

const encodeCounts = (counts: Counts): string => JSON.stringify(Object.fromEntries(counts))

export function decodeCounts(memo: string | undefined): Counts {
  if (memo === undefined) return new Map()
  const decoded = CountsCodec.decode(JSON.parse(memo))
  if (decoded._tag === 'Right') return new Map(Object.entries(decoded.right))
  throw new TypeError('the memo of the current index holds no counts')
}
