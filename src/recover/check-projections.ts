/**
 * Deep verification: every item of the current index, its counts, and every projected object, in both directions. Each
 * projection is held against the log up to the place that its checkpoint says; one that is being built is passed over.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Commit } from '../../domain/commit.js'
import { currentIndexPrefix, versionSk, versionsPk } from '../../domain/keys.js'
import { pointerFromItem, pointersOf, type VersionPointer } from '../../domain/pointer.js'
import type { Item } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { type Checkpoint, checkpointStore } from '../../projections/checkpoint.js'
import {
  countOf,
  currentIndexName,
  currentIndexVersion,
  currentItem,
  decodeCounts,
  pointerOfCurrent,
} from '../../projections/current-index.js'
import {
  checkObjects,
  type EventLookup,
  extraObjects,
  objectsName,
  objectsVersion,
  partsOf,
} from '../../projections/objects/index.js'
import { passes } from '../../projections/place.js'
import type { ProjectedEvent } from '../../projections/projection.js'
import type { Found, VerifyDeps } from './difference.js'

export interface ProjectionChecks {
  /** The events of one commit; `bodyOf` answers the bytes of one of them, by its index. */
  commit(commit: Commit, bodyOf: (index: number) => Promise<Uint8Array | undefined>): Promise<void>
  /** What no event makes, and what only the whole log can tell. */
  end(last: number, signal?: AbortSignal): Promise<void>
  /** Items and objects that were compared. */
  readonly checked: number
}

const itemsPerPage = 1_000
/** Events whose bodies are in memory at a time. */
const eventsAtOnce = 64

export async function projectionChecks(deps: VerifyDeps, lookup: EventLookup, found: Found): Promise<ProjectionChecks> {
  const { tenant, pointers, blobs, log } = deps
  const checkpoints = checkpointStore(pointers, log)
  const keyspace = { tenant, partition: log.partition, shards: deps.shards }
  const index = settled(await checkpoints.load(currentIndexName, currentIndexVersion))
  const objects = settled(await checkpoints.load(objectsName, objectsVersion))
  const parts = partsOf(objects?.settings ?? '')
  const counts = new Map<string, number>()
  let checked = 0

  function checkPlace(name: string, checkpoint: Checkpoint | undefined, { seq, hash }: Commit): void {
    if (checkpoint?.place.seq === seq && checkpoint.place.hash !== hash)
      found('projection-mismatch', name, `it has seen another commit ${seq} than the log holds`)
  }

  async function commit(commit: Commit, bodyOf: (index: number) => Promise<Uint8Array | undefined>): Promise<void> {
    checkPlace(currentIndexName, index, commit)
    checkPlace(objectsName, objects, commit)
    const all = pointersOf(commit, log.partition)
    const next = await nextVersions(all)
    const lastUpTo = (checkpoint: Checkpoint) => (pointer: VersionPointer) => {
      const after = next.get(pointer)
      return after === undefined || !passes(checkpoint.place, after)
    }
    if (index !== undefined)
      await checkIndex(
        all.filter((pointer) => passes(index.place, pointer)),
        lastUpTo(index),
      )
    if (objects === undefined) return
    const projected = all.filter((pointer) => passes(objects.place, pointer))
    for (let done = 0; done < projected.length; done += eventsAtOnce) {
      const events: ProjectedEvent[] = []
      for (const pointer of projected.slice(done, done + eventsAtOnce))
        events.push({ pointer, body: await bodyOf(pointer.index) })
      for (const { kind, key, problem } of await checkObjects(blobs, tenant, events, parts, lastUpTo(objects), lookup))
        found(kind, key, problem)
      checked += events.length * parts.size
    }
  }

  /** The pointer of the version after each, where there is one. */
  async function nextVersions(
    all: ReadonlyArray<VersionPointer>,
  ): Promise<ReadonlyMap<VersionPointer, VersionPointer>> {
    const keys = all.map(({ type, id, version }) => ({ pk: versionsPk(log, type, id), sk: versionSk(version + 1) }))
    const items = await run(pointers.getAll(keys))
    return new Map(all.flatMap((pointer, i) => (items[i] === undefined ? [] : [[pointer, pointerFromItem(items[i])]])))
  }

  async function checkIndex(
    all: ReadonlyArray<VersionPointer>,
    isLast: (pointer: VersionPointer) => boolean,
  ): Promise<void> {
    for (const pointer of all) counts.set(pointer.type, (counts.get(pointer.type) ?? 0) + countOf(pointer))
    const last = all.filter(isLast)
    const expected = last.map((pointer) => currentItem(keyspace, pointer))
    const items = await run(pointers.getAll(expected))
    expected.forEach((wanted, i) => {
      checked++
      const { type, id, version } = last[i] as VersionPointer
      const actual = items[i]
      const made = `${type}/${id} version ${version} makes it`
      if (actual === undefined) found('index-missing', itemKey(wanted), made)
      // A later version is of a worker that has come further than its checkpoint said; the other direction checks it.
      else if ((actual.attributes.seq as number) <= version && !isDeepStrictEqual(actual.attributes, wanted.attributes))
        found('index-different', itemKey(wanted), `it is not what it should be; ${made}`)
    })
  }

  async function checkIndexItems(): Promise<void> {
    let token: string | undefined
    do {
      const page = await run(pointers.scan({ pkPrefixes: [currentIndexPrefix(log)], limit: itemsPerPage, token }))
      const claimed = page.items.map(pointerOfCurrent)
      const keys = claimed.map(({ type, id, version }) => ({
        pk: versionsPk(log, type, id),
        sk: versionSk(version),
      }))
      const versions = await run(pointers.getAll(keys))
      page.items.forEach((item, i) => {
        const version = versions[i]
        const wanted = version && currentItem(keyspace, pointerFromItem(version))
        if (
          wanted === undefined ||
          itemKey(wanted) !== itemKey(item) ||
          !isDeepStrictEqual(item.attributes, wanted.attributes)
        )
          found('index-extra', itemKey(item), 'no version of the log makes it')
      })
      token = page.token
    } while (token !== undefined)
  }

  function checkCounts(memo: string | undefined): void {
    const stored = decodeCounts(memo)
    for (const type of new Set([...stored.keys(), ...counts.keys()]))
      if ((stored.get(type) ?? 0) !== (counts.get(type) ?? 0))
        found(
          'count-different',
          type,
          `the index counts ${stored.get(type) ?? 0} of it, the log ${counts.get(type) ?? 0}`,
        )
  }

  async function end(last: number, signal?: AbortSignal): Promise<void> {
    for (const [name, checkpoint] of [
      [currentIndexName, index],
      [objectsName, objects],
    ] as const)
      if (checkpoint !== undefined && checkpoint.place.seq > last)
        found('projection-mismatch', name, `it has come to commit ${checkpoint.place.seq}, the log ends at ${last}`)
    if (index !== undefined) {
      await checkIndexItems()
      checkCounts(index.memo)
    }
    if (objects === undefined) return
    for await (const key of extraObjects(blobs, tenant, parts, lookup)) {
      if (signal?.aborted === true) return
      found('object-extra', key, 'no event of the log makes it, or its part is not kept')
    }
  }

  return {
    commit,
    end,
    get checked() {
      return checked
    },
  }
}

/** What is being built is not expected to be whole. */
const settled = (checkpoint: Checkpoint | undefined): Checkpoint | undefined =>
  checkpoint?.state === 'running' || checkpoint?.state === 'parked' ? checkpoint : undefined

const itemKey = ({ pk, sk }: Pick<Item, 'pk' | 'sk'>): string => `${pk} ${sk}`
