/** Disasters on real servers: the table is gone, or older than its log, or newer. */
import { type AttributeValue, DynamoDBClient, PutItemCommand, paginateScan } from '@aws-sdk/client-dynamodb'
import { DeleteObjectCommand, HeadBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { bootstrapStore, currentIndexProjection, openStore, type Store, type Tenant } from '../../src/index.js'
import { deleteTable, loseTable, makePlace, type Place, urlOf } from './stores.js'
import { connectionTo, describeWorlds, s3ClientFor, type World } from './worlds.js'

const limits = { maxInlineBytes: 2_000, maxCommitEvents: 7 }
const tenants = ['clinic', 'a b/c'] as const

/** Creates, updates, deletes, large bodies, request keys and conflicts, in two tenants. */
async function live(tenant: Tenant, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    const id = `p${n % 9}`
    const body = { resourceType: 'Patient', id, n, text: 'x'.repeat(n % 5 === 0 ? 3_000 : 10) }
    await tenant.update('Patient', id, body, { request: `r${n}`, actor: 'drill' })
    if (n % 4 === 0) await tenant.delete('Patient', `p${(n + 3) % 9}`)
    if (n % 3 === 0)
      await tenant.transact(
        Array.from({ length: 5 }, (_, i) => ({
          op: 'create' as const,
          type: 'Task',
          body: { resourceType: 'Task', i, n },
        })),
      )
    await tenant.create('Patient', { resourceType: 'Patient', id }, { id }).catch(() => undefined)
  }
}

const fill = async (store: Store, from: number, to: number): Promise<void> => {
  for (const name of tenants) await live(await store.tenant(name), from, to)
}

/** Everything that readers see of both tenants. */
async function sight(store: Store): Promise<unknown> {
  const seen: unknown[] = []
  for (const name of tenants) {
    const tenant = await store.tenant(name)
    for (const scope of [{}, { type: 'Task' }, { type: 'Patient', id: 'p1' }]) {
      const { entries } = await tenant.history(scope, { count: 1_000 })
      seen.push(
        entries.map(({ type, id, version, op, at, position, body }) => [
          type,
          id,
          version,
          op,
          at,
          position,
          body?.toString(),
        ]),
      )
    }
    for (let n = 0; n < 9; n++) seen.push((await tenant.read('Patient', `p${n}`))?.body?.toString())
  }
  return seen
}

async function differences(store: Store): Promise<string[]> {
  const found: string[] = []
  for (const name of tenants)
    await store.verify(name, { onDifference: ({ kind, key, problem }) => found.push(`${kind} ${key}: ${problem}`) })
  return found
}

function drill(world: World, place: Place) {
  const client = new DynamoDBClient(connectionTo(world.dynamodb))
  const TableName = place.table
  /** All items but leases and checkpoints, which no log can rebuild. */
  const items = async () => {
    const found: Record<string, AttributeValue>[] = []
    // Small pages, so that there are several of them.
    for await (const { Items = [] } of paginateScan({ client, pageSize: 100 }, { TableName, ConsistentRead: true }))
      found.push(...Items)
    return new Map(
      found
        .filter(({ pk }) => !/^[LC]#/.test(pk?.S ?? ''))
        .map((item) => [`${item.pk?.S} ${item.sk?.S}`, item] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  }
  const restore = async (copy: Awaited<ReturnType<typeof items>>): Promise<void> => {
    await loseTable(world, place)
    for (const Item of copy.values()) await client.send(new PutItemCommand({ TableName, Item }))
  }
  return { items, restore }
}

/** What makes a row of the table what it is; how its writes were counted is no part of it. */
const facts = (items: ReadonlyMap<string, Record<string, unknown>>) =>
  new Map([...items].map(([key, { _rev: _, _write: __, ...item }]) => [key, item]))

describeWorlds('a disaster', (world) => {
  test('that takes the whole table loses nothing: it is rebuilt from the log, item for item', async () => {
    const place = await makePlace(world)
    const { items } = drill(world, place)
    const before = await place.open({ limits })
    await fill(before, 0, 30)
    // Where a table is lost, recovery takes the index to have been there.
    for (const name of tenants) await before.projections.run(name, [currentIndexProjection])
    const [seen, stored] = [await sight(before), await items()]
    await before.close()
    expect(stored.size).toBeGreaterThan(200)

    await deleteTable(world.dynamodb, place.table)
    const without = await place.open({ limits })
    await expect(without.tenant('clinic')).rejects.toMatchObject({
      _tag: 'StorageRefused',
      message: expect.stringContaining('annals bootstrap'),
    })
    await bootstrapStore(place.url)
    await expect(without.tenant('clinic')).rejects.toMatchObject({ _tag: 'NeedsRecovery' })
    for (const name of tenants) await without.recover(name)
    expect(facts(await items())).toEqual(facts(stored))
    expect(await differences(without)).toEqual([])
    expect(await sight(without)).toEqual(seen)
    await without.close()
  })

  test('that brings back an older table is healed on opening', async () => {
    const place = await makePlace(world)
    const { items, restore } = drill(world, place)
    const store = await place.open({ limits })
    await fill(store, 0, 6)
    const older = await items()
    await fill(store, 6, 14)
    const [seen, newer] = [await sight(store), await items()]
    await store.close()

    await restore(older)
    const healed = await place.open({ limits })
    expect(await sight(healed)).toEqual(seen)
    expect(facts(await items())).toEqual(facts(newer))
    expect(await differences(healed)).toEqual([])
    await healed.close()
  })

  test('that brings back an older log is told, and nothing is changed', async () => {
    const place = await makePlace(world)
    const { items } = drill(world, place)
    const store = await place.open({ limits })
    await fill(store, 0, 6)
    await store.close()
    const stored = await items()
    const s3 = s3ClientFor(world.s3)
    const Prefix = 'of/a/prefix/clinic/log/0/'
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: place.bucket, Prefix }))
    for (const { Key } of Contents.slice(-3)) await s3.send(new DeleteObjectCommand({ Bucket: place.bucket, Key }))
    const mixed = await place.open({ limits })
    await expect(mixed.tenant('clinic')).rejects.toMatchObject({ _tag: 'LogMismatch' })
    expect(await items()).toEqual(stored)
    // The other tenant's log is whole.
    await mixed.tenant('a b/c')
    await mixed.close()
  })

  test('of a bucket that is missing is named, and none is made', async () => {
    const place = await makePlace(world)
    const Bucket = `${place.bucket}-x`
    const url = urlOf(world, Bucket, place.table)
    for (const attempt of [1, 2])
      await expect(openStore(url), `attempt ${attempt}`).rejects.toMatchObject({
        _tag: 'StorageRefused',
        message: expect.stringContaining('NoSuchBucket'),
      })
    const s3 = s3ClientFor(world.s3)
    await expect(s3.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 404 },
    })
  })
})
