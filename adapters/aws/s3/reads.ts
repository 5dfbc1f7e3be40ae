/** Reads of objects: whole, ranged, by their head, and as a listing. */
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import type { Blob, BlobInfo, BlobPage, ByteRange } from '../../../domain/ports/index.js'
import { isCut, unreadable } from '../service-error.js'
import { ownedBy } from './options.js'

export interface Bucket {
  readonly client: S3Client
  readonly bucket: string
  /** Of all keys; ends with a slash unless it is empty. */
  readonly prefix: string
  readonly bucketOwner?: string
}

/** Reads of one object whose answers were cut: the SDK does not repeat what fails behind an answer's head. */
const maxReads = 4
const maxKeysPerList = 1_000

/** Metadata of an object: `x-amz-meta-write`. */
export const writeMetadata = 'write'

export async function getObject(place: Bucket, key: string, range?: ByteRange): Promise<Blob | undefined> {
  if (range !== undefined && range.start === range.end) return emptyOf(place, key)
  for (let read = 1; ; read++) {
    try {
      const answer = await place.client.send(new GetObjectCommand({ ...target(place, key), ...rangeOf(range) }))
      const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array()
      if (answer.ContentLength !== undefined && bytes.length !== answer.ContentLength)
        throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
      if (answer.ETag === undefined) throw unreadable(answer.$metadata)
      return { bytes, etag: answer.ETag }
    } catch (error) {
      if (isAbsent(error)) return undefined
      if (isPastTheEnd(error)) return emptyOf(place, key)
      if (!isCut(error as Error) || read === maxReads) throw error
    }
  }
}

/** The first byte of an object tells its size. A `HEAD` could not tell a missing object from a missing bucket. */
export async function headObject(place: Bucket, key: string): Promise<BlobInfo | undefined> {
  for (let read = 1; ; read++) {
    try {
      return await headOnce(place, key)
    } catch (error) {
      // Deleted since it was found empty; the next look tells whether it is the object that is missing, or the bucket.
      if (nameOf(error) !== 'NotFound' || read === maxReads) throw error
    }
  }
}

async function headOnce(place: Bucket, key: string): Promise<BlobInfo | undefined> {
  try {
    const answer = await place.client.send(
      new GetObjectCommand({ ...target(place, key), ...rangeOf({ start: 0, end: 1 }) }),
    )
    ;(answer.Body as { destroy?: () => void } | undefined)?.destroy?.()
    if (answer.ETag === undefined) throw unreadable(answer.$metadata)
    const size = Number(/\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1] ?? answer.ContentLength ?? 0)
    return { size, etag: answer.ETag }
  } catch (error) {
    if (isAbsent(error)) return undefined
    if (!isPastTheEnd(error)) throw error
    const { ETag = '', ContentLength = 0 } = await place.client.send(new HeadObjectCommand(target(place, key)))
    return { size: ContentLength, etag: ETag }
  }
}

/** The name of the replacement that made the object what it is; none for an object that was created or put. */
export async function writeOf(place: Bucket, key: string): Promise<string | undefined> {
  try {
    const answer = await place.client.send(new GetObjectCommand(target(place, key)))
    ;(answer.Body as { destroy?: () => void } | undefined)?.destroy?.()
    return answer.Metadata?.[writeMetadata]
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

async function emptyOf(place: Bucket, key: string): Promise<Blob | undefined> {
  const info = await headObject(place, key)
  return info && { bytes: new Uint8Array(), etag: info.etag }
}

export async function listObjects(
  place: Bucket,
  prefix: string,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<BlobPage> {
  const entries: Array<{ key: string; size: number }> = []
  let token: string | undefined
  for (;;) {
    const page = await place.client.send(
      new ListObjectsV2Command({
        Bucket: place.bucket,
        Prefix: place.prefix + prefix,
        // XML has no word for most control characters.
        EncodingType: 'url',
        MaxKeys: Math.min(maxKeysPerList, limit - entries.length),
        ...(after !== undefined && { StartAfter: place.prefix + after }),
        ...(token !== undefined && { ContinuationToken: token }),
        ...ownedBy(place.bucketOwner),
      }),
    )
    if (page.IsTruncated === undefined || (page.IsTruncated && page.NextContinuationToken === undefined))
      throw unreadable(page.$metadata)
    for (const { Key = '', Size = 0 } of page.Contents ?? [])
      entries.push({ key: (page.EncodingType === 'url' ? decodeKey(Key) : Key).slice(place.prefix.length), size: Size })
    token = page.IsTruncated ? page.NextContinuationToken : undefined
    if (token === undefined || entries.length >= limit) return { entries, more: token !== undefined }
  }
}

/** As forms are encoded: a space is a plus. A server that does not know of the encoding says nothing of it, and does not encode. */
const decodeKey = (key: string): string => decodeURIComponent(key.replaceAll('+', ' '))

const target = (place: Bucket, key: string) => ({
  Bucket: place.bucket,
  Key: place.prefix + key,
  ...ownedBy(place.bucketOwner),
})

const rangeOf = (range: ByteRange | undefined) =>
  range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '')

const isAbsent = (error: unknown): boolean => nameOf(error) === 'NoSuchKey'

const isPastTheEnd = (error: unknown): boolean => nameOf(error) === 'InvalidRange'
