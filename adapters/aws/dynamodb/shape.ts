/** What the table is like: what bootstrap looks at before it changes anything, and what `doctor` reports. */
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type TableDescription,
} from '@aws-sdk/client-dynamodb'
import { type Finding, failedFinding, finding } from '../finding.js'
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

export interface TimeToLive {
  readonly enabled: boolean
  readonly attribute?: string
}

export async function timeToLiveOf(client: DynamoDBClient, table: string): Promise<TimeToLive> {
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

/** The findings of `doctor` on a table that exists. What one permission lacks to find out hides nothing of the rest. */
export async function inspectTable(client: DynamoDBClient, table: string): Promise<ReadonlyArray<Finding>> {
  const { Table = {} } = await client.send(new DescribeTableCommand({ TableName: table }))
  const asked = async (check: string, find: (check: string) => Promise<Finding>): Promise<Finding> => {
    try {
      return await find(check)
    } catch (error) {
      return failedFinding(check, error, table)
    }
  }
  return [
    shapeFinding(table, Table),
    streamFinding(Table),
    await asked('table time to live', async (check) => expiryFinding(check, await timeToLiveOf(client, table))),
    await asked('table backups', async (check) => backupsFinding(check, await backupsOf(client, table))),
    protectionFinding(Table),
  ]
}

function shapeFinding(table: string, description: TableDescription): Finding {
  const problem = keySchemaProblem(description)
  const detail = problem ?? `${table}: pk and sk, ${billingOf(description)}`
  return finding('table shape', problem === undefined, detail, 'use another table')
}

/** The image of the new item holds the number that a ring tells. */
function streamFinding({ StreamSpecification: stream }: TableDescription): Finding {
  const check = 'table stream'
  const type = stream?.StreamViewType
  if (stream?.StreamEnabled !== true)
    return finding(check, false, 'there is none: followers look at the head now and then', bootstrapAdvice)
  const isRight = type === 'NEW_IMAGE' || type === 'NEW_AND_OLD_IMAGES'
  return finding(
    check,
    isRight,
    isRight ? `enabled, ${type}` : `it is of ${type}, and has to be of NEW_IMAGE`,
    `disable it and ${bootstrapAdvice}`,
  )
}

function expiryFinding(check: string, { enabled, attribute }: TimeToLive): Finding {
  return finding(
    check,
    enabled && attribute === timeToLive.AttributeName,
    enabled ? `on the attribute ${attribute}` : 'off: receipts of requests stay for ever',
    enabled ? `disable it and ${bootstrapAdvice}: it belongs on ${timeToLive.AttributeName}` : bootstrapAdvice,
  )
}

function backupsFinding(check: string, backups: boolean | undefined): Finding {
  const detail = `point-in-time recovery is ${backups ? 'on' : 'off'}`
  return finding(check, backups !== false, backups === undefined ? unknown : detail, bootstrapAdvice)
}

function protectionFinding({ DeletionProtectionEnabled }: TableDescription): Finding {
  const detail = `deletion protection is ${DeletionProtectionEnabled ? 'on' : 'off'}`
  return finding(
    'table protection',
    DeletionProtectionEnabled !== false,
    DeletionProtectionEnabled === undefined ? unknown : detail,
    bootstrapAdvice,
  )
}

const unknown = 'this server knows of none'

const billingOf = ({ BillingModeSummary }: TableDescription): string =>
  BillingModeSummary?.BillingMode === 'PAY_PER_REQUEST' ? 'on demand' : 'with provisioned throughput'
