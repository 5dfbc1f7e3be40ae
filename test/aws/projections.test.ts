/** Projections on real servers: the object model as an ordinary S3 client sees it, disasters, and workers at work. */
import { DynamoDBClient, ScanCommand, type ScanCommandOutput } from '@aws-sdk/client-dynamodb'
import { DeleteObjectsCommand, GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { currentIndexProjection, objectsProjection, type ResourceVersion, type Tenant } from '../../src/index.js'
import { files, missing, resourcesOf } from '../data/sources.js'
import { loseTable, makePlace, type Place } from './stores.js'
import { connectionTo, describeWorlds, s3ClientFor, type World } from './worlds.js'

const both = [currentIndexProjection, objectsProjection()]
const home = 'of/a/prefix/clinic/'

/** Every key below a prefix, as any S3 client lists it. */
async function keysOf(s3: S3Client, Bucket: string, Prefix: string): Promise<string[]> {
  const keys: string[] = []
  let StartAfter: string | undefined
  for (;;) {
    const { Contents = [], IsTruncated } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix, StartAfter }))
    keys.push(...Contents.map(({ Key = '' }) => Key))
    StartAfter = keys.at(-1)
    if (IsTruncated !== true) return keys
  }
}

const read = async (s3: S3Client, Bucket: string, Key: string): Promise<string> =>
  (await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()) ?? ''

async function projectedOf(s3: S3Client, bucket: string): Promise<string[]> {
  return [...(await keysOf(s3, bucket, `${home}resources/`)), ...(await keysOf(s3, bucket, `${home}history/`))]
}

async function contents(s3: S3Client, bucket: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const key of await projectedOf(s3, bucket)) found.set(key, await read(s3, bucket, key))
  return found
}

async function removeAll(s3: S3Client, Bucket: string, keys: ReadonlyArray<string>): Promise<void> {
  for (let done = 0; done < keys.length; done += 1_000) {
    const Objects = keys.slice(done, done + 1_000).map((Key) => ({ Key }))
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  }
}

async function eventsOf(tenant: Tenant): Promise<ResourceVersion[]> {
  const events: ResourceVersion[] = []
  for await (const commit of tenant.commits()) for (const each of commit.transactions) events.push(...each.events)
  return events
}

/** The object model as it is written down, spelled out once more. */
function expectedKeys(events: ReadonlyArray<ResourceVersion>): string[] {
  const keys = new Set<string>()
  for (const { type, id, version, at, position } of events) {
    const name = `${version}_${position.partition}-${position.seq}-${position.index}.json`
    const instant = at.replace(/[-:.]/g, '')
    expect(instant).toMatch(/^\d{8}T\d{12}Z$/)
    keys.add(`${home}resources/${type}/${id}/current.json`)
    keys.add(`${home}resources/${type}/${id}/_history/${version}.json`)
    keys.add(`${home}history/type/${type}/${instant}_${id}_${name}`)
    keys.add(`${home}history/system/${instant}_${type}_${id}_${name}`)
  }
  return [...keys].sort()
}

if (missing !== undefined) console.log(missing)

describeWorlds('the objects projection', (world) => {
  test.skipIf(missing !== undefined)('of the HL7 examples is the object model, key by key', async () => {
    const place = await makePlace(world)
    const s3 = s3ClientFor(world.s3)
    const store = await place.open()
    const tenant = await store.tenant('clinic')
    // moto takes its time: of so many resources, one.
    const every = world.name === 'moto' ? 16 : 1
    const path = files().others.at(-1) ?? ''
    const resources = resourcesOf(path).filter((_, i) => i % every === 0)
    for (let done = 0; done < resources.length; done += 200)
      await tenant.transact(
        resources.slice(done, done + 200).map(({ type, id, text }) => {
          const body = Buffer.from(text, 'latin1')
          return { op: 'update' as const, type, id, body }
        }),
      )
    for (const { type, id } of resources.slice(0, 20)) await tenant.delete(type, id)
    await store.projections.run('clinic', [objectsProjection()])

    const events = await eventsOf(tenant)
    expect((await projectedOf(s3, place.bucket)).sort()).toEqual(expectedKeys(events))
    for (const event of events.filter((_, i) => i % 97 === 0)) {
      const text = await read(
        s3,
        place.bucket,
        `${home}resources/${event.type}/${event.id}/_history/${event.version}.json`,
      )
      expect(text.endsWith(event.deleted ? '"}' : `"resource":${event.text()}}`)).toBe(true)
      expect(JSON.parse(text)).toMatchObject({
        type: event.type,
        id: event.id,
        version: event.version,
        op: event.op,
        at: event.at,
      })
    }
    await store.close()
  })
})

/** Creates, updates, deletions, large bodies. */
async function live(tenant: Tenant, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    const body = { resourceType: 'Patient', id: `p${n % 7}`, n, text: 'x'.repeat(n % 5 === 0 ? 3_000 : 10) }
    await tenant.update('Patient', `p${n % 7}`, body)
    if (n % 4 === 0) await tenant.delete('Patient', `p${(n + 3) % 7}`)
    if (n % 6 === 0)
      await tenant.transact(
        [1, 2, 3].map((i) => ({ op: 'create', type: 'Task', id: `t${n}-${i}`, body: { resourceType: 'Task' } })),
      )
  }
}

const limits = { maxInlineBytes: 2_000 }

/** Every item that the log or a projection makes: not the leases and places. */
async function itemsOf(world: World, { table }: Place): Promise<Map<string, unknown>> {
  const client = new DynamoDBClient(connectionTo(world.dynamodb))
  const found = new Map<string, unknown>()
  let ExclusiveStartKey: ScanCommandOutput['LastEvaluatedKey']
  do {
    const page: ScanCommandOutput = await client.send(
      new ScanCommand({ TableName: table, ConsistentRead: true, ExclusiveStartKey }),
    )
    for (const { _rev, _write, ...item } of page.Items ?? [])
      if (!/^[LC]#/.test(item.pk?.S ?? '')) found.set(`${item.pk?.S} ${item.sk?.S}`, item)
    ExclusiveStartKey = page.LastEvaluatedKey
  } while (ExclusiveStartKey !== undefined)
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

describeWorlds('a disaster', (world) => {
  test('that leaves nothing but the log takes nothing: pointers, indexes and objects come back, byte for byte', async () => {
    const place = await makePlace(world)
    const s3 = s3ClientFor(world.s3)
    const before = await place.open({ limits })
    await live(await before.tenant('clinic'), 0, 30)
    await before.projections.run('clinic', both)
    const [items, objects] = [await itemsOf(world, place), await contents(s3, place.bucket)]
    const listed = await (await before.tenant('clinic')).list('Patient')
    await before.close()
    expect([...items.keys()].some((key) => key.startsWith('K#'))).toBe(true)
    expect(objects.size).toBeGreaterThan(150)

    await removeAll(s3, place.bucket, [...objects.keys()])
    await loseTable(world, place)
    expect(await projectedOf(s3, place.bucket)).toEqual([])
    const after = await place.open({ limits })
    await after.recover('clinic', { projections: both })
    expect(await itemsOf(world, place)).toEqual(items)
    expect(await contents(s3, place.bucket)).toEqual(objects)
    expect(await after.verify('clinic', { deep: true })).toMatchObject({ differences: 0 })
    const { entries } = await (await after.tenant('clinic')).list('Patient')
    expect(entries.map(({ id, version }) => [id, version])).toEqual(
      listed.entries.map(({ id, version }) => [id, version]),
    )
    await after.close()
  })
})

describeWorlds('workers', (world) => {
  test('share the tenants of a table, and project what is written meanwhile', async () => {
    const place = await makePlace(world, { stream: true })
    const s3 = s3ClientFor(world.s3)
    const writing = await place.open({ limits })
    const stores = [await place.open(), await place.open()]
    const workers = stores.map((store) => store.projections.work(both, { leaseMs: 3_000 }))
    const tenants = [await writing.tenant('clinic'), await writing.tenant('ward')]
    for (const tenant of tenants) await live(tenant, 0, 10)
    for (const tenant of tenants) {
      const { position } = await tenant.update('Patient', 'last', { resourceType: 'Patient', id: 'last' })
      if (position === undefined) throw new Error('it wrote nothing')
      for (const { name } of both) await tenant.whenProjected(name, position, { timeoutMs: 60_000 })
    }
    await Promise.all(workers.map((worker) => worker.stop()))
    for (const { name } of tenants) expect(await writing.verify(name, { deep: true })).toMatchObject({ differences: 0 })
    expect((await projectedOf(s3, place.bucket)).sort()).toEqual(expectedKeys(await eventsOf(tenants[0] as Tenant)))
    for (const store of [...stores, writing]) await store.close()
  })
})
