/** The table is created and brought into shape, once or many times, by one process or several. */
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { describe, expect, test } from 'vitest'
import { bootstrapTable } from '../../adapters/aws/dynamodb/bootstrap.js'
import { inspectTable } from '../../adapters/aws/dynamodb/shape.js'
import { tableInput } from '../../adapters/aws/dynamodb/table.js'
import { systemClock } from '../../adapters/system-clock.js'
import { run } from '../../domain/task.js'
import { connectionTo, describeWorlds, uniqueName } from './worlds.js'

describeWorlds('bootstrap', ({ dynamodb }) => {
  const client = new DynamoDBClient(connectionTo(dynamodb))
  const bootstrap = (table: string) => run(bootstrapTable({ client, table, clock: systemClock }))
  const bad = async (table: string): Promise<string[]> =>
    (await inspectTable(client, table)).filter(({ ok }) => !ok).map(({ check }) => check)
  const create = (input: Partial<CreateTableCommandInput>, table = uniqueName()) =>
    client.send(new CreateTableCommand({ ...tableInput(table), ...input })).then(() => table)

  test('creates a table of which doctor approves', async () => {
    const table = uniqueName()
    const { steps } = await bootstrap(table)
    expect(steps.map(({ step }) => step)).toEqual([
      'table',
      'stream',
      'time to live',
      'point-in-time recovery',
      'deletion protection',
    ])
    expect(steps.slice(0, 3).every(({ outcome }) => outcome === 'done')).toBe(true)
    expect(await bad(table)).toEqual([])
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }))
    expect(Table?.StreamSpecification).toMatchObject({ StreamEnabled: true, StreamViewType: 'NEW_IMAGE' })
    const ttl = await client.send(new DescribeTimeToLiveCommand({ TableName: table }))
    expect(ttl.TimeToLiveDescription).toMatchObject({ AttributeName: 'expires_at', TimeToLiveStatus: 'ENABLED' })
  })

  test('changes nothing the second time', async () => {
    const table = uniqueName()
    await bootstrap(table)
    const { steps } = await bootstrap(table)
    expect(steps.filter(({ outcome }) => outcome === 'done')).toEqual([])
  })

  test('is done once by many at the same time', async () => {
    const table = uniqueName()
    const reports = await Promise.all(Array.from({ length: 4 }, () => bootstrap(table)))
    expect(reports.filter(({ steps }) => steps[0]?.outcome === 'done')).toHaveLength(1)
    expect(await bad(table)).toEqual([])
  })

  test('brings a table without stream and time to live into shape', async () => {
    const table = await create({ StreamSpecification: { StreamEnabled: false } })
    expect(await bad(table)).toEqual(expect.arrayContaining(['table stream', 'table time to live']))
    await bootstrap(table)
    expect(await bad(table)).toEqual([])
  })

  test('refuses a table with other keys, and says which', async () => {
    const table = await create({
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    })
    await expect(bootstrap(table)).rejects.toMatchObject({
      _tag: 'InvalidInput',
      message: expect.stringContaining('HASH id S'),
    })
    expect(await bad(table)).toContain('table shape')
  })

  test('finds a time to live on another attribute', async () => {
    const table = await create({})
    const TimeToLiveSpecification = { AttributeName: 'ttl', Enabled: true }
    await client.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification }))
    expect(await bad(table)).toContain('table time to live')
    await expect(bootstrap(table)).rejects.toMatchObject({
      _tag: 'InvalidInput',
      message: expect.stringContaining("'ttl'"),
    })
  })
})

describe('a server that cannot be reached', () => {
  test('is unavailable', async () => {
    const client = new DynamoDBClient({ ...connectionTo('http://127.0.0.1:1'), maxAttempts: 1 })
    await expect(run(bootstrapTable({ client, table: 'annals', clock: systemClock }))).rejects.toMatchObject({
      _tag: 'Unavailable',
    })
  })
})
