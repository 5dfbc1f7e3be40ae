/** Removes what exports have left: their files, and in the end their state. */
import { exportPrefix, exportStateKey } from '../../../domain/keys.js'
import type { BlobStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import type { Sink } from './parts.js'

/** Keys of one deletion. */
const perDeletion = 1_000

/** What an export writes beside its state. */
const rooms = ['deleted/', 'errors/', 'manifest.json', 'output/']

/** Only what an export has written, whatever else may be there. */
export async function removeFiles({ blobs, prefix }: Sink): Promise<void> {
  for (const room of rooms) await removeBelow(blobs, prefix + room)
}

async function removeBelow(blobs: BlobStore, prefix: string): Promise<void> {
  for (;;) {
    const { entries, more } = await run(blobs.list(prefix, { limit: perDeletion }))
    if (entries.length > 0) await run(blobs.delete(entries.map(({ key }) => key)))
    if (!more) return
  }
}

/** The state last: as long as it is there, the rest will be found. */
export async function removeExport(blobs: BlobStore, tenant: string, job: string): Promise<void> {
  await removeFiles({ blobs, prefix: exportPrefix(tenant, job) })
  await run(blobs.delete([exportStateKey(tenant, job)]))
}
