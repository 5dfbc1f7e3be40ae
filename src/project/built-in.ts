/** The projections that come with the store. */
import { annalsError } from '../../domain/error.js'
import { currentIndex, currentIndexName, currentIndexVersion } from '../../projections/current-index.js'
import { type ObjectPart, objectParts, objects, objectsName, objectsVersion } from '../../projections/objects/index.js'
import type { DefinedProjection } from './definition.js'

/** Where each resource stands now, by type and id, with counts: what `list` and `count` go by. */
export const currentIndexProjection: DefinedProjection = {
  name: currentIndexName,
  version: currentIndexVersion,
  bind: (binding) => currentIndex(binding.pointers, binding),
}

export interface ObjectsOptions {
  /** Which objects are kept (default: all four). Another choice than before asks for a rebuild. */
  readonly parts?: ReadonlyArray<ObjectPart>
}

/**
 * Every version event as objects in the bucket or folder of the tenant, for readers without a store: `current.json` and
 * `_history/{version}.json` of each resource, and the histories of each type and of the tenant, named by instant.
 */
export function objectsProjection({ parts = objectParts }: ObjectsOptions = {}): DefinedProjection {
  const unknown = parts.find((part) => !objectParts.includes(part))
  if (parts.length === 0 || unknown !== undefined)
    throw annalsError('InvalidInput', {
      what: 'parts of the projection objects',
      problem: `at least one of ${objectParts.join(', ')}, not '${String(unknown ?? '').slice(0, 64)}'`,
    })
  return {
    name: objectsName,
    version: objectsVersion,
    bind: ({ blobs, tenant, lookup }) => objects(blobs, tenant, parts, lookup),
  }
}
