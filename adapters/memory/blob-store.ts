/** Objects in a map of this process: for tests, the simulation, and a store that nobody needs tomorrow. */
import type { BlobPage, BlobStore } from '../../domain/ports/index.js'
import { attempt } from '../../domain/task.js'
import { checkDeletable, checkKey, checkPrefix, checkRange } from '../blob-rules.js'
import { checkLimit } from '../check-limit.js'
import { lowerBound } from '../utf8-order.js'

interface Stored {
  readonly bytes: Uint8Array
  readonly etag: string
}

export function memoryBlobStore(): BlobStore {
  const objects = new Map<string, Stored>()
  const keys: string[] = []
  let changes = 0

  // Bytes are copied on their way in and on their way out: callers reuse their buffers, and what they do to a buffer
  // that they were handed must not change what is stored.
  const write = (key: string, bytes: Uint8Array): void => {
    if (!objects.has(key)) keys.splice(lowerBound(keys, key), 0, key)
    objects.set(key, { bytes: Uint8Array.from(bytes), etag: `"${++changes}"` })
  }

  const listPage = (prefix: string, after: string | undefined, limit: number): BlobPage => {
    const entries: Array<{ key: string; size: number }> = []
    const atPrefix = lowerBound(keys, prefix)
    let index = after === undefined ? atPrefix : Math.max(atPrefix, lowerBound(keys, after, true))
    for (; index < keys.length; index++) {
      const key = keys[index] as string
      if (!key.startsWith(prefix)) break
      if (entries.length === limit) return { entries, more: true }
      entries.push({ key, size: (objects.get(key) as Stored).bytes.length })
    }
    return { entries, more: false }
  }

  return {
    get: (key, range) =>
      attempt(async () => {
        checkKey(key)
        if (range !== undefined) checkRange(key, range)
        const stored = objects.get(key)
        return stored && { bytes: stored.bytes.slice(range?.start, range?.end), etag: stored.etag }
      }),

    head: (key) =>
      attempt(async () => {
        checkKey(key)
        const stored = objects.get(key)
        return stored && { size: stored.bytes.length, etag: stored.etag }
      }),

    createIfAbsent: (key, bytes) =>
      attempt(async () => {
        checkKey(key)
        if (objects.has(key)) return 'exists'
        write(key, bytes)
        return 'created'
      }),

    replaceIfMatch: (key, bytes, etag) =>
      attempt(async () => {
        checkKey(key)
        if (objects.get(key)?.etag !== etag) return 'mismatch'
        write(key, bytes)
        return 'replaced'
      }),

    put: (key, bytes) =>
      attempt(async () => {
        checkKey(key)
        write(key, bytes)
      }),

    list: (prefix, { after, limit }) =>
      attempt(async () => {
        checkPrefix(prefix)
        checkLimit(limit)
        return listPage(prefix, after, limit)
      }),

    delete: (doomed) =>
      attempt(async () => {
        checkDeletable(doomed)
        for (const key of doomed) if (objects.delete(key)) keys.splice(lowerBound(keys, key), 1)
      }),
  }
}
