/** A tenant whose indexes by type are spread over shards: where items are, what reads cost, and what the manifest says. */
import { describe, expect, test } from 'vitest'
import { currentIndexPk, tenantKey, typeIndexPk } from '../../domain/keys.js'
import { pointerFromItem } from '../../domain/pointer.js'
import type { Item } from '../../domain/ports/index.js'
import { everyShard, shardOf } from '../../domain/shards.js'
import { run } from '../../domain/task.js'
import { currentIndexProjection, defaultLimits, type Tenant } from '../../src/index.js'
import { makeTypeIndexes } from '../../src/read/type-indexes.js'
import { failure, kind, makeWorld, outcome, type World } from '../protocol/world.js'

const shards = 5
const ids = Array.from({ length: 100 }, (_, n) => `n${n}`)
const names = (entries: ReadonlyArray<{ id: string; version: number }>): string[] =>
  entries.map(({ id, version }) => `${id}@${version}`)

/** A hundred resources, of which every third was changed; twenty events to a commit. */
async function spread() {
  const world = makeWorld({ shards })
  const site = await world.enter()
  const events = [...ids, ...ids.filter((_, n) => n % 3 === 0)]
  for (let done = 0; done < events.length; done += 20)
    await site.tenant.transact(
      events.slice(done, done + 20).map((id) => ({ op: 'update' as const, type: 'Note', id, body: '{}' })),
    )
  await site.store.projections.run('t', [currentIndexProjection])
  return { ...site, world, events }
}

const log = { tenant: 't', partition: 0 }

async function listed(tenant: Tenant, count: number): Promise<string[]> {
  const found: string[] = []
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const page = await tenant.list('Note', { count, cursor, bodies: false })
    found.push(...page.entries.map(({ id }) => id))
    cursor = page.cursor
  }
  return found
}

const itemsAt = async ({ pointers }: World, pk: string): Promise<ReadonlyArray<Item>> =>
  (await run(pointers.query({ pk, limit: 1_000 }))).items

const manifestOf = async ({ blobs }: World) =>
  JSON.parse(Buffer.from((await run(blobs.get(tenantKey('t'))))?.bytes ?? []).toString())

describe('items', () => {
  test.each([typeIndexPk, currentIndexPk])(
    'of both indexes are in the shard of their id, and in no other',
    async (pk) => {
      const { world, events } = await spread()
      const expected = pk === typeIndexPk ? events : ids
      for (const shard of everyShard(shards)) {
        const found = (await itemsAt(world, pk(log, 'Note', shard))).map(({ attributes }) => attributes.id)
        expect(found.length).toBeGreaterThan(expected.length / shards / 2)
        expect(found.toSorted()).toEqual(expected.filter((id) => shardOf(id, shards) === shard).toSorted())
      }
    },
  )

  test('in another shard are found by verification', async () => {
    const { world, store } = await spread()
    for (const pk of [typeIndexPk, currentIndexPk]) {
      const [item] = (await itemsAt(world, pk(log, 'Note', 0))) as [Item]
      await run(world.pointers.deleteByPrefix([item.pk]))
      await run(world.pointers.putAll([{ ...item, pk: pk(log, 'Note', 1) }]))
    }
    const found = new Set<string>()
    await store.verify('t', { deep: true, onDifference: ({ kind, key }) => found.add(`${kind} ${key.split(' ')[0]}`) })
    expect([...found].sort()).toEqual([
      'index-extra K#t#Note#1',
      'index-missing K#t#Note#0',
      'pointer-extra T#t#Note#1',
      'pointer-missing T#t#Note#0',
    ])
  })
})

describe('pages', () => {
  test('of type history come in log order, whatever is written between, for one query of each shard', async () => {
    const { tenant, events, pointers, blobs } = await spread()
    const seen = new Map<string, number>()
    const expected = events.map((id) => `${id}@${seen.set(id, (seen.get(id) ?? 0) + 1).get(id)}`).reverse()
    const found: string[] = []
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
      pointers.reset()
      blobs.reset()
      const page = await tenant.history({ type: 'Note' }, { count: 30, cursor, bodies: false })
      expect([pointers.count('query'), pointers.count('get'), blobs.count()]).toEqual([shards, 1, 0])
      found.push(...names(page.entries))
      cursor = page.cursor
      await tenant.update('Note', 'later', '{}')
    }
    expect(found).toEqual(expected)
  })

  test.each(['newest-first', 'oldest-first'] as const)(
    'of type history, %s, hold no more than is asked for: what comes behind may have gaps',
    async (order) => {
      const { world } = await spread()
      const indexes = makeTypeIndexes({ log, shards, pointers: world.pointers, limits: defaultLimits })
      const first = async (limit: number) => {
        const descending = order === 'newest-first'
        const ask = async (pk: string) =>
          (await run(world.pointers.query({ pk, descending, limit }))).items.map(pointerFromItem)
        return (await indexes.first('Note', order, limit, ask)).map(({ seq, index }) => `${seq}-${index}`)
      }
      expect(await first(10)).toEqual((await first(200)).slice(0, 10))
    },
  )

  test('of a list come in id order, with what the index has not seen yet', async () => {
    const { tenant } = await spread()
    await tenant.update('Note', 'n50', '{}')
    await tenant.create('Note', '{}', { id: 'n505' })
    await tenant.delete('Note', 'n7')
    expect(await listed(tenant, 7)).toEqual([...ids.filter((id) => id !== 'n7'), 'n505'].sort())
    expect(await tenant.count('Note')).toBe(100)
  })

  test('of a list leave out nothing where most is deleted, and the index is read on', async () => {
    const { tenant, store } = await spread()
    const isKept = (_: string, n: number): boolean => n % 10 === 0
    const deleted = ids.filter((id, n) => !isKept(id, n))
    await tenant.transact(deleted.map((id) => ({ op: 'delete' as const, type: 'Note', id })))
    await store.projections.run('t', [currentIndexProjection])
    expect(await listed(tenant, 2)).toEqual(ids.filter(isKept).sort())
    expect(await tenant.count('Note')).toBe(10)
  })
})

describe('the manifest', () => {
  test('says how many there are, and nothing where there is one', async () => {
    for (const shards of [undefined, 1]) {
      const world = makeWorld({ shards })
      expect((await world.enter()).tenant.shards).toBe(1)
      expect(Object.keys(await manifestOf(world))).toEqual(['format', 'tenant', 'kind', 'partitions', 'created'])
    }
    const world = makeWorld({ shards: 64 })
    expect((await world.enter()).tenant.shards).toBe(64)
    expect(await manifestOf(world)).toMatchObject({ shards: 64 })
  })

  test('is what a tenant is opened by: another number is refused, and none need be given', async () => {
    const world = makeWorld({ shards })
    await world.enter()
    const { store } = await world.open()
    for (const other of [1, 4, 64])
      expect(await failure(store.tenant('t', { kind, shards: other }))).toMatchObject({
        _tag: 'TenantMismatch',
        data: { tenant: 't', what: 'shards', expected: other, actual: shards },
      })
    expect((await store.tenant('t')).shards).toBe(shards)
    expect((await store.tenant('t', { shards })).shards).toBe(shards)
    expect(await failure(store.tenant('t', { kind: 'fhir' }))).toMatchObject({
      _tag: 'TenantMismatch',
      data: { tenant: 't', what: 'kind', expected: 'fhir', actual: 'json' },
    })
  })

  test('is not made with a number that cannot be', async () => {
    const world = makeWorld()
    const { store } = await world.open()
    for (const shards of [0, 65, 1.5, -1, Number.NaN])
      expect(await outcome(store.tenant('t', { kind, shards }))).toBe('InvalidInput')
    expect(await run(world.blobs.get(tenantKey('t')))).toBeUndefined()
  })

  test('that holds such a number is damaged', async () => {
    for (const shards of [0, 65, 1.5, '5', null]) {
      const world = makeWorld()
      await world.enter()
      const manifest = { ...(await manifestOf(world)), shards }
      await world.damage(tenantKey('t'), () => Buffer.from(JSON.stringify(manifest)))
      expect(await failure((await world.open()).store.tenant('t'))).toMatchObject({ _tag: 'Corrupt' })
    }
  })
})
