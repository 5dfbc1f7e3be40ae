/** Stores on the real servers: a bucket and a table of their own, opened as users open them. */
import { DeleteTableCommand, DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb'
import { PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import type { OpenOptions } from '../../src/index.js'
import { bootstrapStore, openStore, type Store } from '../../src/index.js'
import { connectionTo, endStream, makeBucket, s3ClientFor, uniqueName, type World } from './worlds.js'

export interface Place {
  readonly url: string
  readonly bucket: string
  readonly table: string
  open(options?: OpenOptions): Promise<Store>
}

export interface PlaceOptions {
  /** Where the store finds the servers, if not at themselves. */
  readonly through?: Partial<World>
  /** With a stream on the table, as users have it: see `endStream`. */
  readonly stream?: boolean
}

/** A bucket with versioning and a table. */
export async function makePlace(world: World, { through, stream = false }: PlaceOptions = {}): Promise<Place> {
  const bucket = await makeBucket(world.s3)
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3ClientFor(world.s3).send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
  const table = uniqueName()
  await bootstrapStore(urlOf(world, bucket, table))
  if (!stream) await endStream(world, table)
  const url = urlOf({ ...world, ...through }, bucket, table)
  return { url, bucket, table, open: (options) => openStore(url, options) }
}

export const urlOf = ({ s3, dynamodb }: Pick<World, 's3' | 'dynamodb'>, bucket: string, table: string): string =>
  `s3://${bucket}/of/a/prefix?table=${table}&s3-endpoint=${s3}&dynamodb-endpoint=${dynamodb}`

/** The disaster: the whole table is gone, and an empty one stands in its place. */
export async function loseTable(world: World, { url, table }: Pick<Place, 'url' | 'table'>): Promise<void> {
  await deleteTable(world.dynamodb, table)
  await bootstrapStore(url)
  await endStream(world, table)
}

export async function deleteTable(endpoint: string, TableName: string): Promise<void> {
  const client = new DynamoDBClient(connectionTo(endpoint))
  // Not every server knows of the protection.
  await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false })).catch(() => undefined)
  await client.send(new DeleteTableCommand({ TableName }))
  client.destroy()
}
