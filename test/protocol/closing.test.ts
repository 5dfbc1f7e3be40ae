/** Closing a store: what was accepted is finished, and nobody is left waiting. */
import { describe, expect, test } from 'vitest'
import { quiet } from './hand-clock.js'
import { contents, logs, makeWorld, outcome } from './world.js'

describe('close', () => {
  test('finishes the writes that were accepted', async () => {
    const world = makeWorld()
    const { store, tenant } = await world.enter({ limits: { maxCommitEvents: 2 } })
    const writes = Array.from({ length: 7 }, (_, n) => tenant.create('Note', `{"n":${n}}`, { id: `a${n}` }))
    await store.close()
    expect((await Promise.all(writes)).map(({ position }) => position?.seq)).toEqual([1, 1, 2, 2, 3, 3, 4])
    expect(await contents((await world.enter()).tenant)).toHaveLength(7)
  })

  test('waits until they are visible', async () => {
    const { store, tenant, pointers } = await makeWorld().enter()
    pointers.on('putAll').fail(undefined, 3)
    const write = tenant.create('Note', '{"n":1}', { id: 'a' })
    await store.close()
    expect(await write).toMatchObject({ version: 1 })
  })

  test('refuses later writes', async () => {
    const { store, tenant } = await makeWorld().enter()
    await store.close()
    expect(await outcome(tenant.create('Note', '{"n":1}', { id: 'a' }))).toBe('Cancelled')
    expect(await outcome(store.tenant('u'))).toBe('Cancelled')
  })

  test('ends, and answers every caller, when the log cannot be reached', async () => {
    const { store, tenant, blobs } = await makeWorld().enter({ limits: { maxCommitEvents: 1 } })
    blobs.on('createIfAbsent', logs).fail(undefined, Number.POSITIVE_INFINITY)
    const writes = ['a', 'b', 'c'].map((id) => outcome(tenant.create('Note', '{"n":1}', { id, timeoutMs: 60_000 })))
    await store.close()
    expect(await Promise.all(writes)).toEqual(['OutcomeUnknown', 'Cancelled', 'Cancelled'])
  })

  test('ends, and says that a write is durable, when the pointers cannot be reached', async () => {
    const { store, tenant, pointers } = await makeWorld().enter({ limits: { maxCommitEvents: 1 } })
    pointers.on('putAll').fail(undefined, Number.POSITIVE_INFINITY)
    const writes = ['a', 'b'].map((id) => outcome(tenant.create('Note', '{"n":1}', { id, timeoutMs: 60_000 })))
    await store.close()
    expect(await Promise.all(writes)).toEqual(['Unpublished', 'Unpublished'])
  })

  test('can be called twice', async () => {
    const { store } = await makeWorld().enter()
    await Promise.all([store.close(), store.close()])
    await quiet()
  })
})
