/** Reads what a tenant is, and refuses what is not that tenant or not of this release. */
import { annalsError } from '../domain/error.js'
import { tenantKey } from '../domain/keys.js'
import type { BlobStore } from '../domain/ports/index.js'
import { checkTenant } from '../domain/resource.js'
import { orThrow, run } from '../domain/task.js'
import { decodeTenantManifest, type TenantManifest } from '../domain/tenant.js'

export interface StoredManifest {
  readonly manifest: TenantManifest
  readonly bytes: Uint8Array
}

export async function readTenantManifest(blobs: BlobStore, name: string): Promise<StoredManifest | undefined> {
  const key = tenantKey(orThrow(checkTenant(name)))
  const found = await run(blobs.get(key))
  if (found === undefined) return undefined
  const manifest = orThrow(decodeTenantManifest(key, found.bytes))
  // A file system that ignores case gives `a` what belongs to `A`.
  if (manifest.tenant !== name)
    throw annalsError('Corrupt', { key, problem: `it belongs to the tenant '${manifest.tenant}'` })
  return { manifest, bytes: found.bytes }
}
