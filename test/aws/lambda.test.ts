/** A function on a real table's stream: its records, in the shape in which Lambda hands them over, end as a clean fold. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  type _Record,
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams'
import { expect, test } from 'vitest'
import { streamApi } from '../../adapters/aws/streams/api.js'
import { defineProjection, type Tenant } from '../../src/index.js'
import { projectionHandler } from '../../src/lambda/index.js'
import { context, headRecord } from '../lambda/events.js'
import { esbuild } from '../program.js'
import { line } from '../projections/diary.js'
import { eventsOf } from '../projections/histories.js'
import { makePlace } from './stores.js'
import { connectionTo, describeWorlds } from './worlds.js'

const require = createRequire(import.meta.url)

const names = ['t', 'u/v', 'w x']
const batchSize = 25

describeWorlds('a function on a stream', (world) => {
  const tables = new DynamoDBClient(connectionTo(world.dynamodb))
  const streams = new DynamoDBStreamsClient(connectionTo(world.dynamodb))

  /** Everything that the stream has, shard by shard, as Lambda would send it. */
  async function readStream(table: string): Promise<Array<ReturnType<typeof asLambda>>> {
    const StreamArn = await streamApi(table, tables, streams).findStream()
    const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }))
    const found: _Record[] = []
    for (const { ShardId } of StreamDescription?.Shards ?? []) {
      const start = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const
      let ShardIterator = (await streams.send(new GetShardIteratorCommand(start))).ShardIterator
      // A shard that is open has no end: two empty pages are taken for one.
      for (let empty = 0; ShardIterator !== undefined && empty < 2; ) {
        const page: { Records?: _Record[]; NextShardIterator?: string } = await streams.send(
          new GetRecordsCommand({ ShardIterator }),
        )
        found.push(...(page.Records ?? []))
        empty = page.Records?.length ? 0 : empty + 1
        ShardIterator = page.NextShardIterator
      }
    }
    return found.map((record) => asLambda(record, StreamArn ?? ''))
  }

  test('ends as a clean fold of every log, and goes on when they grow', async () => {
    const place = await makePlace(world, { stream: true })
    const writer = await place.open()
    const tenants = await Promise.all(names.map((name) => writer.tenant(name, { kind: 'json' })))
    const ledger = new Map<string, string>()
    const projection = defineProjection({
      name: 'ledger',
      version: 1,
      apply: async ({ events }, { tenant }) => {
        for (const event of events) ledger.set(`${tenant} ${event.position.seq}-${event.position.index}`, line(event))
      },
    })
    const failures: unknown[] = []
    const onFailure = (error: unknown): void => void failures.push(error)
    const handler = projectionHandler({ store: place.url, projections: [projection], onFailure })
    const consume = async (records: ReadonlyArray<unknown>): Promise<void> => {
      for (let at = 0; at < records.length; at += batchSize)
        expect(await handler({ Records: records.slice(at, at + batchSize) }, context())).toEqual({
          batchItemFailures: [],
        })
    }
    const expectFolds = async (): Promise<void> => {
      for (const tenant of tenants)
        expect([...ledger].filter(([key]) => key.startsWith(`${tenant.name} `)).map(([, told]) => told)).toEqual(
          await eventsOf(tenant),
        )
    }

    await grow(tenants, 5)
    const first = await readStream(place.table)
    expect(first.filter(({ dynamodb }) => dynamodb.Keys?.pk?.S?.startsWith('H#')).length).toBeGreaterThanOrEqual(15)
    await consume(first)
    await expectFolds()
    await grow(tenants, 3)
    // The shard from its beginning again, as after a failure: what has been told is not told again.
    ledger.clear()
    await consume(await readStream(place.table))
    expect(ledger.size).toBe(names.length * 3 * 2)
    expect(failures).toEqual([])
    await writer.close()
  })

  test('costs what it reads and writes for one projection of a log that has one commit more', async () => {
    const place = await makePlace(world, { stream: true })
    const writer = await place.open()
    const tenant = await writer.tenant('t', { kind: 'json' })
    await tenant.update('Note', 'a', {})
    const spent = new Map<string, number>()
    const onRequest = ({ service, operation }: { service: string; operation: string }): void => {
      const name = `${service}.${operation}`
      spent.set(name, (spent.get(name) ?? 0) + 1)
    }
    const projection = defineProjection({ name: 'counted', version: 1, apply: async () => undefined })
    const handler = projectionHandler({ store: place.url, options: { aws: { onRequest } }, projections: [projection] })
    const head = (n: number) => ({ Records: [headRecord('t', n, n)] })
    expect(await handler(head(1), context())).toEqual({ batchItemFailures: [] })
    await tenant.update('Note', 'a', {})
    spent.clear()
    expect(await handler(head(2), context())).toEqual({ batchItemFailures: [] })
    expect(Object.fromEntries(spent)).toEqual({
      's3.GetObject': 2,
      'dynamodb.GetItem': 6,
      'dynamodb.Query': 2,
      'dynamodb.PutItem': 1,
    })
    spent.clear()
    // Somebody else was faster.
    expect(await handler(head(2), context())).toEqual({ batchItemFailures: [] })
    expect(Object.fromEntries(spent)).toEqual({ 's3.GetObject': 1, 'dynamodb.GetItem': 5, 'dynamodb.Query': 2 })
    await writer.close()
  })

  test('runs from one file without LMDB, as the operations page bundles it', async () => {
    const place = await makePlace(world, { stream: true })
    const writer = await place.open()
    const tenant = await writer.tenant('t', { kind: 'json' })
    await tenant.update('Note', 'a', {})
    const folder = mkdtempSync(join(tmpdir(), 'annals-function-'))
    const src = new URL('../../src', import.meta.url).pathname
    const stub = join(folder, 'no-lmdb.cjs')
    writeFileSync(stub, "exports.open = exports.asBinary = () => { throw new Error('no LMDB in a function') }")
    const contents = `
      import { currentIndexProjection } from '${src}/index.ts'
      import { projectionHandler } from '${src}/lambda/index.ts'
      export const handler = projectionHandler({ store: '${place.url}', projections: [currentIndexProjection] })`
    const outfile = join(folder, 'index.cjs')
    await esbuild.build({
      stdin: { contents, resolveDir: src, loader: 'ts' },
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      alias: { lmdb: stub },
      outfile,
    })
    const { handler } = require(outfile)
    expect(await handler({ Records: [headRecord('t', 1, 1)] }, context())).toEqual({ batchItemFailures: [] })
    expect(await writer.projections.list('t')).toMatchObject([{ name: 'current-index', seq: 1, lag: { commits: 0 } }])
    await writer.close()
    rmSync(folder, { recursive: true })
  })
})

async function grow(tenants: ReadonlyArray<Tenant>, commits: number): Promise<void> {
  for (let n = 0; n < commits; n++)
    for (const tenant of tenants)
      await tenant.transact([
        { op: 'update', type: 'Note', id: `${n % 2}`, body: { n } },
        { op: 'update', type: 'Task', id: 'x', body: { text: 'ü'.repeat(n) } },
      ])
}

/** The same record, as JSON has it: an instant is seconds, and the stream is named. */
function asLambda({ dynamodb = {}, ...record }: _Record, eventSourceARN: string) {
  const at = dynamodb.ApproximateCreationDateTime
  return JSON.parse(
    JSON.stringify({
      ...record,
      eventSource: 'aws:dynamodb',
      eventSourceARN,
      dynamodb: { ...dynamodb, ApproximateCreationDateTime: at && at.getTime() / 1000 },
    }),
  ) as { readonly dynamodb: NonNullable<_Record['dynamodb']> }
}
