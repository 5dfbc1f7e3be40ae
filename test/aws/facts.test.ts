/** What each server of the tests keeps of AWS's promises: that the suites run against what they believe. */
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { DescribeStreamCommand, DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { describe, expect, inject, test } from 'vitest'
import { s3rverCredentials } from '../servers/catalog.js'
import { type Fault, startFaultProxy } from '../servers/fault-proxy.js'
import { connectionTo, describeWorlds, makeBucket, s3ClientFor, uniqueName } from './worlds.js'

const racers = 24

/** How many of so many creates of one key are told that theirs was it, and what the others are told. */
async function race(client: S3Client, bucket: string): Promise<{ winners: number; others: Set<number | undefined> }> {
  const outcomes = await Promise.all(
    Array.from({ length: racers }, (_, i) =>
      client.send(new PutObjectCommand({ Bucket: bucket, Key: 'log/1', Body: `racer ${i}`, IfNoneMatch: '*' })).then(
        () => 200,
        (error: unknown) => (error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined),
      ),
    ),
  )
  return {
    winners: outcomes.filter((status) => status === 200).length,
    others: new Set(outcomes.filter((status) => status !== 200)),
  }
}

describeWorlds('facts', ({ s3, dynamodb }) => {
  test('of many creates of one key exactly one wins', async () => {
    const { winners, others } = await race(s3ClientFor(s3), await makeBucket(s3))
    expect(winners).toBe(1)
    expect([...others].filter((status) => status !== 412 && status !== 409)).toEqual([])
  })

  test('replacing what is not there, or is not what it was, is refused', async () => {
    const [client, bucket] = [s3ClientFor(s3), await makeBucket(s3)]
    const replace = (key: string) =>
      client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'new', IfMatch: '"0123456789abcdef"' }))
    await expect(replace('absent')).rejects.toMatchObject({
      $metadata: { httpStatusCode: expect.toSatisfy(isRefusal) },
    })
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'present', Body: 'old' }))
    await expect(replace('present')).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } })
  })

  test('a table takes items, conditions and transactions, and has a stream', async () => {
    const client = new DynamoDBClient(connectionTo(dynamodb))
    const table = uniqueName()
    const { TableDescription } = await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
      }),
    )
    const item = { TableName: table, Item: { pk: { S: 'a' } }, ConditionExpression: 'attribute_not_exists(pk)' }
    await client.send(new PutItemCommand(item))
    await expect(client.send(new PutItemCommand(item))).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
    })
    const both = [{ Put: { ...item, Item: { pk: { S: 'b' } } } }, { Put: item }]
    const transaction = new TransactWriteItemsCommand({ TransactItems: both })
    await expect(client.send(transaction)).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }],
    })
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: { pk: { S: 'b' } }, ConsistentRead: true }),
    )
    expect(Item).toBeUndefined()
    const stream = new DescribeStreamCommand({ StreamArn: TableDescription?.LatestStreamArn })
    const { StreamDescription } = await new DynamoDBStreamsClient(connectionTo(dynamodb)).send(stream)
    expect(StreamDescription?.Shards?.length).toBeGreaterThan(0)
  })

  test.each([
    ['drop', true],
    ['reset-before', false],
    ['reset-after', true],
    ['error-after', true],
    ['cut', true],
    ['throttle', false],
  ] as ReadonlyArray<[Fault, boolean]>)(
    'a create that the fault proxy meets with %s is tried again by the SDK, applied before: %s',
    async (fault, isApplied) => {
      const bucket = await makeBucket(s3)
      const proxy = await startFaultProxy({ target: s3, rules: [{ fault, method: 'PUT', path: /log/, times: 1 }] })
      try {
        const create = new PutObjectCommand({ Bucket: bucket, Key: 'log/1', Body: 'commit', IfNoneMatch: '*' })
        const outcome = s3ClientFor(proxy.url).send(create)
        // The second try finds the key taken by the first, and nobody but the writer can tell by whom.
        if (isApplied) await expect(outcome).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } })
        else await outcome
        expect(proxy.counts).toMatchObject({ requests: 2, injected: { [fault]: 1 } })
        const stored = await s3ClientFor(s3).send(new GetObjectCommand({ Bucket: bucket, Key: 'log/1' }))
        expect(await stored.Body?.transformToString()).toBe('commit')
      } finally {
        await proxy.stop()
      }
    },
  )
})

/** S3 answers 404 for a key that is not there; MinIO too, and older releases of it created the object. */
const isRefusal = (status: unknown): boolean => status === 404 || status === 412

const { s3rver, moto } = inject('endpoints')

describe.skipIf(s3rver === undefined)('s3rver', () => {
  test('ignores If-None-Match: every one of many creates of one key wins', async () => {
    const client = new S3Client({ ...connectionTo(s3rver!), credentials: s3rverCredentials, forcePathStyle: true })
    const bucket = uniqueName()
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    expect(await race(client, bucket)).toEqual({ winners: racers, others: new Set() })
  })
})

describe.skipIf(moto === undefined)('moto', () => {
  test('keeps secrets', async () => {
    const client = new SecretsManagerClient(connectionTo(moto!))
    const name = uniqueName()
    await client.send(new CreateSecretCommand({ Name: name, SecretString: 'open sesame' }))
    expect(await client.send(new GetSecretValueCommand({ SecretId: name }))).toMatchObject({
      SecretString: 'open sesame',
    })
  })
})
