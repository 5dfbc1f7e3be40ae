/** What operators do with a tenant is done with each of its logs: recovery, verification, projections, copies, the doctor. */
import { describe, expect, test } from 'vitest'
import { headPk, headSk, logKey, logPrefix, pointerPrefixes, tenantKey } from '../../domain/keys.js'
import type { Item } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { currentIndexProjection, type Difference, objectsProjection } from '../../src/index.js'
import { copy, expectEqual, inMemory, itemsOf, onDisk, type Place } from '../copy/places.js'
import { objectsOf as projectedOf } from '../projections/objects.js'
import { failure, outcome } from '../protocol/world.js'
import { filledLogs, ids, partitions } from './maintained.js'

const both = [currentIndexProjection, objectsProjection()]
const every = Array.from({ length: partitions }, (_, partition) => partition)

async function withStore<A>(place: Place, use: (store: Awaited<ReturnType<Place['open']>>) => Promise<A>): Promise<A> {
  const store = await place.open()
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

const deepDifferences = (place: Place) =>
  withStore(place, async (store) => {
    const found: Difference[] = []
    const report = await store.verify('t', { deep: true, onDifference: (difference) => found.push(difference) })
    expect(report.differences).toBe(found.length)
    return found.map(({ kind, key }) => `${kind} ${key}`)
  })

async function projected(): Promise<Place> {
  const place = await filledLogs(await inMemory())
  await withStore(place, (store) => store.projections.run('t', both))
  return place
}

describe('recovery', () => {
  test('brings back every log, item by item, and every projection', async () => {
    const place = await projected()
    const [items, objects] = [await itemsOf(place), await projectedOf(place.blobs)]
    expect([...items.keys()].filter((key) => key.startsWith('H#'))).toHaveLength(partitions)
    await run(place.pointers.deleteByPrefix(['']))
    await withStore(place, async (store) => {
      expect(await failure(store.tenant('t'))).toMatchObject({ _tag: 'NeedsRecovery' })
      const told: number[] = []
      const report = await store.recover('t', { onProgress: ({ done }) => told.push(done) })
      expect(report).toMatchObject({ commits: 34, events: 34 })
      expect(report.projections.map(({ name, partition, lag }) => [name, partition, lag.commits])).toEqual([
        ...every.map((partition) => ['current-index', partition, 0]),
        ...every.map((partition) => ['objects', partition, 0]),
      ])
      expect(told).toEqual([...told].sort((a, b) => a - b))
      expect(told.at(-1)).toBe(34)
    })
    expect(await itemsOf(place)).toEqual(items)
    expect(await projectedOf(place.blobs)).toEqual(objects)
    expect(await deepDifferences(place)).toEqual([])
  })

  test('of one log that has lost its head leaves the items of the others where they are', async () => {
    const place = await projected()
    const items = await itemsOf(place)
    const [head] = [...items.keys()].filter((key) => key.startsWith(headPk('t', 1)))
    expect(head).toBeDefined()
    await run(place.pointers.deleteByPrefix([headPk('t', 1), ...pointerPrefixes({ tenant: 't', partition: 1 })]))
    const left = await itemsOf(place)
    expect(left.size).toBeLessThan(items.size)
    for (const partition of [0, 2]) expect(left.has(`${headPk('t', partition)} ${headSk}`)).toBe(true)
    const store = await place.open({ recover: true })
    expect((await store.tenant('t')).partitions).toHaveLength(partitions)
    await store.close()
    expect(await itemsOf(place)).toEqual(items)
  })
})

describe('verification', () => {
  test('walks every log, and names what is wrong in any of them', async () => {
    const place = await projected()
    await withStore(place, async (store) => {
      const report = await store.verify('t', { deep: true })
      expect(report).toMatchObject({ commits: 34, events: 34, differences: 0 })
      expect(report.projected).toBe(20 + 34 * 4)
    })
    for (const partition of every) {
      const head = (await run(place.pointers.get(headPk('t', partition), headSk))) as Item
      const [item] = [...(await itemsOf(place))].filter(([key]) =>
        key.startsWith(pointerPrefixes({ tenant: 't', partition })[0] as string),
      )
      const [pk = '', sk = ''] = item?.[0].split(' ') ?? []
      const there = (await run(place.pointers.get(pk, sk))) as Item
      await run(place.pointers.putAll([{ ...there, attributes: { ...there.attributes, version: 77 } }]))
      expect((await deepDifferences(place)).filter((found) => found.startsWith('pointer-different'))).toEqual([
        `pointer-different ${pk} ${sk}`,
      ])
      await run(place.pointers.putAll([there]))
      expect(head.attributes.seq).toBeGreaterThan(0)
    }
    const stray = 't/resources/Note/nobody/current.json'
    await run(place.blobs.put(stray, Buffer.from('{}')))
    expect(await deepDifferences(place)).toContain(`object-extra ${stray}`)
  })
})

describe('projections', () => {
  test('stand where they stand in each log, are built anew in each, and sweep nothing of another', async () => {
    const place = await projected()
    const objects = await projectedOf(place.blobs)
    await withStore(place, async (store) => {
      const stand = async () =>
        (await store.projections.list('t')).map(({ name, partition, seq }) => `${name} ${partition} ${seq > 0}`)
      const expected = every.flatMap((partition) => both.map(({ name }) => `${name} ${partition} true`))
      expect((await stand()).sort()).toEqual(expected.sort())
      for (const each of both) await store.projections.rebuild('t', each)
      expect(await projectedOf(place.blobs)).toEqual(objects)
      expect(await store.projections.resume('t', 'objects')).toBe(false)
      expect(await outcome(store.projections.resume('t', 'never'))).toBe('InvalidInput')
    })
    expect(await deepDifferences(place)).toEqual([])
  })

  test('are worked on in all logs by a worker, and waited for at a position of any', async () => {
    const place = await filledLogs(await inMemory())
    await withStore(place, async (store) => {
      const worker = store.projections.work(both)
      const tenant = await store.tenant('t')
      for (const id of ids.slice(0, 6)) {
        const { position } = await tenant.update('Note', id, { later: true })
        for (const { name } of both) await tenant.whenProjected(name, position as never, { timeoutMs: 120_000 })
      }
      await worker.stop()
    })
    expect(await deepDifferences(place)).toEqual([])
  })
})

describe('a copy', () => {
  test.each([
    ['memory', inMemory],
    ['a folder', onDisk],
  ])('to %s holds every log, and goes on where each of them ended', async (_, make) => {
    const [from, to] = [await filledLogs(await inMemory()), await make()]
    expect(await copy(from, to)).toMatchObject({ commits: 34, events: 34, from: 1, to: 34 })
    await expectEqual(from, to)
    await withStore(from, async (store) => {
      for (const id of ids) await (await store.tenant('t')).update('Note', id, { second: true })
    })
    expect(await copy(from, to, { verify: true })).toMatchObject({
      commits: 20,
      from: 35,
      to: 54,
      verified: { commits: 54, differences: 0 },
    })
    await expectEqual(from, to)
    await Promise.all([from.end(), to.end()])
  })

  test('that follows hears of every log', async () => {
    const [from, to] = [await filledLogs(await inMemory()), await inMemory()]
    const [source, destination] = [await from.open(), await to.open()]
    const tenant = await source.tenant('t')
    const stop = new AbortController()
    let written = false
    const writeAll = async (): Promise<void> => {
      for (const id of ids) await tenant.update('Note', id, { second: true })
    }
    const report = await source.copy('t', destination, {
      follow: true,
      signal: stop.signal,
      onProgress: ({ done, total }) => {
        if (done === 34 && !written) {
          written = true
          void writeAll()
        }
        if (done === 54 && total === 54) stop.abort()
      },
    })
    expect(report).toMatchObject({ commits: 54, to: 54 })
    await Promise.all([source.close(), destination.close()])
    await expectEqual(from, to)
  })

  test('into a tenant of another number of logs is refused', async () => {
    const [from, to] = [await filledLogs(await inMemory()), await inMemory()]
    await withStore(to, (store) => store.tenant('t', { kind: 'json', partitions: 2 }))
    expect(await failure(copy(from, to))).toMatchObject({ data: { what: 'partitions', expected: 3, actual: 2 } })
  })
})

test('the doctor looks at each log', async () => {
  const place = await filledLogs(await inMemory())
  await run(place.pointers.deleteByPrefix([headPk('t', 2)]))
  await withStore(place, async (store) => {
    const { findings } = await store.doctor()
    const tenants = findings.filter(({ check }) => check.startsWith('tenant'))
    expect(tenants.map(({ check, ok }) => [check, ok])).toEqual([
      ['tenant t', true],
      ['tenant t/1', true],
      ['tenant t/2', false],
    ])
  })
  await run(place.blobs.put(tenantKey('t'), Buffer.from('{')))
  await withStore(place, async (store) => {
    const { findings } = await store.doctor()
    expect(findings.filter(({ ok }) => !ok).map(({ check }) => check)).toEqual(['tenant t'])
  })
})

test('each log has its own objects, under its number', async () => {
  const place = await filledLogs(await inMemory())
  for (const partition of every) {
    const { entries } = await run(place.blobs.list(logPrefix('t', partition), { limit: 99 }))
    expect(entries[0]?.key).toBe(logKey('t', partition, 1))
    expect(entries.length).toBeGreaterThan(3)
  }
})
