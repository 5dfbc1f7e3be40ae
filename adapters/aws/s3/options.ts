/** How objects are kept: what every put of a store says beside its bytes. */
import { createHash } from 'node:crypto'
import type { PutObjectCommandInput } from '@aws-sdk/client-s3'
import { isWriteOnce } from '../../../domain/keys.js'
import type { Clock } from '../../../domain/ports/index.js'

export interface S3Options {
  /** Encryption at rest, in place of the bucket's own default. */
  readonly encryption?: string
  /** The KMS key, with an `encryption` by KMS. Requests to KMS are saved by a bucket key. */
  readonly kmsKey?: string
  readonly storageClass?: string
  /** Tags of every object. */
  readonly tags?: Readonly<Record<string, string>>
  /** Retention of commits and large bodies. The bucket must have Object Lock. */
  readonly lock?: { readonly mode: string; readonly days: number }
  /** The account that has to own the bucket. */
  readonly bucketOwner?: string
}

const dayMs = 24 * 60 * 60 * 1000

export function putInput(
  options: S3Options,
  clock: Clock,
  target: { readonly bucket: string; readonly key: string; readonly storedAs: string },
  bytes: Uint8Array,
): PutObjectCommandInput {
  const { encryption, kmsKey, storageClass, tags, lock, bucketOwner } = options
  const retention = lock !== undefined && isWriteOnce(target.key) ? lock : undefined
  return {
    Bucket: target.bucket,
    Key: target.storedAs,
    Body: bytes,
    ContentLength: bytes.length,
    ContentType: target.key.endsWith('.ndjson') ? 'application/x-ndjson' : 'application/json',
    // The server refuses the object if other bytes arrive.
    ChecksumSHA256: createHash('sha256').update(bytes).digest('base64'),
    ...(encryption !== undefined && {
      ServerSideEncryption: encryption as PutObjectCommandInput['ServerSideEncryption'],
    }),
    ...(kmsKey !== undefined && { SSEKMSKeyId: kmsKey, BucketKeyEnabled: true }),
    ...(storageClass !== undefined && { StorageClass: storageClass as PutObjectCommandInput['StorageClass'] }),
    ...(tags !== undefined && { Tagging: new URLSearchParams(tags).toString() }),
    ...(retention !== undefined && {
      ObjectLockMode: retention.mode as PutObjectCommandInput['ObjectLockMode'],
      ObjectLockRetainUntilDate: new Date(clock.now() / 1000 + retention.days * dayMs),
    }),
    ...ownedBy(bucketOwner),
  }
}

export const ownedBy = (bucketOwner: string | undefined) =>
  bucketOwner === undefined ? undefined : { ExpectedBucketOwner: bucketOwner }
