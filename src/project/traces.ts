/**
 * Which of the store's own projections a tenant has, as far as their traces tell: their checkpoints, or their objects. Where
 * the pointers are lost, checkpoints are lost too; then the current index is taken to have been there.
 */
import { headPk, headSk } from '../../domain/keys.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { checkpointStore } from '../../projections/checkpoint.js'
import { currentIndexName } from '../../projections/current-index.js'
import {
  historyPrefix,
  type ObjectPart,
  objectsName,
  partsOf,
  resourcesPrefix,
} from '../../projections/objects/index.js'
import { currentIndexProjection, objectsProjection } from './built-in.js'
import type { Binding, DefinedProjection } from './definition.js'

export async function tracesOf({
  pointers,
  blobs,
  tenant,
  partition,
}: Binding): Promise<ReadonlyArray<DefinedProjection>> {
  const recorded = await checkpointStore(pointers, { tenant, partition }).list()
  const isLost = (await run(pointers.get(headPk(tenant, partition), headSk))) === undefined
  const found: DefinedProjection[] = []
  if (isLost || recorded.some(({ name }) => name === currentIndexName)) found.push(currentIndexProjection)
  const [checkpoint] = recorded.find(({ name }) => name === objectsName)?.checkpoints.values() ?? []
  const parts = checkpoint === undefined ? await partsThere(blobs, tenant) : [...partsOf(checkpoint.settings)]
  if (parts.length > 0) found.push(objectsProjection({ parts }))
  return found
}

/** With the table lost, the objects themselves say which parts of the object model were kept. */
async function partsThere(blobs: BlobStore, tenant: string): Promise<ReadonlyArray<ObjectPart>> {
  const first = async (prefix: string): Promise<string | undefined> =>
    (await run(blobs.list(prefix, { limit: 1 }))).entries[0]?.key
  const parts: ObjectPart[] = []
  // `_history/` of a resource comes before its `current.json`.
  const resource = await first(resourcesPrefix(tenant))
  const isVersion = resource?.includes('/_history/') === true
  const current = isVersion ? resource.replace(/_history\/[^/]*$/, 'current.json') : resource
  if (current !== undefined && (await run(blobs.head(current))) !== undefined) parts.push('current')
  if (isVersion) parts.push('versions')
  if ((await first(`${historyPrefix(tenant)}type/`)) !== undefined) parts.push('type-history')
  if ((await first(`${historyPrefix(tenant)}system/`)) !== undefined) parts.push('system-history')
  return parts
}
