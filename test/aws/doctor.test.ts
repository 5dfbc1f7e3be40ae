/** `doctor` on real servers: finds nothing wrong with those that keep their promises, and each thing that is wrong. */
import {
  CreateTableCommand,
  DynamoDBClient,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { describe, expect, inject, test } from 'vitest'
import { tableInput } from '../../adapters/aws/dynamodb/table.js'
import { systemClock } from '../../adapters/system-clock.js'
import { bootstrapStore, openStore, type Store } from '../../src/index.js'
import { s3rverCredentials } from '../servers/catalog.js'
import { makePlace, urlOf } from './stores.js'
import { connectionTo, describeWorlds, makeBucket, makeTable, s3ClientFor, uniqueName } from './worlds.js'

const failed = async (store: Store): Promise<string[]> => {
  const { ok, findings } = await store.doctor()
  await store.close()
  const bad = findings.filter((finding) => !finding.ok)
  expect(ok).toBe(bad.length === 0)
  for (const finding of bad) expect(finding.advice, finding.check).toBeTruthy()
  return bad.map(({ check }) => check)
}

describeWorlds('doctor', (world) => {
  const client = new DynamoDBClient(connectionTo(world.dynamodb))
  const setTimeToLive = (TableName: string, AttributeName: string) => {
    const TimeToLiveSpecification = { AttributeName, Enabled: true }
    return client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }))
  }

  test('finds nothing wrong with a store as it should be', async () => {
    const place = await makePlace(world, { stream: true })
    const store = await place.open()
    await (await store.tenant('t')).create('Patient', { resourceType: 'Patient' })
    const { findings } = await store.doctor()
    expect(findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        'bucket',
        'bucket versioning',
        'clock',
        'table shape',
        'table stream',
        'table time to live',
        'one winner of a create',
        'tenant t',
      ]),
    )
    expect(await failed(store)).toEqual([])
  })

  test('finds a bucket without versions', async () => {
    const place = await makePlace(world, { stream: true })
    const VersioningConfiguration = { Status: 'Suspended' } as const
    await s3ClientFor(world.s3).send(new PutBucketVersioningCommand({ Bucket: place.bucket, VersioningConfiguration }))
    expect(await failed(await place.open())).toEqual(['bucket versioning'])
  })

  test('finds a table without a stream', async () => {
    const bucket = await makeBucket(world.s3)
    const table = await makeTable(world.dynamodb)
    await setTimeToLive(table, 'expires_at')
    const found = await failed(await openStore(urlOf(world, bucket, table)))
    expect(found).toContain('table stream')
    expect(found).not.toContain('table time to live')
  })

  test('finds a table without time to live, and one with it on another attribute', async () => {
    const bucket = await makeBucket(world.s3)
    const table = uniqueName()
    await client.send(new CreateTableCommand(tableInput(table)))
    for (const prepare of [async () => undefined, () => setTimeToLive(table, 'ttl')]) {
      await prepare()
      const found = await failed(await openStore(urlOf(world, bucket, table)))
      expect(found).toContain('table time to live')
      expect(found).not.toContain('table stream')
    }
  })

  test('finds a table that is missing, and one with other keys', async () => {
    const bucket = await makeBucket(world.s3)
    expect(await failed(await openStore(urlOf(world, bucket, uniqueName())))).toContain('table shape')
    const table = uniqueName()
    await client.send(
      new CreateTableCommand({
        ...tableInput(table),
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    )
    expect(await failed(await openStore(urlOf(world, bucket, table)))).toContain('table shape')
  })

  test('finds a clock that is wrong', async () => {
    const place = await makePlace(world, { stream: true })
    const clock = { ...systemClock, now: () => systemClock.now() + 60_000_000 }
    expect(await failed(await place.open({ clock }))).toEqual(['clock'])
  })

  test('finds a table that is not protected, where the server knows of protection', async () => {
    const place = await makePlace(world, { stream: true })
    const change = client.send(new UpdateTableCommand({ TableName: place.table, DeletionProtectionEnabled: false }))
    if (
      await change.then(
        () => true,
        () => false,
      )
    )
      expect(await failed(await place.open())).toEqual(['table protection'])
  })
})

const { s3rver, dynamodb, moto } = inject('endpoints')
const pointers = dynamodb ?? moto

describe.skipIf(s3rver === undefined || pointers === undefined)('doctor on a server that ignores If-None-Match', () => {
  test('warns of it: more than one of many creates was told that it won', async () => {
    const url = `s3://annals/${uniqueName()}?table=${uniqueName()}&s3-endpoint=${s3rver}&dynamodb-endpoint=${pointers}`
    await bootstrapStore(url)
    const store = await openStore(url, { aws: { credentials: s3rverCredentials } })
    expect(await failed(store)).toContain('one winner of a create')
  })
})
