/**
 * The contracts of the ports, kept through a line that fails: once before requests are applied, and once after, when only
 * the answers are lost. ANNALS_FAULT_SEED repeats the chances of a run,
 * though not the order in which concurrent requests meet them.
 */
import { randomInt } from 'node:crypto'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { ConfiguredRetryStrategy } from '@smithy/core/retry'
import type { RetryStrategyV2, StandardRetryToken } from '@smithy/types'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dynamoPointerStore } from '../../adapters/aws/dynamodb/pointer-store.js'
import { s3BlobStore } from '../../adapters/aws/s3/blob-store.js'
import { systemClock } from '../../adapters/system-clock.js'
import { systemIds } from '../../adapters/system-ids.js'
import type { BlobStore, Clock, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { blobStoreContract, type ContractPromise, pointerStoreContract } from '../../src/testing/index.js'
import { type FaultPlan, type FaultProxy, startFaultProxy } from '../servers/fault-proxy.js'
import { connectionTo, describeWorlds, makeBucket, makeTable, uniqueName } from './worlds.js'

const seed = Number(process.env.ANNALS_FAULT_SEED ?? randomInt(2 ** 31))

/** Faults that change nothing; of most of them the sender cannot know that. */
const before: FaultPlan = { rates: { throttle: 0.03, 'error-before': 0.03, 'reset-before': 0.03, delay: 0.01 } }
/** Faults that lose the answer of a request that was applied. */
const after: FaultPlan = { rates: { drop: 0.02, 'reset-after': 0.02, 'error-after': 0.02, cut: 0.02 } }

const swapInDoubt = 'a swap whose first try may have been applied and overtaken is unavailable, not refused'

/** What nobody can promise whose answers get lost, and why. */
const noBlobPromise: Readonly<Record<string, string>> = {
  'the first create wins, and a later one changes nothing': 'the winner may be told exists',
  'of 64 concurrent creates of one key exactly one is told created, and the object is that one, whole':
    'the winner may be told exists',
  'a delete removes what is there, and absent keys are no error': 'its last create may be told exists',
  'a counter that 8 callers raise through etags loses no count': 'a raise that was made may be told mismatch',
}
const noSwapPromise: Readonly<Record<string, string>> = {
  'compareAndSet writes over the rev that the caller knows, and counts from 1': swapInDoubt,
  'an item that putAll wrote is not absent and has no rev: compareAndSet leaves it': swapInDoubt,
  'for every condition an expired item is absent': swapInDoubt,
}
const noPointerPromise: Readonly<Record<string, string>> = {
  ...noSwapPromise,
  'an item written anew outlives the expiry of the one that it replaced': 'who advanced it may be told ahead',
  'advance moves an item forward, never back, and never creates it': 'who advanced it may be told ahead',
  'of advances at the same time, in any order, the highest stays': 'who advanced it may be told ahead',
  'advance compares numbers, not their digits, and wants one': 'who advanced it may be told ahead',
}

/** Twelve tries, short waits, and none of the SDK's quota, which a line as bad as this one soon exhausts. */
const tries = (): ConfiguredRetryStrategy => new ConfiguredRetryStrategy(12, (attempt) => attempt)
const patient: RetryStrategyV2 = {
  acquireInitialRetryToken: (scope) => tries().acquireInitialRetryToken(scope),
  refreshRetryTokenForRetry: (token, info) => tries().refreshRetryTokenForRetry(token as StandardRetryToken, info),
  recordSuccess: () => undefined,
}

function suite<Make>(
  contract: ReadonlyArray<ContractPromise<Make>>,
  exceptions: Readonly<Record<string, string>>,
  make: Make,
): void {
  for (const { promise, check } of contract)
    test.skipIf(promise in exceptions)(exceptions[promise] ? `${promise} (${exceptions[promise]})` : promise, () =>
      check(make),
    )
}

test('every exception is one of a promise', () => {
  const promises = [...blobStoreContract, ...pointerStoreContract].map(({ promise }) => promise)
  expect(promises).toEqual(expect.arrayContaining(Object.keys({ ...noBlobPromise, ...noPointerPromise })))
})

describeWorlds(`through faults of seed ${seed}`, ({ s3, dynamodb }) => {
  let lines: FaultProxy[] = []
  let makeBlobs: () => Promise<BlobStore>
  let makePointers: (clock: Clock) => Promise<PointerStore>

  const lineTo = async (target: string): Promise<string> => {
    const line = await startFaultProxy({ target, seed, delayMs: 5 })
    lines = [...lines, line]
    return line.url
  }
  const follow = (plan: FaultPlan): void => {
    for (const line of lines) line.follow(plan)
  }

  beforeAll(async () => {
    const bucket = await makeBucket(s3)
    const client = new S3Client({
      ...connectionTo(await lineTo(s3)),
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      retryStrategy: patient,
    })
    makeBlobs = async () => s3BlobStore({ client, bucket, prefix: `${uniqueName()}/`, clock: systemClock })
    const lossy = new DynamoDBClient({ ...connectionTo(await lineTo(dynamodb)), retryStrategy: patient })
    makePointers = async (clock) => {
      return dynamoPointerStore({ client: lossy, table: await makeTable(dynamodb), clock, ids: systemIds })
    }
  })

  afterAll(async () => {
    const counts = lines.map(({ counts }) => counts)
    for (const line of lines) await line.stop()
    for (const { injected } of counts)
      for (const [fault, count] of Object.entries(injected)) expect(count, fault).toBeGreaterThan(0)
  })

  describe.each([
    ['before a request is applied', before, {}, noSwapPromise],
    ['after it is applied', after, noBlobPromise, noPointerPromise],
  ])('%s', (_, plan, noBlobs, noPointers) => {
    beforeAll(() => follow(plan))
    describe('blobs', () => suite(blobStoreContract, noBlobs, () => makeBlobs()))
    describe('pointers', () => suite(pointerStoreContract, noPointers, (clock) => makePointers(clock)))
  })

  test('of creates of one key at most one is told created, and the object is one of theirs, whole', async () => {
    follow({ rates: { drop: 0.15, 'reset-after': 0.15 } })
    const blobs = await makeBlobs()
    for (let round = 0; round < 8; round++) {
      const key = `t/log/0/${round}`
      const bodies = Array.from({ length: 32 }, (_, i) => `racer ${i} `.repeat(100 + i))
      const answers = await Promise.all(bodies.map((body) => run(blobs.createIfAbsent(key, Buffer.from(body)))))
      const stored = bodies.indexOf(Buffer.from((await run(blobs.get(key)))?.bytes ?? []).toString())
      expect(stored).toBeGreaterThanOrEqual(0)
      const told = answers.flatMap((answer, i) => (answer === 'created' ? [i] : []))
      expect([[], [stored]]).toContainEqual(told)
    }
  })
})
