/**
 * One key space over several blob stores: each tenant in a place of its own, everything else at home. A tenant without a
 * place is refused, so that no tenant's data ever lands in another's bucket.
 */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type AnnalsError, annalsError } from '../domain/error.js'
import { decodeSegment, encodeSegment } from '../domain/keys.js'
import type { BlobPage, BlobStore, SignedUrlOptions } from '../domain/ports/index.js'
import { attempt, run } from '../domain/task.js'
import { compareUtf8 } from './utf8-order.js'

export function blobsByTenant(home: BlobStore, byTenant: ReadonlyMap<string, BlobStore>): BlobStore {
  const places = new Map([...byTenant].map(([tenant, store]) => [encodeSegment(tenant), store]))
  const segments = [...places.keys()].sort(compareUtf8)

  function placeOf(key: string): BlobStore {
    const slash = key.indexOf('/')
    const segment = slash < 0 ? '' : key.slice(0, slash)
    // The empty name and those after a lone '%' are no tenant's: the store's own keys.
    if (segment === '' || isOwn(segment)) return home
    const place = places.get(segment)
    if (place !== undefined) return place
    const problem = `it has no bucket of its own: name one, bucket.${segment}=…`
    throw annalsError('InvalidInput', { what: `tenant '${decodeSegment(segment)}'`, problem })
  }

  const at =
    <A>(key: string, step: (place: BlobStore) => TaskEither<AnnalsError, A>): TaskEither<AnnalsError, A> =>
    () =>
      attempt(async () => run(step(placeOf(key))))()

  /** The tenants' keys in order, from as few places as fill the page, among those of home. */
  async function listAll(prefix: string, { after, limit }: { after?: string; limit: number }): Promise<BlobPage> {
    const page = await run(home.list(prefix, { after, limit }))
    const entries = [...page.entries]
    let more = page.more
    let found = 0
    for (const segment of segments) {
      const folder = `${segment}/`
      if (!folder.startsWith(prefix) || (after !== undefined && isPast(after, folder))) continue
      if (found > limit) {
        more = true
        break
      }
      const theirs = await run((places.get(segment) as BlobStore).list(folder, { after, limit }))
      entries.push(...theirs.entries)
      found += theirs.entries.length
      more ||= theirs.more
    }
    entries.sort((a, b) => compareUtf8(a.key, b.key))
    return { entries: entries.slice(0, limit), more: more || entries.length > limit }
  }

  // Places are of one kind: what home has they have.
  const signedUrl = (key: string, options: SignedUrlOptions) =>
    at(key, (place) => (place.signedUrl as NonNullable<BlobStore['signedUrl']>)(key, options))

  return {
    get: (key, range) => at(key, (place) => place.get(key, range)),
    head: (key) => at(key, (place) => place.head(key)),
    createIfAbsent: (key, bytes) => at(key, (place) => place.createIfAbsent(key, bytes)),
    replaceIfMatch: (key, bytes, etag) => at(key, (place) => place.replaceIfMatch(key, bytes, etag)),
    put: (key, bytes) => at(key, (place) => place.put(key, bytes)),
    list: (prefix, options) =>
      prefix.includes('/')
        ? at(prefix, (place) => place.list(prefix, options))
        : attempt(() => listAll(prefix, options)),
    delete: (keys) =>
      attempt(async () => {
        const byPlace = new Map<BlobStore, string[]>()
        for (const key of keys) {
          const place = placeOf(key)
          byPlace.set(place, [...(byPlace.get(place) ?? []), key])
        }
        for (const [place, theirs] of byPlace) await run(place.delete(theirs))
      }),
    ...(home.signedUrl === undefined ? undefined : { signedUrl }),
  }
}

/** A lone '%' begins no percent-encoded name: `%doctor/`. */
const isOwn = (segment: string): boolean => segment.startsWith('%') && !/^(%$|%[0-9A-F]{2})/.test(segment)

/** Whether every key of the folder comes before `after`. */
const isPast = (after: string, folder: string): boolean => !after.startsWith(folder) && compareUtf8(after, folder) > 0
