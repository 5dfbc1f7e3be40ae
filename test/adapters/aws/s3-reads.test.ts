/** What a store on S3 makes of answers that break off or change while it reads, and of deletes that are made in part. */
import { describe, expect, test } from 'vitest'
import { s3BlobStore } from '../../../adapters/aws/s3/blob-store.js'
import { run } from '../../../domain/task.js'
import { handClock } from '../../protocol/hand-clock.js'
import { type Answer, broken, failure, maxAttempts, type Step, s3Error, scriptedS3, times } from './scripted.js'

const key = 'acme/log/0/1'
const text = 'the content of a person'

function store(...steps: Step[]) {
  const { client, requests } = scriptedS3(...steps)
  return { blobs: s3BlobStore({ client, bucket: 'records', prefix: 'a/', clock: handClock() }), requests }
}

const whole: Answer = { status: 200, headers: { etag: '"e"', 'content-length': String(text.length) }, body: text }
const cut: Answer = { ...whole, cutAfter: 5 }
const pastTheEnd = s3Error(416, 'InvalidRange')
const noKey = s3Error(404, 'NoSuchKey')

const listing = (keys: string[], next?: string): Answer => ({
  status: 200,
  body: `<ListBucketResult><Name>records</Name><IsTruncated>${next !== undefined}</IsTruncated>${keys
    .map((each) => `<Contents><Key>a/${each}</Key><Size>3</Size></Contents>`)
    .join('')}${next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`}</ListBucketResult>`,
})

const deleted = (...errors: ReadonlyArray<[string, string]>): Answer => ({
  status: 200,
  body: `<DeleteResult>${errors
    .map(([each, code]) => `<Error><Key>a/${each}</Key><Code>${code}</Code><Message>as worded there</Message></Error>`)
    .join('')}</DeleteResult>`,
})

describe('an object whose answer', () => {
  test('is cut in the middle is read again', async () => {
    const { blobs, requests } = store(cut, { ...whole, cutAfter: 0 }, whole)
    expect(new TextDecoder().decode((await run(blobs.get(key)))?.bytes)).toBe(text)
    expect(requests).toHaveLength(3)
  })

  test('is cut for ever is unavailable after a bounded number of reads', async () => {
    const { blobs, requests } = store(cut)
    expect((await failure(blobs.get(key), 'Unavailable')).message).not.toContain('the co')
    expect(requests).toHaveLength(4)
  })

  test.each([text.length + 1, text.length - 1])(
    'is not of the length that it tells, %i, is read again',
    async (told) => {
      const wrong = { ...whole, headers: { etag: '"e"', 'content-length': String(told) } }
      expect((await run(store(wrong, whole).blobs.get(key)))?.bytes).toHaveLength(text.length)
      await failure(store(wrong).blobs.get(key), 'Unavailable')
    },
  )

  test('fails before it begins is tried again by the same bounds', async () => {
    const { blobs, requests } = store(s3Error(503, 'SlowDown'), s3Error(500, 'InternalError'), broken('EPIPE'), whole)
    expect((await run(blobs.get(key)))?.etag).toBe('"e"')
    expect(requests).toHaveLength(maxAttempts)
  })

  test('says that there is none is absent', async () => {
    expect(await run(store(noKey).blobs.get(key))).toBeUndefined()
    expect(await run(store(noKey).blobs.head(key))).toBeUndefined()
  })

  test('says not found without a word on what is not found is no proof of its absence', async () => {
    await failure(store({ status: 404 }).blobs.get(key), 'StorageRefused')
    await failure(store({ status: 404 }).blobs.head(key), 'StorageRefused')
  })

  test('has no etag is not of S3', async () => {
    await failure(store({ status: 200, body: text }).blobs.get(key), 'Unavailable')
  })
})

describe('an empty object', () => {
  const empty: Answer = { status: 200, headers: { etag: '"e"', 'content-length': '0' } }

  test('is told from one that a range passes by, and from an absent one', async () => {
    expect(await run(store(pastTheEnd, empty).blobs.head(key))).toEqual({ size: 0, etag: '"e"' })
    const ranged = await run(store(pastTheEnd, pastTheEnd, empty).blobs.get(key, { start: 0, end: 9 }))
    expect(ranged).toEqual({ bytes: new Uint8Array(), etag: '"e"' })
  })

  test('that is deleted while one looks at it is absent, and a bucket that is deleted is an error', async () => {
    expect(await run(store(pastTheEnd, { status: 404 }, noKey).blobs.head(key))).toBeUndefined()
    await failure(store(pastTheEnd, { status: 404 }, s3Error(404, 'NoSuchBucket')).blobs.head(key), 'StorageRefused')
  })
})

describe('a listing', () => {
  test('that is cut or fails on any of its pages is tried again from there', async () => {
    const first = listing(['t/1', 't/2'], 'next')
    const { blobs, requests } = store(
      { ...first, cutAfter: 20 },
      first,
      s3Error(500, 'InternalError'),
      listing(['t/3']),
    )
    const { entries, more } = await run(blobs.list('t/', { limit: 10 }))
    expect([entries.map((each) => each.key), more]).toEqual([['t/1', 't/2', 't/3'], false])
    expect(requests.map(({ query }) => query?.['continuation-token'])).toEqual([undefined, undefined, 'next', 'next'])
  })

  test('that fails behind its first page fails whole', async () => {
    await failure(
      store(listing(['t/1'], 'next'), s3Error(403, 'AccessDenied')).blobs.list('t/', { limit: 10 }),
      'StorageRefused',
    )
  })

  test.each([
    ['is none', '<html></html>'],
    ['tells of more and not where', '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>'],
  ])('that %s is never an empty one', async (_, body) => {
    await failure(store({ status: 200, body }).blobs.list('t/', { limit: 10 }), 'Unavailable')
  })
})

describe('a delete', () => {
  const keys = ['t/1', 't/2']

  test('of which no key is made is refused, and names the first and how many', async () => {
    const refused = deleted(['t/1', 'AccessDenied'], ['t/2', 'AccessDenied'])
    const { data } = await failure(store(refused).blobs.delete(keys), 'StorageRefused')
    expect(data).toMatchObject({ key: 't/1', cause: expect.stringContaining('and 1 more') })
  })

  test('of which some keys are made is not refused: something has changed', async () => {
    await failure(store(deleted(['t/2', 'AccessDenied'])).blobs.delete(keys), 'Unavailable')
  })

  test('of which a key fails for now is unavailable', async () => {
    const mixed = deleted(['t/1', 'AccessDenied'], ['t/2', 'InternalError'])
    await failure(store(mixed).blobs.delete(keys), 'Unavailable')
    await failure(store(deleted(['t/1', 'SlowDown'])).blobs.delete(['t/1']), 'Unavailable')
  })

  test('whose second request is refused after the first was made is not refused', async () => {
    const many = Array.from({ length: 1001 }, (_, i) => `t/${i}`)
    const { blobs, requests } = store(deleted(), s3Error(403, 'AccessDenied'))
    await failure(blobs.delete(many), 'Unavailable')
    expect(requests).toHaveLength(2)
  })
})

describe('a refusal', () => {
  const denied = s3Error(403, 'AccessDenied')

  test.each([
    ['an error of the server', s3Error(500, 'InternalError')],
    ['a lost connection', broken('ECONNRESET')],
    ['a conflict', s3Error(409, 'ConditionalRequestConflict')],
  ] as ReadonlyArray<[string, Step]>)(
    'of a write after %s leaves it in doubt, and of a read is one',
    async (_, step) => {
      await failure(store(step, denied).blobs.createIfAbsent(key, new Uint8Array(1)), 'Unavailable')
      await failure(store(step, denied).blobs.put(key, new Uint8Array(1)), 'Unavailable')
      await failure(store(step, denied).blobs.delete(['t/1']), 'Unavailable')
      await failure(store(step, denied).blobs.get(key), 'StorageRefused')
    },
  )

  test('is what a server says, not a line that garbles its answer', async () => {
    const garbled = broken('HPE_INVALID_CONSTANT', 'Parse Error: Expected HTTP/')
    await failure(store(garbled).blobs.createIfAbsent(key, new Uint8Array(1)), 'Unavailable')
  })

  test('because of too many requests passes when they have become fewer', async () => {
    const { blobs } = store(...times(maxAttempts - 1, s3Error(503, 'SlowDown')), whole)
    expect(await run(blobs.createIfAbsent(key, new Uint8Array(1)))).toBe('created')
  })
})
