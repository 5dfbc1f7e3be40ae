import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../error.js'

/**
 * A flat space of named, whole objects: S3, a folder, a map.
 *
 * Contract, checked for every adapter by the suite in `annals/testing`:
 * - A read that starts after a write has returned sees that write, listing included.
 * - Objects appear whole: no reader ever sees a part of one.
 * - Of any number of concurrent `createIfAbsent` of one key, from any number of processes, exactly one is told
 *   `created`. When a create returns `created` or `exists`, the object is durable; but for objects of the object model
 *   (`isProjected`), which the log can rebuild: they survive the process, not a crash of the machine.
 * - A missing bucket or folder is an error, never "no such object".
 * - A failure tagged `StorageRefused` has certainly changed nothing; after `Unavailable` the write may have happened.
 */
export interface BlobStore {
  /** The whole object, or the bytes of `range`. A range that passes the end is cut; one that starts past it is empty. */
  get(key: string, range?: ByteRange): TaskEither<AnnalsError, Blob | undefined>
  head(key: string): TaskEither<AnnalsError, BlobInfo | undefined>
  /** Atomic and durable: the commit point of the log. */
  createIfAbsent(key: string, bytes: Uint8Array): TaskEither<AnnalsError, 'created' | 'exists'>
  /** Replaces the object only if it is still the one with this `etag`; an absent object is a `mismatch`. */
  replaceIfMatch(key: string, bytes: Uint8Array, etag: string): TaskEither<AnnalsError, 'replaced' | 'mismatch'>
  put(key: string, bytes: Uint8Array): TaskEither<AnnalsError, void>
  /** Keys with this prefix in ascending byte order, beginning after `after`. */
  list(prefix: string, options: { readonly after?: string; readonly limit: number }): TaskEither<AnnalsError, BlobPage>
  /** Deletes what is there; absent keys are no error. Refuses write-once keys (rule 10: log objects are never deleted). */
  delete(keys: ReadonlyArray<string>): TaskEither<AnnalsError, void>
  /** Only where the storage has URLs by which whoever knows one may read an object for a while. Makes no request. */
  signedUrl?(key: string, options: SignedUrlOptions): TaskEither<AnnalsError, string>
}

export interface SignedUrlOptions {
  /** How long it is good for: at most a week. */
  readonly ms: number
  /** What the storage will say that it is. */
  readonly contentType: string
}

export const maxSignedUrlMs = 604_800_000

/** Bytes from `start` (inclusive) to `end` (exclusive). */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface Blob {
  readonly bytes: Uint8Array
  /** Changes whenever the object does. Opaque: not a hash of anything. */
  readonly etag: string
}

export interface BlobInfo {
  readonly size: number
  readonly etag: string
}

export interface BlobPage {
  readonly entries: ReadonlyArray<{ readonly key: string; readonly size: number }>
  /** Whether keys follow the last entry. */
  readonly more: boolean
}
