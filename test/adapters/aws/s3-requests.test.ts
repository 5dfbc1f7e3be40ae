/** What a store on S3 says to the bucket: with every put, and about whose bucket it has to be. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { s3BlobStore } from '../../../adapters/aws/s3/blob-store.js'
import type { S3Options } from '../../../adapters/aws/s3/options.js'
import type { BlobStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { epoch, handClock } from '../../protocol/hand-clock.js'
import { type Answer, scriptedS3, secret } from './scripted.js'

const commit = 'acme/log/0/1'
const state = 'acme/state.json'
const bytes = new TextEncoder().encode('{"resource":"content"}')
const stored: Answer = { status: 200, headers: { etag: '"e"' } }

/** The only request that the call makes. */
async function requestOf(
  options: S3Options,
  call: (blobs: BlobStore) => ReturnType<BlobStore['put']>,
  answer = stored,
) {
  const { client, requests } = scriptedS3(answer)
  await run(call(s3BlobStore({ client, bucket: 'records', prefix: 'of/a/prefix/', clock: handClock(), ...options })))
  expect(requests).toHaveLength(1)
  return requests[0]!
}

const create = (key: string) => (blobs: BlobStore) => blobs.createIfAbsent(key, bytes) as never
const replace = (key: string) => (blobs: BlobStore) => blobs.replaceIfMatch(key, bytes, '"e"') as never
const put = (key: string) => (blobs: BlobStore) => blobs.put(key, bytes)

describe.each([
  ['create', create],
  ['replace', replace],
  ['put', put],
])('every %s', (_, call) => {
  test('is sent whole, with its length and its SHA-256, which the server checks', async () => {
    const { headers, body, path } = await requestOf({}, call(commit))
    expect(path).toBe('/of/a/prefix/acme/log/0/1')
    expect(Buffer.compare(Buffer.from(body), bytes)).toBe(0)
    expect(headers['x-amz-checksum-sha256']).toBe(createHash('sha256').update(bytes).digest('base64'))
    expect(headers['content-length']).toBe(String(bytes.length))
    for (const streaming of ['x-amz-trailer', 'transfer-encoding', 'content-encoding', 'x-amz-decoded-content-length'])
      expect(headers).not.toHaveProperty(streaming)
    expect(headers['x-amz-content-sha256']).toMatch(/^([0-9a-f]{64}|UNSIGNED-PAYLOAD)$/)
    expect(JSON.stringify(headers)).not.toContain(secret)
  })

  test('says nothing about encryption, class, tags, locks or owner unless it is told to', async () => {
    const { headers } = await requestOf({}, call(commit))
    const said = Object.keys(headers).filter((name) => /encryption|storage-class|tagging|lock|bucket-owner/.test(name))
    expect(said).toEqual([])
  })

  test('says how the object is kept when it is told to', async () => {
    const options = {
      encryption: 'aws:kms',
      kmsKey: 'alias/annals',
      storageClass: 'STANDARD_IA',
      tags: { team: 'records', 'cost centre': 'a&b' },
      bucketOwner: '123456789012',
    }
    expect((await requestOf(options, call(state))).headers).toMatchObject({
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'alias/annals',
      'x-amz-server-side-encryption-bucket-key-enabled': 'true',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-tagging': 'team=records&cost+centre=a%26b',
      'x-amz-expected-bucket-owner': '123456789012',
    })
  })

  test('locks commits and large bodies, and nothing that may be deleted', async () => {
    const lock = { mode: 'COMPLIANCE', days: 30 }
    const until = new Date(epoch / 1000 + 30 * 86_400_000).toISOString()
    for (const key of [commit, 'acme/blobs/0a'])
      expect((await requestOf({ lock }, call(key))).headers).toMatchObject({
        'x-amz-object-lock-mode': 'COMPLIANCE',
        'x-amz-object-lock-retain-until-date': until.replace('.000', ''),
      })
    for (const key of [state, 'log', 'acme/logs/1'])
      expect(Object.keys((await requestOf({ lock }, call(key))).headers).join()).not.toContain('lock')
  })
})

describe('a condition', () => {
  test('is sent with a create and a replacement, and with no put', async () => {
    expect((await requestOf({}, create(commit))).headers['if-none-match']).toBe('*')
    expect((await requestOf({}, replace(state))).headers['if-match']).toBe('"e"')
    const { headers } = await requestOf({}, put(state))
    expect(headers).not.toHaveProperty('if-none-match')
    expect(headers).not.toHaveProperty('if-match')
  })
})

describe('the type of an object', () => {
  test('is told by its name', async () => {
    expect((await requestOf({}, put('acme/part.ndjson'))).headers['content-type']).toBe('application/x-ndjson')
    expect((await requestOf({}, put(state))).headers['content-type']).toBe('application/json')
  })
})

describe('the owner of the bucket', () => {
  const listing: Answer = { status: 200, body: '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>' }

  test.each([
    ['get', (blobs: BlobStore) => blobs.get(commit) as never, stored],
    ['head', (blobs: BlobStore) => blobs.head(commit) as never, stored],
    ['list', (blobs: BlobStore) => blobs.list('acme/', { limit: 1 }) as never, listing],
    ['delete', (blobs: BlobStore) => blobs.delete([state]), { status: 200, body: '<DeleteResult/>' }],
    ['delete of a key that XML cannot hold', (blobs: BlobStore) => blobs.delete(['acme/\u0001']), { status: 204 }],
  ])('is demanded by every %s as well', async (_, call, answer) => {
    const { headers } = await requestOf({ bucketOwner: '123456789012' }, call, answer)
    expect(headers['x-amz-expected-bucket-owner']).toBe('123456789012')
  })

  test('is demanded when an empty object is looked at twice', async () => {
    const pastTheEnd = { status: 416, body: '<Error><Code>InvalidRange</Code></Error>' }
    const { client, requests } = scriptedS3(pastTheEnd, stored)
    const options = { client, bucket: 'records', prefix: '', clock: handClock(), bucketOwner: '123456789012' }
    await run(s3BlobStore(options).head(commit))
    expect(requests.map(({ headers }) => headers['x-amz-expected-bucket-owner'])).toEqual(Array(2).fill('123456789012'))
  })
})
