/**
 * A short simulation whose objects and items are on real servers: the same faults, crashes, outages and restores, decided
 * by the same seeds, and the servers' own idea of what a conditional write is.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { beforeAll, expect, test } from 'vitest'
import { dynamoPointerStore } from '../../adapters/aws/dynamodb/pointer-store.js'
import { s3BlobStore } from '../../adapters/aws/s3/blob-store.js'
import { systemClock } from '../../adapters/system-clock.js'
import { systemIds } from '../../adapters/system-ids.js'
import type { Clock, PointerStore } from '../../domain/ports/index.js'
import { simulate } from '../simulation/simulate.js'
import { report } from '../simulation/statistics.js'
import { type Storage, unhurried } from '../simulation/storage.js'
import { connectionTo, describeWorlds, makeBucket, makeTable, s3ClientFor, uniqueName } from './worlds.js'

const seedCount = 6

describeWorlds('a simulation', ({ s3, dynamodb }) => {
  const tables = new DynamoDBClient(connectionTo(dynamodb))
  const client = s3ClientFor(s3)
  let bucket: string
  beforeAll(async () => {
    bucket = await makeBucket(s3)
  })

  /** A table of its own, made as soon as it is first asked for anything. */
  function newTable(clock: Clock): PointerStore {
    const table = uniqueName()
    const store = dynamoPointerStore({ client: tables, table, clock, ids: systemIds })
    let made: Promise<unknown> | undefined
    return Object.fromEntries(
      Object.entries(store).map(([name, method]) => [
        name,
        (...args: never[]) =>
          async () => {
            made ??= makeTable(dynamodb, table)
            await made
            return (method as (...args: never[]) => () => Promise<unknown>)(...args)()
          },
      ]),
    ) as unknown as PointerStore
  }

  const storage = (): Storage =>
    unhurried(s3BlobStore({ client, bucket, prefix: `${uniqueName()}/`, clock: systemClock }), newTable)

  const first = 1 + (Date.now() % 100_000)
  for (let seed = first; seed < first + seedCount; seed++)
    test(`finds nothing wrong (seed ${seed})`, async () => {
      const result = await simulate(seed, { storage: storage() })
      expect(result.failure, result.failure === undefined ? '' : report(result)).toBeUndefined()
      expect(result.statistics.commits).toBeGreaterThan(0)
    })
})
