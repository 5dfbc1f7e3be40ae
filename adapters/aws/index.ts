/** A store on AWS: objects in S3, pointers in DynamoDB, and its stream as the doorbell. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { S3Client } from '@aws-sdk/client-s3'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../../domain/error.js'
import type { BlobStore, Clock, Doorbell, Ids, PointerStore } from '../../domain/ports/index.js'
import { attempt, run } from '../../domain/task.js'
import { memoryDoorbell } from '../memory/index.js'
import { blobsByTenant } from '../tenant-places.js'
import { type AwsConnection, clientOptions } from './client.js'
import { type BootstrapReport, bootstrapTable } from './dynamodb/bootstrap.js'
import { dynamoPointerStore } from './dynamodb/pointer-store.js'
import type { Finding } from './finding.js'
import { inspectAws } from './inspect.js'
import { type OnRequest, type ServiceRequest, watchRequests } from './requests.js'
import { type S3BlobStore, s3BlobStore } from './s3/blob-store.js'
import type { AwsSettings, BucketPlace } from './settings.js'
import { streamApi } from './streams/api.js'
import { streamDoorbell } from './streams/doorbell.js'

export interface AwsAdapters {
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly doorbell: Doorbell
  /** What `doctor` wants to know beside what it can try by itself. */
  inspect(): TaskEither<AnnalsError, ReadonlyArray<Finding>>
  bootstrap(): TaskEither<AnnalsError, BootstrapReport>
  close(): Promise<void>
}

export interface AwsWorld {
  readonly clock: Clock
  readonly ids: Ids
  /** Hears of every request, retries included. */
  readonly onRequest?: OnRequest
  readonly credentials?: AwsConnection['credentials']
}

export const openAws = (settings: AwsSettings, world: AwsWorld): TaskEither<AnnalsError, AwsAdapters> =>
  attempt(async () => {
    const adapters = makeAdapters(settings, world)
    try {
      if (settings.autoCreate === true) await run(adapters.bootstrap())
      return adapters
    } catch (error) {
      await adapters.close()
      throw error
    }
  })

function makeAdapters(settings: AwsSettings, world: AwsWorld): AwsAdapters {
  const { table } = settings
  const { clock, ids } = world
  let lastTimes: { readonly server: number; readonly here: number } | undefined
  const clients = makeClients(settings, world, ({ serverTime }) => {
    if (serverTime !== undefined) lastTimes = { server: serverTime, here: clock.now() / 1000 }
  })
  const { s3, dynamodb, streams } = clients

  const byBucket = new Map<string, S3BlobStore>()
  const blobsAt = ({ bucket, prefix }: BucketPlace): S3BlobStore => {
    const lock = lockOf(settings)
    const blobs = s3BlobStore({ ...settings, client: s3, bucket, prefix, clock, lock })
    byBucket.set(bucket, blobs)
    return blobs
  }
  const home = blobsAt(settings)
  const tenants = settings.buckets && new Map([...settings.buckets].map(([tenant, place]) => [tenant, blobsAt(place)]))
  const bell =
    settings.stream === false ? undefined : streamDoorbell({ apis: [streamApi(table, dynamodb, streams)], clock })

  return {
    blobs: tenants === undefined ? home : blobsByTenant(home, tenants),
    pointers: dynamoPointerStore({ client: dynamodb, table, clock, ids }),
    doorbell: bell ?? memoryDoorbell(),
    inspect: () =>
      attempt(() => inspectAws({ ...settings, s3, dynamodb, buckets: byBucket, clock, serverTime: () => lastTimes })),
    bootstrap: () => bootstrapTable({ client: dynamodb, table, clock, tags: settings.tags }),
    close: async () => {
      bell?.close()
      for (const client of Object.values(clients)) client.destroy()
    },
  }
}

/** Objects alone, in a bucket and below a prefix: a place for exports. */
export const openBucket = (
  settings: Omit<AwsSettings, 'table'>,
  world: AwsWorld,
): TaskEither<AnnalsError, Pick<AwsAdapters, 'blobs' | 'close'>> =>
  attempt(async () => {
    const s3 = makeS3(settings, world)
    if (world.onRequest !== undefined) watchRequests(s3, 's3', world.onRequest)
    const blobs = s3BlobStore({ ...settings, client: s3, clock: world.clock, lock: undefined })
    return { blobs, close: async () => s3.destroy() }
  })

interface Clients {
  readonly s3: S3Client
  readonly dynamodb: DynamoDBClient
  readonly streams: DynamoDBStreamsClient
}

function makeClients(settings: AwsSettings, world: AwsWorld, hear: OnRequest): Clients {
  const { dynamodbEndpoint = settings.endpoint } = settings
  const { onRequest } = world
  const clients: Clients = {
    s3: makeS3(settings, world),
    dynamodb: new DynamoDBClient(connect(settings, world, dynamodbEndpoint)),
    streams: new DynamoDBStreamsClient(connect(settings, world, dynamodbEndpoint)),
  }
  const tell = (request: ServiceRequest): void => {
    hear(request)
    onRequest?.(request)
  }
  watchRequests(clients.s3, 's3', tell)
  watchRequests(clients.dynamodb, 'dynamodb', tell)
  watchRequests(clients.streams, 'streams', tell)
  return clients
}

function makeS3(settings: Omit<AwsSettings, 'table'>, world: AwsWorld): S3Client {
  const { s3Endpoint = settings.endpoint, pathStyle } = settings
  return new S3Client({
    ...connect(settings, world, s3Endpoint),
    forcePathStyle: pathStyle ?? s3Endpoint !== undefined,
    // Every put has a SHA-256 of its own, and every body is checked against its hash when it is read.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}

const connect = (
  { region, maxAttempts, requestTimeout }: Omit<AwsSettings, 'table'>,
  { credentials }: AwsWorld,
  endpoint: string | undefined,
) =>
  clientOptions({
    // A server of one's own has no regions, and the SDK insists on one.
    region: region ?? (endpoint === undefined ? undefined : (process.env.AWS_REGION ?? 'us-east-1')),
    endpoint,
    credentials,
    bounds: {
      ...(maxAttempts !== undefined && { maxAttempts }),
      ...(requestTimeout !== undefined && { requestMs: requestTimeout }),
    },
  })

const lockOf = ({ lockMode, lockDays }: AwsSettings) =>
  lockMode === undefined || lockDays === undefined ? undefined : { mode: lockMode, days: lockDays }
