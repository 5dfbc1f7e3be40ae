/** Deep verification names what is wrong in a projection, and recovery brings all of it back, byte for byte. */
import { describe, expect, test } from 'vitest'
import type { Item } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { currentIndexProjection, type Difference, objectsProjection } from '../../src/index.js'
import { objectsOf } from '../projections/objects.js'
import { makeWorld, type World } from '../protocol/world.js'
import { limits, losePointers, tale } from './tale.js'

const both = [currentIndexProjection, objectsProjection()]

/** Of the indexes by type. */
const shardings = [1, 3]

async function projectedTale(shards?: number): Promise<World> {
  const world = await tale(shards)
  const { store } = await world.open({ limits })
  await store.projections.run('t', both)
  return world
}

async function deepDifferences(world: World): Promise<string[]> {
  const found: Difference[] = []
  const { store } = await world.open({ limits })
  const report = await store.verify('t', { deep: true, onDifference: (difference) => found.push(difference) })
  expect(report.differences).toBe(found.length)
  return found.map(({ kind, key }) => `${kind} ${key}`).sort()
}

const put = (world: World, key: string, text: string) => run(world.blobs.put(key, Buffer.from(text)))

describe('deep verification', () => {
  test.each(shardings)(
    'has nothing to say against whole projections, and compares all of it: %i shards',
    async (shards) => {
      const world = await projectedTale(shards)
      expect(await deepDifferences(world)).toEqual([])
      const { store } = await world.open({ limits })
      // Five resources in the index; nine events under three names each, and the current ones.
      expect(await store.verify('t', { deep: true })).toMatchObject({ projected: 5 + 9 * 4, differences: 0 })
      expect(await store.verify('t')).toMatchObject({ projected: 0 })
    },
  )

  test('accepts a projection that is behind the log', async () => {
    const world = await projectedTale()
    const { tenant, store } = await world.enter({ limits })
    await tenant.update('Note', 'a', '{"n":7}')
    await tenant.create('Note', '{}', { id: 'new' })
    await store.close()
    expect(await deepDifferences(world)).toEqual([])
  })

  test('names every kind of damage to objects, and nothing else', async () => {
    const world = await projectedTale()
    const keys = [...(await objectsOf(world.blobs)).keys()]
    const [systemEvent = '', typeEvent = ''] = [/history\/system/, /history\/type/].map((part) =>
      keys.find((k) => part.test(k)),
    )
    const old = Buffer.from((await run(world.blobs.get('t/resources/Note/a/_history/2.json')))?.bytes ?? [])
    await put(world, 't/resources/Note/a/current.json', old.toString())
    await put(world, systemEvent, '{}')
    await run(world.blobs.delete([typeEvent]))
    await put(world, 't/resources/Note/a/_history/9.json', '{}')
    await put(world, 't/history/system/nonsense.json', '{}')
    expect(await deepDifferences(world)).toEqual([
      `object-different ${systemEvent}`,
      'object-extra t/history/system/nonsense.json',
      'object-extra t/resources/Note/a/_history/9.json',
      `object-missing ${typeEvent}`,
      'object-stale t/resources/Note/a/current.json',
    ])
  })

  test.each(shardings)('names every kind of damage to the index, and nothing else: %i shards', async (shards) => {
    const world = await projectedTale(shards)
    const { pointers } = world
    const items = await itemsOf(world, 'K#')
    const [first, second] = items as [Item, Item]
    await run(pointers.putAll([{ ...second, attributes: { ...second.attributes, op: 'delete' } }]))
    await run(pointers.putAll([{ ...first, sk: 'ghost', attributes: { ...first.attributes, id: 'ghost' } }]))
    await run(pointers.putAll([{ ...first, attributes: { ...first.attributes, seq: 1 } }]))
    const [checkpoint] = (await itemsOf(world, 'C#')).filter(({ sk }) => sk === 'current-index@1')
    const counts = JSON.stringify({ ...JSON.parse(String(checkpoint?.attributes.memo)), Ghost: 3 })
    if (checkpoint !== undefined)
      await run(pointers.putAll([{ ...checkpoint, attributes: { ...checkpoint.attributes, memo: counts } }]))
    const found = await deepDifferences(world)
    expect([...new Set(found.map((each) => each.split(' ')[0]))]).toEqual([
      'count-different',
      'index-different',
      'index-extra',
    ])
    expect(found).toContain('count-different Ghost')
    expect(found).toContain(`index-extra ${first.pk} ghost`)
  })

  test('names a projection of another log', async () => {
    const world = await projectedTale()
    for (const item of await itemsOf(world, 'C#'))
      if (item.sk === 'objects@1')
        await run(world.pointers.putAll([{ ...item, attributes: { ...item.attributes, seq: 99 } }]))
    expect(await deepDifferences(world)).toContain('projection-mismatch objects')
  })
})

describe('recovery', () => {
  test.each(shardings)(
    'with nothing but the log brings every item and object back as it was: %i shards',
    async (shards) => {
      const world = await projectedTale(shards)
      const [items, objects] = [await world.dump(), await objectsOf(world.blobs)]
      await losePointers(world)
      await run(world.blobs.delete([...objects.keys()]))
      const { store } = await world.open({ limits })
      const { projections } = await store.recover('t', { projections: both })
      expect(projections).toMatchObject(both.map(({ name }) => ({ name, state: 'running', lag: { commits: 0 } })))
      expect(await world.dump()).toEqual(items)
      expect(await objectsOf(world.blobs)).toEqual(objects)
      expect(await deepDifferences(world)).toEqual([])
    },
  )

  test('finds by their traces which projections there were', async () => {
    for (const parts of [
      ['current'],
      ['versions', 'system-history'],
      ['current', 'versions', 'type-history'],
    ] as const) {
      const world = await tale()
      const { store } = await world.open({ limits })
      await store.projections.run('t', [objectsProjection({ parts })])
      const objects = await objectsOf(world.blobs)
      await losePointers(world)
      const [key = ''] = objects.keys()
      await put(world, key, 'damaged')
      const recovered = await (await world.open({ limits })).store.recover('t')
      expect(recovered.projections.map(({ name }) => name)).toEqual(['current-index', 'objects'])
      expect(await objectsOf(world.blobs)).toEqual(objects)
    }
    const world = await tale()
    expect((await (await world.open({ limits })).store.recover('t')).projections).toEqual([])
  })

  test('of a log that is shorter than before takes back what projections have seen of the rest', async () => {
    const world = makeWorld()
    const { tenant, store } = await world.enter()
    for (const id of ['a', 'b', 'c']) await tenant.create('Note', '{}', { id })
    await store.projections.run('t', both)
    await store.close()
    world.lose('t/log/0/00000000000000000003.ndjson')
    const again = await world.open()
    await again.store.recover('t')
    const shorter = await again.store.tenant('t')
    expect((await shorter.list('Note')).entries.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(await shorter.count('Note')).toBe(2)
    const objects = [...(await objectsOf(world.blobs)).keys()]
    expect(objects).toHaveLength(8)
    expect(objects.filter((key) => /Note\/c\/|_c_/.test(key))).toEqual([])
  })
})

async function itemsOf({ pointers }: World, prefix: string): Promise<ReadonlyArray<Item>> {
  return (await run(pointers.scan({ pkPrefixes: [prefix], limit: 1_000 }))).items
}
