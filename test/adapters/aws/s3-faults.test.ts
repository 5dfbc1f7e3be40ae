/** What a store on S3 makes of the answers that a bucket, or the way to it, gives on bad days. */
import { describe, expect, test } from 'vitest'
import { s3BlobStore } from '../../../adapters/aws/s3/blob-store.js'
import type { BlobStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { handClock } from '../../protocol/hand-clock.js'
import { type Answer, broken, failure, maxAttempts, type Step, s3Error, scriptedS3 } from './scripted.js'

const key = 'acme/log/0/1'
const bytes = new TextEncoder().encode('{"resource":"content of a person"}')

function store(...steps: Step[]) {
  const { client, requests } = scriptedS3(...steps)
  const blobs = s3BlobStore({ client, bucket: 'records', prefix: 'of/a/prefix/', clock: handClock() })
  return { blobs, requests }
}

const stored: Answer = { status: 200, headers: { etag: '"e2"' } }
const conflict = s3Error(409, 'ConditionalRequestConflict')
const taken = s3Error(412, 'PreconditionFailed')
const noKey = s3Error(404, 'NoSuchKey')
const noBucket = s3Error(404, 'NoSuchBucket')
const denied = s3Error(403, 'AccessDenied', 'User: arn:aws:iam::123:user/joe is not authorized')
const broke = s3Error(500, 'InternalError')
const slowDown = s3Error(503, 'SlowDown')

/** `write`: the name of the replacement that made it. */
const object = (content: string | Uint8Array, write?: string): Answer => ({
  status: 200,
  body: content,
  headers: {
    etag: '"e1"',
    'content-length': String(content.length),
    ...(write !== undefined && { 'x-amz-meta-write': write }),
  },
})

const writing: ReadonlyArray<[string, (blobs: BlobStore) => ReturnType<BlobStore['put']>]> = [
  ['create', (blobs) => blobs.createIfAbsent(key, bytes) as never],
  ['replace', (blobs) => blobs.replaceIfMatch(key, bytes, '"e1"') as never],
  ['put', (blobs) => blobs.put(key, bytes)],
  ['delete', (blobs) => blobs.delete(['acme/state.json'])],
]
const reading: ReadonlyArray<[string, (blobs: BlobStore) => ReturnType<BlobStore['put']>]> = [
  ['get', (blobs) => blobs.get(key) as never],
  ['head', (blobs) => blobs.head(key) as never],
  ['list', (blobs) => blobs.list('acme/', { limit: 10 }) as never],
]
const every = [...reading, ...writing]

describe('a create', () => {
  test('that meets a conflict is in doubt and tried again, until it is made or lost', async () => {
    const made = store(conflict, conflict, stored)
    expect(await run(made.blobs.createIfAbsent(key, bytes))).toBe('created')
    expect(made.requests).toHaveLength(3)
    const lost = store(conflict, taken)
    expect(await run(lost.blobs.createIfAbsent(key, bytes))).toBe('exists')
  })

  test('that meets conflicts for ever is unavailable after a bounded number of tries', async () => {
    const { blobs, requests } = store(conflict)
    expect((await failure(blobs.createIfAbsent(key, bytes), 'Unavailable')).message).toContain(
      'ConditionalRequestConflict',
    )
    expect(requests).toHaveLength(maxAttempts)
  })

  test('of a key that is taken exists, at once', async () => {
    const { blobs, requests } = store(taken)
    expect(await run(blobs.createIfAbsent(key, bytes))).toBe('exists')
    expect(requests).toHaveLength(1)
  })

  test('sends the same bytes under the same condition on every try', async () => {
    const { blobs, requests } = store(broken('ECONNRESET'), broke, conflict, stored)
    expect(await run(blobs.createIfAbsent(key, bytes))).toBe('created')
    expect(requests.map(({ headers }) => headers['if-none-match'])).toEqual(['*', '*', '*', '*'])
    for (const { body } of requests) expect(Buffer.compare(Buffer.from(body), bytes)).toBe(0)
  })
})

describe('a replacement', () => {
  test('that was applied although its first try failed is told replaced', async () => {
    let own = ''
    const remember: Step = ({ headers }) => {
      own = headers['x-amz-meta-write'] ?? ''
      return broke
    }
    const { blobs, requests } = store(remember, taken, () => object(bytes, own))
    expect(await run(blobs.replaceIfMatch(key, bytes, '"e1"'))).toBe('replaced')
    expect(requests.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'GET'])
  })

  test("that finds another's object after a try in doubt is a mismatch, of the same bytes too", async () => {
    for (const theirs of [object('of another', 'theirs'), object(bytes, 'theirs'), object(bytes), noKey]) {
      const { blobs } = store(broken('ECONNRESET'), taken, theirs)
      expect(await run(blobs.replaceIfMatch(key, bytes, '"e1"'))).toBe('mismatch')
    }
  })

  test('that is refused at its first try is a mismatch, without reading what is there', async () => {
    const { blobs, requests } = store(taken, object(bytes))
    expect(await run(blobs.replaceIfMatch(key, bytes, '"e1"'))).toBe('mismatch')
    expect(requests).toHaveLength(1)
  })

  test('of an object that is not there is a mismatch', async () => {
    expect(await run(store(noKey).blobs.replaceIfMatch(key, bytes, '"e1"'))).toBe('mismatch')
  })

  test('whose outcome cannot be read back is unavailable, whatever the reason', async () => {
    await failure(store(broke, taken, denied).blobs.replaceIfMatch(key, bytes, '"e1"'), 'Unavailable')
    await failure(store(broke, taken, noBucket).blobs.replaceIfMatch(key, bytes, '"e1"'), 'Unavailable')
  })
})

describe.each(every)('%s', (_, call) => {
  test('of a bucket that is not there is refused, never absent, and says what to do', async () => {
    const error = await failure(call(store(noBucket).blobs), 'StorageRefused')
    expect(error.message).toContain('there is no such bucket, and Annals never creates one')
  })

  test('without permission is refused at the first try, and says what to do', async () => {
    const { blobs, requests } = store(denied)
    const { message } = await failure(call(blobs), 'StorageRefused')
    expect(message).toContain('compare them with the policies of docs/operations.md')
    expect(message).not.toContain('joe')
    expect(requests).toHaveLength(1)
  })

  test.each([
    ['that is told to slow down', slowDown],
    ['that meets an error of the server', broke],
    ['that finds no connection', broken('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:9000')],
    ['that loses its connection', broken('ECONNRESET', 'socket hang up')],
  ] as ReadonlyArray<[string, Step]>)('%s is tried a bounded number of times, and is unavailable', async (__, step) => {
    const { blobs, requests } = store(step)
    const error = await failure(call(blobs), 'Unavailable')
    expect(error.retryable).toBe(true)
    expect(error.message).not.toContain('person')
    expect(requests).toHaveLength(maxAttempts)
  })

  test('whose answer nobody can read is unavailable, and does not pass its text on', async () => {
    const page = { status: 418, headers: { 'content-type': 'text/html' }, body: '<html>content of a person</p>' }
    const error = await failure(call(store({ ...page, status: 200 }, page).blobs), 'Unavailable')
    expect(error.message).not.toContain('person')
  })
})
