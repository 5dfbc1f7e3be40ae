/** Bounds: large bodies leave the commit, and what is over a limit is refused before anything is written. */
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../domain/commit.js'
import { run } from '../../domain/task.js'
import { contents, failure, logs, makeWorld, outcome, text } from './world.js'

const large = `{"text":"${'x'.repeat(100)}"}`
const blobs = /^t\/blobs\//
const limits = { maxInlineBytes: 50 }

describe('a body over the inline limit', () => {
  test('goes to an object of its own, named by its hash, before the commit', async () => {
    const site = await makeWorld().enter({ limits })
    await site.tenant.create('Note', large, { id: 'a' })
    const created = site.blobs.calls.filter(({ method }) => method === 'createIfAbsent').map(({ key }) => key)
    expect(created.slice(-2)).toEqual([`t/blobs/${sha256(large)}`, 't/log/0/00000000000000000001.ndjson'])
    expect(await text(site.tenant, 'Note', 'a')).toBe(large)
  })

  test('of exactly the limit stays in the commit, and one byte more does not', async () => {
    for (const [size, stored] of [
      [50, 0],
      [51, 1],
    ] as const) {
      const site = await makeWorld().enter({ limits })
      await site.tenant.create('Note', `{"a":"${'x'.repeat(size - 8)}"}`)
      expect(site.blobs.count('createIfAbsent', blobs)).toBe(stored)
    }
  })

  test('that cannot be stored is not committed', async () => {
    const site = await makeWorld().enter({ limits: { ...limits, writeTimeoutMs: 10 } })
    site.blobs.on('createIfAbsent', blobs).fail(undefined, 1000)
    expect(await outcome(site.tenant.create('Note', large, { id: 'a' }))).toMatch(/Unavailable|OutcomeUnknown/)
    expect(site.blobs.count('createIfAbsent', logs)).toBe(0)
  })

  test('is read, listed and replayed like any other', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter({ limits })
    const first = await tenant.create('Note', large, { request: 'r' })
    await tenant.update('Note', first.id, '{"n":1}')
    await tenant.update('Note', first.id, large)
    expect(await tenant.create('Note', large, { request: 'r' })).toEqual(first)
    const { entries } = await tenant.history({ type: 'Note' })
    expect(entries.map((entry) => entry.text())).toEqual([large, '{"n":1}', large])
    expect(await contents(tenant)).toHaveLength(3)
  })

  test('survives recovery', async () => {
    const world = makeWorld()
    const { tenant, store } = await world.enter({ limits })
    await tenant.create('Note', large, { id: 'a' })
    await store.close()
    const before = await world.dump()
    await run(world.pointers.deleteByPrefix(['']))
    const recovered = await world.enter({ recover: true })
    expect(await text(recovered.tenant, 'Note', 'a')).toBe(large)
    expect(await world.dump()).toEqual(before)
  })

  test('is compared with what it would replace', async () => {
    const { tenant } = await makeWorld().enter({ limits })
    await tenant.create('Note', large, { id: 'a' })
    expect(await tenant.update('Note', 'a', large, { onlyIfChanged: true })).toMatchObject({ changed: false })
  })
})

describe('over its limit', () => {
  test('a body is refused with both numbers', async () => {
    const { tenant } = await makeWorld().enter({ limits: { maxBodyBytes: 10 } })
    expect(await failure(tenant.create('Note', '{"n":12345}'))).toMatchObject({
      _tag: 'LimitExceeded',
      retryable: false,
      data: { limit: 10, actual: 11, unit: 'bytes' },
    })
    expect(await tenant.create('Note', '{"n":1234}')).toMatchObject({ version: 1 })
  })

  test('a transaction is refused, by its bytes or its operations', async () => {
    const limits = { maxTransactionBytes: 20, maxTransactionOperations: 3 }
    const { tenant } = await makeWorld().enter({ limits })
    const operations = (count: number, body: string) =>
      Array.from({ length: count }, () => ({ op: 'create', type: 'Note', body }) as const)
    expect(await failure(tenant.transact(operations(3, '{"n":1}')))).toMatchObject({
      data: { limit: 20, actual: 21, unit: 'bytes' },
    })
    expect(await failure(tenant.transact(operations(4, '{}')))).toMatchObject({
      data: { limit: 3, actual: 4, unit: 'operations' },
    })
    expect((await tenant.transact(operations(2, '{"n":1}'))).results).toHaveLength(2)
  })

  test('the queue is refused, and those who wait already are written', async () => {
    const { tenant, blobs: script } = await makeWorld().enter({ limits: { maxQueuedTransactions: 2 } })
    const creating = script.on('createIfAbsent', logs).hold()
    const first = tenant.create('Note', '{"n":0}')
    await creating.arrived
    const waiting = [tenant.create('Note', '{"n":1}'), tenant.create('Note', '{"n":2}')]
    expect(await failure(tenant.create('Note', '{"n":3}'))).toMatchObject({ _tag: 'Unavailable', retryable: true })
    creating.release()
    await first
    expect((await Promise.all(waiting)).map(({ position }) => position?.seq)).toEqual([2, 2])
    expect(await tenant.create('Note', '{"n":4}')).toMatchObject({ version: 1 })
  })

  test('the queue is bounded by bytes too', async () => {
    const { tenant, blobs: script } = await makeWorld().enter({ limits: { maxQueuedBytes: 15 } })
    const creating = script.on('createIfAbsent', logs).hold()
    const first = tenant.create('Note', '{"n":0}')
    await creating.arrived
    const waiting = [tenant.create('Note', '{"n":1}'), tenant.create('Note', '{"n":2}')]
    expect(await outcome(tenant.create('Note', '{"n":3}'))).toBe('Unavailable')
    creating.release()
    expect(await Promise.all([first, ...waiting])).toHaveLength(3)
  })

  test('nothing is written by what was refused', async () => {
    const { tenant } = await makeWorld().enter({ limits: { maxBodyBytes: 10 } })
    await outcome(tenant.create('Note', '{"n":123456789}'))
    expect((await tenant.head()).seq).toBe(0)
  })
})
