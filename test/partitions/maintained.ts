/** A tenant of several logs to recover, verify, project and copy. */
import type { Place } from '../copy/places.js'

export const partitions = 3
export const ids = Array.from({ length: 20 }, (_, n) => `n${n}`)

/** Twenty notes of which every other one is changed and every fifth deleted, in three logs; some of them large. */
export async function filledLogs(place: Place): Promise<Place> {
  const store = await place.open()
  const tenant = await store.tenant('t', { kind: 'json', partitions })
  for (const [n, id] of ids.entries()) {
    const text = 'x'.repeat(n * 8)
    await tenant.update('Note', id, { n, text }, { request: `r${n}` })
    if (n % 2 === 0) await tenant.update('Note', id, { n: -n })
    if (n % 5 === 0) await tenant.delete('Note', id)
  }
  await store.close()
  return place
}
