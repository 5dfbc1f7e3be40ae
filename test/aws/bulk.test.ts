/** Exports and submissions on the real servers: what they cost in requests to S3, and that exports live there as they do elsewhere. */
import { spawn } from 'node:child_process'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { openBucket } from '../../adapters/aws/index.js'
import type { OnRequest } from '../../adapters/aws/requests.js'
import { bucketSettings } from '../../adapters/aws/settings.js'
import { memoryDoorbell, memoryPointerStore } from '../../adapters/memory/index.js'
import { systemClock } from '../../adapters/system-clock.js'
import { systemIds } from '../../adapters/system-ids.js'
import { defaultSourceRules, webSources } from '../../adapters/web/sources.js'
import { orThrow, run } from '../../domain/task.js'
import { defaultLimits, type Limits, type Store, type Tenant } from '../../src/index.js'
import { makeStore } from '../../src/store.js'
import { file } from '../cli/harness.js'
import { contentsOf, sorted, stateAt } from '../export/place.js'
import { program } from '../program.js'
import { bounds } from '../torture/exports.js'
import { makePlace } from './stores.js'
import { describeWorlds, makeBucket, s3ClientFor, type World } from './worlds.js'

const commits = 40

/** Commits of five resources each, of two types, the later ones over the earlier. */
async function fill(tenant: Tenant): Promise<void> {
  for (let n = 0; n < commits; n++)
    await tenant.transact(
      Array.from({ length: 5 }, (_, i) => {
        const type = i % 2 === 0 ? 'Patient' : 'Basic'
        const body = `{"resourceType":"${type}","n":${n}.10,"text":"${'x'.repeat(100)}"}`
        return { op: 'update' as const, type, id: `r${(n * 3 + i) % 60}`, body }
      }),
    )
}

async function keysIn(world: World, bucket: string, part: string): Promise<string[]> {
  const listed = await s3ClientFor(world.s3).send(new ListObjectsV2Command({ Bucket: bucket }))
  return (listed.Contents ?? []).map(({ Key = '' }) => Key).filter((key) => key.includes(part))
}

const whole = async (tenant: Tenant, id: string, until?: string): Promise<ReadonlyMap<string, string>> => {
  const found = await contentsOf(tenant, await tenant.export({ id, until }))
  expect(sorted(found.resources)).toEqual(sorted((await stateAt(tenant, found.status.transactionTime)).resources))
  return found.files
}

/** Objects on the server, whose requests are counted, and pointers in memory: so ten thousand lines take a second. */
async function counted(world: World) {
  let counts: Record<string, number> = {}
  const onRequest: OnRequest = ({ operation }) => {
    counts[operation] = (counts[operation] ?? 0) + 1
  }
  const [clock, ids] = [systemClock, systemIds]
  const bucket = await makeBucket(world.s3)
  const settings = orThrow(bucketSettings(`s3://${bucket}/of/a/prefix?s3-endpoint=${world.s3}`, process.env))
  const { blobs, close } = await run(openBucket(settings, { clock, ids, onRequest }))
  const pointers = memoryPointerStore({ clock })
  const open = (limits: Partial<Limits> = {}): Promise<Store> =>
    makeStore(
      {
        url: 'memory:',
        blobs,
        pointers,
        doorbell: memoryDoorbell(),
        clock,
        ids,
        baton: { leaseMs: 1_000, turnMs: 0, pollMs: 5, lookMs: 60_000 },
        pollMs: 1_000,
        pointersLost: false,
        sources: webSources({ ...defaultSourceRules, allowFiles: true }, { clock, ids }),
        close: async () => undefined,
      },
      { create: true, recover: false, limits: { ...defaultLimits, ...limits } },
    )
  const spent = (): { gets: number; puts: number; others: number } => {
    const { GetObject: gets = 0, PutObject: puts = 0, ...rest } = counts
    counts = {}
    return { gets, puts, others: Object.values(rest).reduce((sum, each) => sum + each, 0) }
  }
  return { open, spent, close }
}

describeWorlds('requests to S3', (world) => {
  test('of an export are one get of each commit, one put of each part, and a few for its state', async () => {
    const { open, spent, close } = await counted(world)
    const cost = async (limits: Partial<Limits> = {}) => {
      const tenant = await (await open(limits)).tenant('t')
      spent()
      const { parts } = await (await tenant.export()).done()
      const { gets, puts, others } = spent()
      expect(others).toBe(0)
      return { gets, puts: puts - parts.length, parts: parts.length }
    }
    await fill(await (await open()).tenant('t'))
    const once = await cost()
    expect(once).toMatchObject({ parts: 2, puts: 4 })
    expect(once.gets - commits).toBeLessThan(10)
    await fill(await (await open()).tenant('t'))
    expect(await cost()).toEqual({ ...once, gets: once.gets + commits })
    // With checkpoints, each of which moves the state.
    const often = await cost(bounds)
    expect(often.parts).toBeGreaterThan(5)
    expect(often.puts).toBeGreaterThan(once.puts)
    expect(often.gets - often.puts).toBe(once.gets + commits - once.puts)
    await close()
  })

  test('of a submission of 10,000 lines are less than a hundred puts', async () => {
    const { open, spent, close } = await counted(world)
    const store = await open()
    const { submissions } = await store.tenant('t')
    const lines = Array.from({ length: 10_000 }, (_, n) => `{"resourceType":"Basic","id":"b${n}","n":${n}}\n`)
    const url = `file:${file('basic.ndjson', Buffer.from(lines.join('')))}`
    spent()
    const name = { submitter: 'us', submission: 'one' }
    await submissions.begin(name)
    await submissions.add(name, { files: [{ url, type: 'Basic', count: lines.length }] })
    const { counts } = await submissions.process(name)
    expect(counts).toMatchObject({ lines: 10_000, created: 10_000, validationErrors: 0, processingErrors: 0 })
    const { gets, puts, others } = spent()
    console.log(`a submission of 10,000 lines: ${puts} puts, ${gets} gets, ${others} other requests to S3`)
    expect(puts).toBeLessThan(100)
    expect(gets).toBeLessThan(100)
    expect(others).toBeLessThan(20)
    await close()
  })
})

describeWorlds('an export in a bucket', (world) => {
  async function opened(): Promise<{ bucket: string; url: string; store: Store; tenant: Tenant }> {
    const place = await makePlace(world)
    const store = await place.open({ limits: bounds })
    const tenant = await store.tenant('exported')
    await fill(tenant)
    return { bucket: place.bucket, url: place.url, store, tenant }
  }

  test('is listed, read, cancelled, and removed when it has expired', async () => {
    const { bucket, store, tenant } = await opened()
    const files = await whole(tenant, 'a')
    const jobs = `/bulk/export/jobs/a/`
    const kept = (await keysIn(world, bucket, jobs)).map((key) => key.slice(key.indexOf(jobs) + jobs.length))
    expect(kept.sort()).toEqual([...files.keys(), 'manifest.json', 'state.json'].sort())
    const short = await tenant.export({ id: 'b', keepMs: 0 })
    await short.done()
    expect((await tenant.exports.list()).map(({ id, state }) => [id, state])).toEqual([
      ['a', 'complete'],
      ['b', 'complete'],
    ])
    expect(await tenant.exports.cleanup()).toBe(1)
    expect(await keysIn(world, bucket, '/jobs/b/')).toEqual([])
    expect(await (await tenant.exports.resume('a')).cancel()).toMatchObject({ state: 'cancelled', parts: [] })
    expect(await keysIn(world, bucket, jobs)).toEqual([expect.stringMatching(/state\.json$/)])
    await store.close()
  })

  // moto takes its time for it.
  test.skipIf(world.name === 'moto')('whose process is killed is ended by another, with the same bytes', async () => {
    const { url, store, tenant } = await opened()
    const { at: until } = await tenant.head()
    await kill(url, 'killed', until)
    expect(await tenant.exports.status('killed')).toMatchObject({ state: 'in-progress' })
    await tenant.update('Basic', 'late', '{"resourceType":"Basic"}')
    const files = await whole(tenant, 'killed', until)
    expect([...(await whole(tenant, 'calm', until))]).toEqual([...files])
    await store.close()
  })

  test('of its own is the same files there, for good, and is refused where something is', async () => {
    const { store, tenant } = await opened()
    const bucket = await makeBucket(world.s3)
    const to = `s3://${bucket}/some/where?s3-endpoint=${world.s3}`
    const found = await contentsOf(tenant, await tenant.export({ id: 'out', to, keepMs: 0 }))
    expect(sorted(found.resources)).toEqual(sorted((await stateAt(tenant, found.status.transactionTime)).resources))
    const there = await keysIn(world, bucket, '')
    expect(there).toEqual([...found.files.keys(), 'manifest.json'].map((name) => `some/where/${name}`).sort())
    expect(await tenant.exports.cleanup()).toBe(1)
    expect(await keysIn(world, bucket, '')).toEqual(there)
    await expect(tenant.export({ to })).rejects.toMatchObject({ _tag: 'InvalidInput' })
    await store.close()
  })
})

/** Begins an export in a process of its own, and kills it at its first part. */
async function kill(url: string, id: string, until: string): Promise<void> {
  const script = program(new URL('../torture/exporter.ts', import.meta.url))
  const child = spawn(process.execPath, [script, url, id, until], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.stdout.on('data', (said) => {
    if (String(said).includes('part-')) child.kill('SIGKILL')
  })
  const signal = await new Promise((resolve) => child.on('close', (_, by) => resolve(by)))
  expect(signal).toBe('SIGKILL')
}
