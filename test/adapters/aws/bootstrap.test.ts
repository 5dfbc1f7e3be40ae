/** The table in the hands of a service that takes its time and says no now and then, as AWS does and its clones do not. */
import type { TableDescription } from '@aws-sdk/client-dynamodb'
import { describe, expect, test } from 'vitest'
import { bootstrapTable } from '../../../adapters/aws/dynamodb/bootstrap.js'
import { inspectTable } from '../../../adapters/aws/dynamodb/shape.js'
import { tableInput } from '../../../adapters/aws/dynamodb/table.js'
import { run } from '../../../domain/task.js'
import { handClock } from '../../protocol/hand-clock.js'
import { type Answer, dynamoAnswer, dynamoError, failure, operationOf, scriptedDynamo } from './scripted.js'

const { AttributeDefinitions, KeySchema, StreamSpecification } = tableInput('table')
const shape = { AttributeDefinitions, KeySchema, StreamSpecification }
const tableIs = (more: Partial<TableDescription> = {}): Answer =>
  dynamoAnswer({ Table: { ...shape, TableStatus: 'ACTIVE', DeletionProtectionEnabled: true, ...more } })
const expiryIs = (TimeToLiveStatus: string, AttributeName?: string): Answer =>
  dynamoAnswer({ TimeToLiveDescription: { TimeToLiveStatus, AttributeName } })
const backupsAre = (PointInTimeRecoveryStatus: string): Answer =>
  dynamoAnswer({ ContinuousBackupsDescription: { PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus } } })

const absent = dynamoError('ResourceNotFoundException')
const busy = dynamoError('ResourceInUseException')
const unknown = dynamoError('UnknownOperationException')
const done = dynamoAnswer({})

/** A table as it should be; `script` says for an operation what else it answers, in turn, and last for ever. */
function service(script: Readonly<Record<string, ReadonlyArray<Answer>>>) {
  const answers: Readonly<Record<string, ReadonlyArray<Answer>>> = {
    DescribeTable: [tableIs()],
    DescribeTimeToLive: [expiryIs('ENABLED', 'expires_at')],
    DescribeContinuousBackups: [backupsAre('ENABLED')],
    ...script,
  }
  const counts = new Map<string, number>()
  const { client, requests } = scriptedDynamo((request) => {
    const operation = operationOf(request) ?? ''
    const count = (counts.get(operation) ?? 0) + 1
    counts.set(operation, count)
    const said = answers[operation] ?? [done]
    return said[Math.min(count, said.length) - 1] as Answer
  })
  const clock = handClock()
  return {
    client,
    bootstrap: () => bootstrapTable({ client, table: 'table', clock }),
    changes: () => requests.map(operationOf).filter((operation) => !operation?.startsWith('Describe')),
    counts,
  }
}

const outcomes = ({ steps }: { steps: ReadonlyArray<{ outcome: string }> }): string[] =>
  steps.map(({ outcome }) => outcome)

describe('bootstrap', () => {
  test('only looks at a table that is as it should be: that takes no right to change anything', async () => {
    const { bootstrap, changes } = service({})
    expect(outcomes(await run(bootstrap()))).toEqual(Array(5).fill('was there'))
    expect(changes()).toEqual([])
  })

  test('waits until a new table is seen, and serves', async () => {
    const creating = tableIs({ TableStatus: 'CREATING' })
    const { bootstrap, changes, counts } = service({ DescribeTable: [absent, absent, creating, creating, tableIs()] })
    expect(outcomes(await run(bootstrap())).slice(0, 2)).toEqual(['done', 'done'])
    expect(changes()).toEqual(['CreateTable'])
    expect(counts.get('DescribeTable')).toBe(5)
  })

  test('uses the table that another process has created a moment before', async () => {
    const { bootstrap } = service({ DescribeTable: [absent, tableIs()], CreateTable: [busy] })
    expect(outcomes(await run(bootstrap()))[0]).toBe('was there')
  })

  test('brings everything else into shape, one change after the other, however busy the table is', async () => {
    const bare = { StreamSpecification: undefined, DeletionProtectionEnabled: false }
    const updating = tableIs({ TableStatus: 'UPDATING' })
    const { bootstrap, changes } = service({
      DescribeTable: [tableIs(bare), tableIs(bare), updating, tableIs({ DeletionProtectionEnabled: false }), tableIs()],
      DescribeTimeToLive: [expiryIs('DISABLED')],
      DescribeContinuousBackups: [backupsAre('DISABLED')],
      UpdateTable: [busy, done],
      UpdateContinuousBackups: [dynamoError('ContinuousBackupsUnavailableException'), done],
    })
    expect(outcomes(await run(bootstrap()))).toEqual(['was there', ...Array(4).fill('done')])
    expect(changes()).toEqual([
      ...Array(2).fill('UpdateTable'),
      'UpdateTimeToLive',
      ...Array(2).fill('UpdateContinuousBackups'),
      'UpdateTable',
    ])
  })

  test('reports what a server does not know of, and goes on', async () => {
    const { bootstrap } = service({
      DescribeTable: [tableIs({ DeletionProtectionEnabled: undefined })],
      DescribeContinuousBackups: [unknown],
      UpdateContinuousBackups: [unknown],
    })
    expect(outcomes(await run(bootstrap()))).toEqual([...Array(3).fill('was there'), ...Array(2).fill('unsupported')])
  })

  test('gives up on a table that never serves', async () => {
    const { bootstrap } = service({ DescribeTable: [tableIs({ TableStatus: 'CREATING' })] })
    const { message } = await failure(bootstrap(), 'Unavailable')
    expect(message).toContain('CREATING')
  })

  test('is refused without permission, and says what to do', async () => {
    const denied = dynamoError('AccessDeniedException')
    const { bootstrap } = service({ DescribeTable: [absent], CreateTable: [denied] })
    expect((await failure(bootstrap(), 'StorageRefused')).message).toContain('permission')
  })
})

describe('a table', () => {
  const bad = async (script: Readonly<Record<string, ReadonlyArray<Answer>>>): Promise<string[]> =>
    (await inspectTable(service(script).client, 'table')).flatMap(({ ok, check, advice }) =>
      ok ? [] : [`${check}: ${advice}`],
    )

  test('as it should be has no finding', async () => {
    expect(await bad({})).toEqual([])
  })

  test('without point-in-time recovery and deletion protection is found, where the server knows of them', async () => {
    const advice = "run 'annals bootstrap'"
    expect(
      await bad({
        DescribeTable: [tableIs({ DeletionProtectionEnabled: false })],
        DescribeContinuousBackups: [backupsAre('DISABLED')],
      }),
    ).toEqual([`table backups: ${advice}`, `table protection: ${advice}`])
    expect(
      await bad({
        DescribeTable: [tableIs({ DeletionProtectionEnabled: undefined })],
        DescribeContinuousBackups: [unknown],
      }),
    ).toEqual([])
  })

  test('with a stream that does not tell the new item is found', async () => {
    const keysOnly = { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' } as const
    expect(await bad({ DescribeTable: [tableIs({ StreamSpecification: keysOnly })] })).toEqual([
      "table stream: disable it and run 'annals bootstrap'",
    ])
  })

  test('of which one thing may not be asked is examined for the rest', async () => {
    const denied = dynamoError('AccessDeniedException')
    const findings = await bad({ DescribeTimeToLive: [denied], DescribeContinuousBackups: [backupsAre('DISABLED')] })
    expect(findings).toEqual([expect.stringContaining('table time to live'), expect.stringContaining('table backups')])
  })
})
