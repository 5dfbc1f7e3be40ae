/** What stands in the object model. */
import type { BlobStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'

export async function objectsOf(blobs: BlobStore, tenant = 't'): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const prefix of [`${tenant}/resources/`, `${tenant}/history/`]) {
    const { entries } = await run(blobs.list(prefix, { limit: 10_000 }))
    for (const { key } of entries) found.set(key, Buffer.from((await run(blobs.get(key)))?.bytes ?? []).toString())
  }
  return found
}
