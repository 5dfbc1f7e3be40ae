/** The objects projection: every version event as objects that anyone can list and read without a store. */
import type { BlobStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import type { Projection } from '../projection.js'
import { type EventLookup, extraObjects } from './check.js'
import { type ObjectPart, objectParts } from './keys.js'
import { writeObjects } from './write.js'

export { checkObjects, type EventLookup, extraObjects, type ObjectProblem } from './check.js'
export { historyPrefix, type ObjectPart, objectParts, resourcesPrefix } from './keys.js'

export const objectsName = 'objects'
export const objectsVersion = 1

const keysPerDelete = 1_000

export function objects(
  blobs: BlobStore,
  tenant: string,
  chosen: ReadonlyArray<ObjectPart>,
  lookup: EventLookup,
): Projection {
  const parts = new Set(objectParts.filter((part) => chosen.includes(part)))
  return {
    name: objectsName,
    version: objectsVersion,
    bodies: true,
    sideEffects: false,
    settings: [...parts].join(' '),
    async apply({ events }, { signal, isRebuild }) {
      await writeObjects(blobs, tenant, events, { parts, signal, ...(isRebuild && { rebuild: lookup }) })
      return {}
    },
    async sweep(signal) {
      let keys: string[] = []
      for await (const key of extraObjects(blobs, tenant, parts, lookup)) {
        if (signal.aborted) return
        if (keys.push(key) < keysPerDelete) continue
        await run(blobs.delete(keys))
        keys = []
      }
      await run(blobs.delete(keys))
    },
  }
}

/** The parts that a projection was built with. */
export const partsOf = (settings: string): ReadonlySet<ObjectPart> =>
  new Set(objectParts.filter((part) => settings.split(' ').includes(part)))
