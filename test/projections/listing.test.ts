/** Lists and counts are exact as of one head, wherever the current index stands. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { currentIndexProjection, type ResourceVersion } from '../../src/index.js'
import type { Tenant } from '../../src/store.js'
import { makeWorld, outcome } from '../protocol/world.js'
import { history, types, write } from './histories.js'

type Reads = Pick<Tenant, 'list' | 'count'>

const line = ({ type, id, version, position: { seq, index }, text }: ResourceVersion): string =>
  `${type}/${id}@${version} ${seq}-${index} ${text()}`

/** By folding the log, the slow way. */
async function foldTo(tenant: Tenant, type: string, seq: number): Promise<string[]> {
  const current = new Map<string, ResourceVersion>()
  for await (const commit of tenant.commits({ to: Math.max(1, seq) }))
    for (const { events } of commit.transactions)
      for (const event of events) if (event.type === type && commit.seq <= seq) current.set(event.id, event)
  const live = [...current.values()].filter(({ deleted }) => !deleted)
  return live.sort((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id))).map(line)
}

async function listed(
  reads: Reads,
  type: string,
  count: number,
  at?: { partition: number; seq: number; index: number },
) {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await reads.list(type, { count, cursor, ...(at && cursor === undefined ? { at } : undefined) })
    expect(page.entries.length).toBeLessThanOrEqual(count)
    found.push(...page.entries.map(line))
    cursor = page.cursor
  } while (cursor !== undefined)
  return found
}

test('every page of every head is what a fold of the log says, whether the index is behind, at it or ahead', async () => {
  await fc.assert(
    fc.asyncProperty(
      history(5),
      history(5),
      history(5),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      fc.constantFrom(1, 3),
      async (before, pinned, after, count, isRebuilt, shards) => {
        const world = makeWorld({ shards })
        const { tenant, store } = await world.enter()
        await write(tenant, before)
        await store.projections.run('t', [currentIndexProjection])
        await write(tenant, pinned)
        const snapshot = await tenant.snapshot()
        const check = async (): Promise<void> => {
          for (const type of types) {
            const expected = await foldTo(tenant, type, snapshot.seq)
            expect(await listed(snapshot, type, count)).toEqual(expected)
            expect(await snapshot.count(type)).toBe(expected.length)
            const head = (await tenant.head()).seq
            for (let seq = 0; seq <= head; seq += 2) {
              const at = { partition: 0, seq, index: 0 }
              const then = await foldTo(tenant, type, seq)
              expect(await listed(tenant, type, count, at)).toEqual(then)
              expect(await tenant.count(type, { at })).toBe(then.length)
            }
          }
        }
        await check()
        await write(tenant, after)
        await check()
        await (isRebuilt
          ? store.projections.rebuild('t', currentIndexProjection)
          : store.projections.run('t', [currentIndexProjection]))
        await check()
      },
    ),
    { numRuns: 40 },
  )
})

test.each([1, 3])('pages go on as of the first one’s head, whatever is written between: %i shards', async (shards) => {
  const { tenant, store } = await makeWorld({ shards }).enter()
  for (const id of ['a', 'b', 'c', 'd']) await tenant.create('Note', '{}', { id })
  const first = await tenant.list('Note', { count: 2, bodies: false })
  expect(first.entries.map(({ id, body }) => [id, body])).toEqual([
    ['a', undefined],
    ['b', undefined],
  ])
  await tenant.delete('Note', 'c')
  await tenant.create('Note', '{}', { id: 'bb' })
  await store.projections.run('t', [currentIndexProjection])
  const second = await tenant.list('Note', { count: 2, cursor: first.cursor })
  expect(second.entries.map(({ id }) => id)).toEqual(['c', 'd'])
  expect(second.cursor).toBeUndefined()
  expect((await tenant.list('Note')).entries.map(({ id }) => id)).toEqual(['a', 'b', 'bb', 'd'])
  expect(await outcome(tenant.list('Task', { cursor: first.cursor }))).toBe('InvalidInput')
  expect(await outcome(tenant.list('Note', { count: 0 }))).toBe('InvalidInput')
})

test.each([1, 4])(
  'a page costs one query of each of %i shards of the index, and two looks at its place',
  async (shards) => {
    const { tenant, store, pointers, blobs } = await makeWorld({ shards }).enter()
    await tenant.transact(
      Array.from({ length: 300 }, (_, n) => ({ op: 'create' as const, type: 'Note', id: `${n}`, body: { n } })),
    )
    await store.projections.run('t', [currentIndexProjection])
    pointers.reset()
    blobs.reset()
    await tenant.list('Note', { count: 50 })
    expect([pointers.count('query'), pointers.count('get'), blobs.count()]).toEqual([shards, 3, 1])
    pointers.reset()
    await tenant.count('Note')
    expect([pointers.count('query'), pointers.count('get')]).toEqual([0, 2])
  },
)

test('an index that is too far behind says so', async () => {
  const { tenant, store } = await makeWorld().enter()
  const notes = (from: number) =>
    Array.from({ length: 5_001 }, (_, n) => ({ op: 'create' as const, type: 'Note', id: `${from + n}`, body: '{}' }))
  await tenant.transact(notes(0))
  await tenant.list('Note')
  await tenant.transact(notes(5_001))
  expect(await outcome(tenant.list('Note'))).toBe('Unavailable')
  expect(await tenant.count('Note')).toBe(10_002)
  await store.projections.run('t', [currentIndexProjection])
  expect((await tenant.list('Note', { count: 3 })).entries).toHaveLength(3)
})

test.each([1, 3])(
  'an index inside a large commit counts a part of it, and moves a resource twice in it: %i shards',
  async (shards) => {
    const { tenant, store } = await makeWorld({ shards }).enter()
    const update = (id: string) => ({ op: 'update' as const, type: 'Note', id, body: '{}' })
    await tenant.transact([update('a'), ...Array.from({ length: 700 }, (_, n) => update(`n${n}`)), update('a')])
    const stop = new AbortController()
    const onProgress = (): void => stop.abort()
    const running = store.projections.run('t', [currentIndexProjection], { signal: stop.signal, onProgress })
    expect(await outcome(running)).toBe('Cancelled')
    expect((await store.projections.list('t'))[0]?.seq).toBe(0)
    expect(await tenant.count('Note')).toBe(701)
    expect(await tenant.count('Note', { at: { partition: 0, seq: 0, index: 0 } })).toBe(0)
    await store.projections.run('t', [currentIndexProjection])
    expect((await tenant.list('Note', { count: 1 })).entries).toMatchObject([{ id: 'a', version: 2 }])
    expect(await tenant.count('Note')).toBe(701)
  },
)
