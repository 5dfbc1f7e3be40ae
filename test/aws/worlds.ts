/** The real servers that every suite of this folder runs against, each as one world of buckets and tables. */
import { randomBytes } from 'node:crypto'
import { CreateTableCommand, DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, inject } from 'vitest'
import { clientOptions } from '../../adapters/aws/client.js'
import { tableInput } from '../../adapters/aws/dynamodb/table.js'
import { credentials, region } from '../servers/catalog.js'

export interface World {
  readonly name: string
  readonly s3: string
  readonly dynamodb: string
}

const { minio, dynamodb, moto } = inject('endpoints')

const worlds: ReadonlyArray<World> = [
  ...(minio !== undefined && dynamodb !== undefined ? [{ name: 'MinIO and DynamoDB Local', s3: minio, dynamodb }] : []),
  ...(moto !== undefined ? [{ name: 'moto', s3: moto, dynamodb: moto }] : []),
]

/** The suite once for each world. Without any it is shown as skipped; the set-up has said why. */
export function describeWorlds(title: string, suite: (world: World) => void): void {
  if (worlds.length === 0) describe.skip(title, () => undefined)
  for (const world of worlds) describe(`${title} on ${world.name}`, () => suite(world))
}

/** The environment in which the SDK finds what it needs. */
process.env.AWS_ACCESS_KEY_ID = credentials.accessKeyId
process.env.AWS_SECRET_ACCESS_KEY = credentials.secretAccessKey
process.env.AWS_REGION = region

export const uniqueName = (): string => `annals-${randomBytes(6).toString('hex')}`

export const connectionTo = (endpoint: string) => clientOptions({ endpoint, region, credentials })

export const s3ClientFor = (endpoint: string): S3Client =>
  new S3Client({
    ...connectionTo(endpoint),
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })

export async function makeBucket(endpoint: string): Promise<string> {
  const bucket = uniqueName()
  await s3ClientFor(endpoint).send(new CreateBucketCommand({ Bucket: bucket }))
  return bucket
}

/** A table of the shape that a store has, but for the stream: see `endStream`. */
export async function makeTable(endpoint: string, table = uniqueName()): Promise<string> {
  const client = new DynamoDBClient(connectionTo(endpoint))
  await client.send(new CreateTableCommand({ ...tableInput(table), StreamSpecification: { StreamEnabled: false } }))
  client.destroy()
  return table
}

/**
 * Followers then look at the head. For suites that are about something else: DynamoDB Local looks through every record of
 * all streams whenever it writes one, so that in the end a write takes seconds. moto does not, and no longer takes any
 * write for a table whose stream was ended.
 */
export async function endStream({ s3, dynamodb }: World, TableName: string): Promise<void> {
  if (s3 === dynamodb) return
  const client = new DynamoDBClient(connectionTo(dynamodb))
  await client.send(new UpdateTableCommand({ TableName, StreamSpecification: { StreamEnabled: false } }))
  client.destroy()
}
