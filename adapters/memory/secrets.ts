/** Secrets in a map of this process: for tests, and for stores that are gone with it. */
import { decodeSegment } from '../../domain/keys.js'
import type { Secrets } from '../../domain/ports/index.js'
import { attempt } from '../../domain/task.js'
import { checkSecret, secretFolder, secretKey } from '../secret-rules.js'
import { compareUtf8 } from '../utf8-order.js'

export function memorySecrets(): Secrets {
  const values = new Map<string, Uint8Array>()

  return {
    get: (name) => attempt(async () => values.get(secretKey(name))?.slice()),

    put: (name, bytes) =>
      attempt(async () => {
        const key = secretKey(name)
        checkSecret(key, bytes)
        // A copy, as in `get`: callers overwrite their buffers, of secrets above all.
        values.set(key, Uint8Array.from(bytes))
      }),

    delete: (name) =>
      attempt(async () => {
        values.delete(secretKey(name))
      }),

    list: (tenant) =>
      attempt(async () => {
        const folder = secretFolder(tenant)
        return [...values.keys()]
          .filter((key) => key.startsWith(folder))
          .map((key) => decodeSegment(key.slice(folder.length)))
          .sort(compareUtf8)
      }),
  }
}
