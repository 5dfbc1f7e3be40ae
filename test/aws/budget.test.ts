/** What each operation costs in requests to AWS, retries included: the budget of a store. */
import { expect, test } from 'vitest'
import { systemClock } from '../../adapters/system-clock.js'
import { makePlace } from './stores.js'
import { describeWorlds } from './worlds.js'

/** Counts requests as `s3.PutObject`; without the stream, which is not asked by anybody who asked for something. */
function counter() {
  let counts: Record<string, number> = {}
  return {
    onRequest: ({ service, operation }: { service: string; operation: string }): void => {
      if (service === 'streams') return
      const name = `${service}.${operation}`
      counts[name] = (counts[name] ?? 0) + 1
    },
    spent: (): Record<string, number> => {
      const spent = counts
      counts = {}
      return spent
    },
  }
}

const publish = { 'dynamodb.BatchWriteItem': 1, 'dynamodb.PutItem': 1 }
const write = { 's3.PutObject': 1, ...publish }
const note = (n: number): string => `{"n":${n}}`

describeWorlds('requests', (world) => {
  async function warm(limits = {}) {
    const place = await makePlace(world, { stream: true })
    const { onRequest, spent } = counter()
    // No time passes: a writer that is at work for long looks twice a second whether others wait.
    const began = systemClock.now()
    const clock = { ...systemClock, now: () => began }
    const open = () => place.open({ aws: { onRequest }, clock, limits: { cacheBytes: 0, ...limits } })
    const store = await open()
    const tenant = await store.tenant('t', { kind: 'json' })
    await tenant.create('Note', note(0), { id: 'warm' })
    spent()
    return { store, tenant, spent, open }
  }

  test('opening a store costs one, and a tenant in it four', async () => {
    const { store, open, spent } = await warm()
    await store.close()
    spent()
    const again = await open()
    expect(spent()).toEqual({ 's3.GetObject': 1 })
    await again.tenant('t')
    expect(spent()).toEqual({ 's3.GetObject': 3, 'dynamodb.GetItem': 1 })
    await again.close()
  })

  test('a create costs one object and two writes of pointers', async () => {
    const { store, tenant, spent } = await warm()
    await tenant.create('Note', note(1))
    expect(spent()).toEqual(write)
    await store.close()
  })

  test('an update costs one query more where the caller names what the writer does not know', async () => {
    const { store, tenant, spent, open } = await warm()
    await tenant.update('Note', 'new', note(1))
    expect(spent()).toEqual({ ...write, 'dynamodb.Query': 1 })
    await tenant.update('Note', 'new', note(2))
    expect(spent()).toEqual(write)
    await store.close()
    const other = await open()
    const theirs = await other.tenant('t')
    spent()
    await theirs.update('Note', 'new', note(3), { expect: 2 })
    expect(spent()).toEqual({ ...write, 'dynamodb.Query': 1 })
    await other.close()
  })

  test('a hundred in one transaction cost one object', async () => {
    const { store, tenant, spent } = await warm()
    await tenant.transact(
      Array.from({ length: 100 }, (_, n) => ({ op: 'create' as const, type: 'Note', body: note(n) })),
    )
    // Two pointers for each of them, twenty-five to a request.
    expect(spent()).toEqual({ 's3.PutObject': 1, 'dynamodb.BatchWriteItem': 8, 'dynamodb.PutItem': 1 })
    await store.close()
  })

  test('a read costs one query, one look at the head and one ranged get, and no get when the body is in memory', async () => {
    const { store, tenant, spent } = await warm({ cacheBytes: 1 << 20 })
    await tenant.read('Note', 'warm')
    expect(spent()).toEqual({ 'dynamodb.Query': 1, 'dynamodb.GetItem': 1, 's3.GetObject': 1 })
    await tenant.read('Note', 'warm')
    expect(spent()).toEqual({ 'dynamodb.Query': 1, 'dynamodb.GetItem': 1 })
    await store.close()
  })

  test('a page of history costs one query, one look at the head, and one get for each commit that it touches', async () => {
    const { store, tenant, spent } = await warm()
    for (let n = 1; n <= 12; n++) await tenant.update('Note', 'warm', note(n))
    await tenant.transact(
      Array.from({ length: 20 }, (_, n) => ({ op: 'create' as const, type: 'Task', body: note(n) })),
    )
    spent()
    const page = await tenant.history({ type: 'Note', id: 'warm' }, { count: 5 })
    expect(page.entries).toHaveLength(5)
    expect(spent()).toEqual({ 'dynamodb.Query': 1, 'dynamodb.GetItem': 1, 's3.GetObject': 5 })
    await tenant.history({ type: 'Task' }, { count: 20 })
    expect(spent()).toEqual({ 'dynamodb.Query': 1, 'dynamodb.GetItem': 1, 's3.GetObject': 1 })
    await store.close()
  })
})
