/**
 * Creates the table, or brings one that is there into shape. Idempotent, and safe when several processes do it at once.
 * What a server does not know of (point-in-time recovery on a clone) is reported, and no failure. The keys of a table
 * that exists are never changed.
 */
import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type TableDescription,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import type { Clock } from '../../../domain/ports/index.js'
import { attempt } from '../../../domain/task.js'
import { serviceError } from '../service-error.js'
import { backupsOf, isUnknownOperation, keySchemaProblem, timeToLiveOf } from './shape.js'
import { tableInput, timeToLive } from './table.js'

export interface BootstrapDeps {
  readonly client: DynamoDBClient
  readonly table: string
  readonly clock: Clock
  readonly tags?: Readonly<Record<string, string>>
}

export interface BootstrapStep {
  readonly step: string
  /** `unsupported`: the server does not know of it. */
  readonly outcome: 'done' | 'was there' | 'unsupported'
}

export interface BootstrapReport {
  readonly table: string
  readonly steps: ReadonlyArray<BootstrapStep>
}

/** How often to look whether the table serves, and for how long, in milliseconds. */
const lookMs = 500
const patienceMs = 300_000

export const bootstrapTable = (deps: BootstrapDeps): TaskEither<AnnalsError, BootstrapReport> =>
  attempt(async () => {
    try {
      return await bootstrap(deps)
    } catch (error) {
      throw serviceError(error, { operation: 'bootstrap', key: deps.table, writes: true })
    }
  })

async function bootstrap(deps: BootstrapDeps): Promise<BootstrapReport> {
  const { table } = deps
  const created = await createTable(deps)
  const description = await untilActive(deps)
  const problem = keySchemaProblem(description)
  if (problem !== undefined) throw annalsError('InvalidInput', { what: `table ${table}`, problem })
  const steps: BootstrapStep[] = [{ step: 'table', outcome: created ? 'done' : 'was there' }]
  steps.push({ step: 'stream', outcome: await enableStream(deps, description, created) })
  steps.push({ step: 'time to live', outcome: await enableTimeToLive(deps) })
  steps.push({ step: 'point-in-time recovery', outcome: await enableBackups(deps) })
  steps.push({ step: 'deletion protection', outcome: await protect(deps, description) })
  return { table, steps }
}

/** Answers false when the table is there, made by whomever. */
async function createTable({ client, table, tags }: BootstrapDeps): Promise<boolean> {
  // Whoever may not create tables can still be told that nothing is left to do.
  if ((await describe(client, table)) !== undefined) return false
  try {
    await client.send(new CreateTableCommand(tableInput(table, tags)))
    return true
  } catch (error) {
    if ((error as Error).name === 'ResourceInUseException') return false
    throw error
  }
}

async function untilActive({ client, table, clock }: BootstrapDeps): Promise<TableDescription> {
  for (let waited = 0; ; waited += lookMs) {
    const description = await describe(client, table)
    if (description?.TableStatus === 'ACTIVE') return description
    if (waited >= patienceMs)
      throw annalsError('Unavailable', {
        operation: 'bootstrap',
        key: table,
        cause: `the table is ${description?.TableStatus ?? 'not there'} after ${patienceMs / 1000} s`,
      })
    await clock.sleep(lookMs)
  }
}

/** A table that has just been asked for may not be seen yet. */
async function describe(client: DynamoDBClient, table: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: table }))).Table
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return undefined
    throw error
  }
}

type Outcome = BootstrapStep['outcome']

async function enableStream(deps: BootstrapDeps, description: TableDescription, created: boolean): Promise<Outcome> {
  const { client, table } = deps
  if (description.StreamSpecification?.StreamEnabled === true) return created ? 'done' : 'was there'
  return orUnsupported(deps, async () => {
    const StreamSpecification = { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } as const
    await client.send(new UpdateTableCommand({ TableName: table, StreamSpecification }))
    await untilActive(deps)
  })
}

async function enableTimeToLive(deps: BootstrapDeps): Promise<Outcome> {
  const { client, table } = deps
  const { attribute, enabled } = await timeToLiveOf(client, table)
  if (enabled && attribute === timeToLive.AttributeName) return 'was there'
  if (enabled) {
    const problem = `its time to live is on '${attribute}' and has to be on '${timeToLive.AttributeName}': disable it first`
    throw annalsError('InvalidInput', { what: `table ${table}`, problem })
  }
  return orUnsupported(deps, async () => {
    await client.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification: timeToLive }))
  })
}

async function enableBackups(deps: BootstrapDeps): Promise<Outcome> {
  const { client, table } = deps
  if ((await backupsOf(client, table)) === true) return 'was there'
  return orUnsupported(deps, async () => {
    const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true }
    await client.send(new UpdateContinuousBackupsCommand({ TableName: table, PointInTimeRecoverySpecification }))
  })
}

async function protect(deps: BootstrapDeps, description: TableDescription): Promise<Outcome> {
  const { client, table } = deps
  if (description.DeletionProtectionEnabled === true) return 'was there'
  const outcome = await orUnsupported(deps, async () => {
    await client.send(new UpdateTableCommand({ TableName: table, DeletionProtectionEnabled: true }))
  })
  if (outcome === 'unsupported') return outcome
  return (await untilActive(deps)).DeletionProtectionEnabled === true ? 'done' : 'unsupported'
}

/** Another change of the table that is still under way, by this process or another, is waited for. */
async function orUnsupported({ clock }: BootstrapDeps, body: () => Promise<void>): Promise<Outcome> {
  for (let waited = 0; ; waited += lookMs) {
    try {
      await body()
      return 'done'
    } catch (error) {
      const { name, message } = error as Error
      if (isUnknownOperation(error)) return 'unsupported'
      if (name === 'ValidationException' && /already (enabled|disabled)/i.test(message)) return 'was there'
      if (!underWay.includes(name) || waited >= patienceMs) throw error
    }
    await clock.sleep(lookMs)
  }
}

const underWay = ['ResourceInUseException', 'ContinuousBackupsUnavailableException', 'LimitExceededException']
