/** What the table is like: what bootstrap looks at before it changes anything, and what `doctor` reports. */
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type TableDescription,
} from '@aws-sdk/client-dynamodb'
import { type Finding, finding } from '../finding.js'
import { timeToLive } from './table.js'

/** A clone of DynamoDB that does not know of a feature. */
export const isUnknownOperation = (error: unknown): boolean =>
  /^(UnknownOperationException|NotImplemented|NotImplementedError)$/.test((error as Error).name)

export function keySchemaProblem({ KeySchema = [], AttributeDefinitions = [] }: TableDescription): string | undefined {
  const type = (name: string | undefined): string =>
    AttributeDefinitions.find(({ AttributeName }) => AttributeName === name)?.AttributeType ?? '?'
  const actual = KeySchema.map(({ AttributeName, KeyType }) => `${KeyType} ${AttributeName} ${type(AttributeName)}`)
  return actual.sort().join(', ') === 'HASH pk S, RANGE sk S'
    ? undefined
    : `its keys are ${actual.join(', ')}, and have to be the texts pk (HASH) and sk (RANGE): use another table`
}

export async function timeToLiveOf(
  client: DynamoDBClient,
  table: string,
): Promise<{ readonly enabled: boolean; readonly attribute?: string }> {
  const { TimeToLiveDescription = {} } = await client.send(new DescribeTimeToLiveCommand({ TableName: table }))
  const { TimeToLiveStatus = 'DISABLED', AttributeName } = TimeToLiveDescription
  return { enabled: /^ENABL/.test(TimeToLiveStatus), attribute: AttributeName }
}

/** Whether point-in-time recovery is on; `undefined` where the server does not know of it. */
export async function backupsOf(client: DynamoDBClient, table: string): Promise<boolean | undefined> {
  try {
    const answer = await client.send(new DescribeContinuousBackupsCommand({ TableName: table }))
    const recovery = answer.ContinuousBackupsDescription?.PointInTimeRecoveryDescription
    return recovery?.PointInTimeRecoveryStatus === 'ENABLED'
  } catch (error) {
    if (isUnknownOperation(error)) return undefined
    throw error
  }
}

const bootstrapAdvice = "run 'annals bootstrap'"

/** The findings of `doctor` on a table that exists. */
export async function inspectTable(client: DynamoDBClient, table: string): Promise<ReadonlyArray<Finding>> {
  const { Table = {} } = await client.send(new DescribeTableCommand({ TableName: table }))
  const [ttl, backups] = [await timeToLiveOf(client, table), await backupsOf(client, table)]
  const keyProblem = keySchemaProblem(Table)
  const { StreamEnabled, StreamViewType } = Table.StreamSpecification ?? {}
  const expiryIsRight = ttl.enabled && ttl.attribute === timeToLive.AttributeName
  return [
    finding(
      'table shape',
      keyProblem === undefined,
      keyProblem ?? `${table}: pk and sk, ${billingOf(Table)}`,
      'use another table',
    ),
    finding(
      'table stream',
      StreamEnabled === true,
      StreamEnabled === true ? `enabled, ${StreamViewType}` : 'there is none: followers look at the head now and then',
      bootstrapAdvice,
    ),
    finding(
      'table time to live',
      expiryIsRight,
      ttl.enabled ? `on the attribute ${ttl.attribute}` : 'off: receipts of requests stay for ever',
      ttl.enabled ? `disable it and ${bootstrapAdvice}: it belongs on ${timeToLive.AttributeName}` : bootstrapAdvice,
    ),
    finding(
      'table backups',
      backups !== false,
      backups === undefined ? 'this server knows of none' : `point-in-time recovery is ${backups ? 'on' : 'off'}`,
      bootstrapAdvice,
    ),
    finding(
      'table protection',
      Table.DeletionProtectionEnabled !== false,
      Table.DeletionProtectionEnabled === undefined
        ? 'this server knows of none'
        : `deletion protection is ${Table.DeletionProtectionEnabled ? 'on' : 'off'}`,
      bootstrapAdvice,
    ),
  ]
}

const billingOf = ({ BillingModeSummary }: TableDescription): string =>
  BillingModeSummary?.BillingMode === 'PAY_PER_REQUEST' ? 'on demand' : 'with provisioned throughput'
