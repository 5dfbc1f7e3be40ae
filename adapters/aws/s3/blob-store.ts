/**
 * Objects in a bucket of S3, or of a server that honours conditional writes.
 *
 * A conditional write has one of three answers: done, lost, or in doubt. 412 is lost, 409 is in doubt and repeated (rule
 * 4), and so is everything that the SDK had to repeat: a 412 after that may be the answer to one's own success.
 */
import { randomUUID } from 'node:crypto'
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  type _Error as S3Error,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import type { BlobStore, Clock } from '../../../domain/ports/index.js'
import { attempt } from '../../../domain/task.js'
import { checkDeletable, checkKey, checkPrefix, checkRange, maxKeyBytes, refuse } from '../../blob-rules.js'
import { checkLimit } from '../../check-limit.js'
import { retryAlso } from '../retryable.js'
import { attemptsOf, type ServiceCall, serviceError, unreadable } from '../service-error.js'
import { ownedBy, putInput, type S3Options } from './options.js'
import { type Bucket, getObject, headObject, listObjects, nameOf, writeMetadata, writeOf } from './reads.js'

export interface S3BlobStoreOptions extends S3Options {
  readonly client: S3Client
  readonly bucket: string
  /** Of all keys; ends with a slash unless it is empty. */
  readonly prefix: string
  readonly clock: Clock
}

export interface S3BlobStore extends BlobStore {
  /** Whether the bucket is there and may be used; `HeadBucket`. It is never created. */
  checkBucket(): TaskEither<AnnalsError, void>
}

const maxKeysPerDelete = 1_000

/** What no answer but a repetition settles: something else was under way on the same key. */
const conflicts: ReadonlyArray<string> = ['ConditionalRequestConflict', 'OperationAborted']

/** Characters that the XML of a `DeleteObjects` cannot hold. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const notXml = /[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/

export function s3BlobStore(options: S3BlobStoreOptions): S3BlobStore {
  const { client, bucket, prefix, clock, bucketOwner } = options
  const place: Bucket = { client, bucket, prefix, bucketOwner }
  retryAlso(client, (error) => conflicts.includes(error.name))

  const step = <A>(call: ServiceCall, body: (call: ServiceCall) => Promise<A>): TaskEither<AnnalsError, A> =>
    attempt(async () => {
      const tried = { ...call }
      try {
        return await body(tried)
      } catch (error) {
        throw serviceError(error, tried)
      }
    })
  const reads = (operation: string, key: string): ServiceCall => ({ operation, key, writes: false })
  const writes = (operation: string, key: string): ServiceCall => ({ operation, key, writes: true })

  async function putObject(key: string, bytes: Uint8Array, condition: Partial<PutObjectCommandInput>): Promise<void> {
    checkKey(key)
    const storedAs = prefix + key
    if (Buffer.byteLength(storedAs) > maxKeyBytes)
      refuse(key, `with the store's prefix it is over ${maxKeyBytes} bytes`)
    const { ETag, $metadata } = await client.send(
      new PutObjectCommand({ ...putInput(options, clock, { bucket, key, storedAs }, bytes), ...condition }),
    )
    if (ETag === undefined) throw unreadable($metadata)
  }

  /** Whether the object is what an earlier try of the same request has made of it. Its bytes prove nothing: others may write the same. */
  const isOwnDoing = async (error: unknown, call: ServiceCall, write: string): Promise<boolean> => {
    if (attemptsOf(error) === 1) return false
    call.mayHaveWritten = true
    return (await writeOf(place, call.key)) === write
  }

  async function deleteObjects(keys: ReadonlyArray<string>, call: ServiceCall): Promise<void> {
    const inXml = keys.filter((key) => !notXml.test(key))
    for (let first = 0; first < inXml.length; first += maxKeysPerDelete) {
      const Objects = inXml.slice(first, first + maxKeysPerDelete).map((key) => ({ Key: prefix + key }))
      const { Errors = [], $metadata } = await client.send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true }, ...ownedBy(bucketOwner) }),
      )
      if (Errors.length < Objects.length || attemptsOf({ $metadata }) > 1) call.mayHaveWritten = true
      if (Errors.length > 0) throw deleteError(Errors, prefix, call)
    }
    for (const key of keys) {
      if (!notXml.test(key)) continue
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: prefix + key, ...ownedBy(bucketOwner) }))
      call.mayHaveWritten = true
    }
  }

  return {
    get: (key, range) =>
      step(reads('get', key), async () => {
        checkKey(key)
        if (range !== undefined) checkRange(key, range)
        return getObject(place, key, range)
      }),

    head: (key) =>
      step(reads('head', key), async () => {
        checkKey(key)
        return headObject(place, key)
      }),

    createIfAbsent: (key, bytes) =>
      step(writes('create', key), async () => {
        try {
          await putObject(key, bytes, { IfNoneMatch: '*' })
          return 'created'
        } catch (error) {
          // After a repetition the winner may be this very call. Who has to know reads the object (rule 3).
          if (nameOf(error) === 'PreconditionFailed') return 'exists'
          throw error
        }
      }),

    replaceIfMatch: (key, bytes, etag) =>
      step(writes('replace', key), async (call) => {
        const write = randomUUID()
        try {
          await putObject(key, bytes, { IfMatch: etag, Metadata: { [writeMetadata]: write } })
          return 'replaced'
        } catch (error) {
          if (nameOf(error) === 'NoSuchKey') return 'mismatch'
          if (nameOf(error) !== 'PreconditionFailed') throw error
          return (await isOwnDoing(error, call, write)) ? 'replaced' : 'mismatch'
        }
      }),

    put: (key, bytes) => step(writes('put', key), () => putObject(key, bytes, {})),

    list: (keyPrefix, { after, limit }) =>
      step(reads('list', keyPrefix), async () => {
        checkPrefix(keyPrefix)
        checkLimit(limit)
        return listObjects(place, keyPrefix, { after, limit })
      }),

    delete: (keys) =>
      step(writes('delete', keys[0] ?? ''), async (call) => {
        checkDeletable(keys)
        await deleteObjects(keys, call)
      }),

    signedUrl: (key, { ms, contentType }) =>
      step(reads('sign', key), async () => {
        checkKey(key)
        const get = new GetObjectCommand({ Bucket: bucket, Key: prefix + key, ResponseContentType: contentType })
        return getSignedUrl(client, get, { expiresIn: Math.floor(ms / 1000) })
      }),

    checkBucket: () =>
      step(reads('use bucket', bucket), async () => {
        try {
          await client.send(new HeadBucketCommand({ Bucket: bucket, ...ownedBy(bucketOwner) }))
        } catch (error) {
          if (nameOf(error) === 'NotFound') Object.assign(error as Error, { name: 'NoSuchBucket' })
          throw error
        }
      }),
  }
}

const passing = /^(InternalError|SlowDown|ServiceUnavailable)$/

/** The first key that was refused, and how many were. A delete is refused only if not a single key has been deleted. */
function deleteError(errors: ReadonlyArray<S3Error>, prefix: string, { mayHaveWritten }: ServiceCall): AnnalsError {
  const { Key = '', Code = 'unknown', Message = '' } = errors[0] ?? {}
  const others = errors.length > 1 ? `, and ${errors.length - 1} more of the same call` : ''
  const isRefusal = mayHaveWritten !== true && !errors.some((error) => passing.test(error.Code ?? ''))
  return annalsError(isRefusal ? 'StorageRefused' : 'Unavailable', {
    operation: 'delete',
    key: Key.slice(prefix.length),
    cause: `${Code}: ${Message}${others}`,
  })
}
