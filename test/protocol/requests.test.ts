/** Request keys: a second write with the key of the first returns its result and writes nothing. */
import { describe, expect, test } from 'vitest'
import { run } from '../../domain/task.js'
import type { OperationInput } from '../../src/api.js'
import type { Tenant } from '../../src/store.js'
import { contents, failure, logs, makeWorld, outcome } from './world.js'

const day = 24 * 60 * 60 * 1000

describe('a request key', () => {
  test('replays the result of a create, with the id that the store assigned', async () => {
    const { tenant } = await makeWorld().enter()
    const first = await tenant.create('Note', '{"n":1}', { request: 'r' })
    const again = await tenant.create('Note', '{"n":1}', { request: 'r' })
    expect(again).toEqual(first)
    expect(await contents(tenant)).toHaveLength(1)
  })

  test('replays a transaction, operation by operation', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.create('Note', '{"n":0}', { id: 'same' })
    const operations: OperationInput[] = [
      { op: 'delete', type: 'Note', id: 'absent' },
      { op: 'create', type: 'Note', body: '{"n":1}' },
      { op: 'update', type: 'Note', id: 'same', body: '{"n":0}', onlyIfChanged: true },
      { op: 'update', type: 'Task', id: 'b', body: '{"n":2}' },
      { op: 'delete', type: 'Task', id: 'b' },
    ]
    const first = await tenant.transact(operations, { request: 'r' })
    expect(first.results.map(({ changed }) => changed)).toEqual([false, true, false, true, true])
    expect(await tenant.transact(operations, { request: 'r' })).toEqual({ ...first, replayed: true })
  })

  test('replays what others have changed since as it was', async () => {
    const { tenant } = await makeWorld().enter()
    const first = await tenant.update('Note', 'a', '{"n":1}', { request: 'r' })
    await tenant.update('Note', 'a', '{"n":2}')
    expect(await tenant.update('Note', 'a', '{"n":1}', { request: 'r' })).toEqual(first)
    expect(await contents(tenant)).toHaveLength(2)
  })

  test.each<[string, (tenant: Tenant) => Promise<unknown>]>([
    ['another body', (tenant) => tenant.create('Note', '{"n":2}', { id: 'a', request: 'r' })],
    ['another id', (tenant) => tenant.create('Note', '{"n":1}', { id: 'b', request: 'r' })],
    ['another kind of write', (tenant) => tenant.update('Note', 'a', '{"n":1}', { request: 'r' })],
    ['another expectation', (tenant) => tenant.update('Note', 'a', '{"n":1}', { expect: 'absent', request: 'r' })],
  ])('with %s is refused', async (_, write) => {
    const { tenant } = await makeWorld().enter()
    await tenant.create('Note', '{"n":1}', { id: 'a', request: 'r' })
    expect(await failure(write(tenant))).toMatchObject({
      _tag: 'RequestKeyReused',
      retryable: false,
      data: { position: '1-0' },
    })
    expect(await contents(tenant)).toHaveLength(1)
  })

  test('says the same whatever the order in which a caller writes the members of an operation', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.transact([{ op: 'create', type: 'Note', id: 'a', body: '{"n":1}' }], { request: 'r' })
    const again = await tenant.transact([{ body: '{"n":1}', id: 'a', type: 'Note', op: 'create' }], { request: 'r' })
    expect(again.replayed).toBe(true)
  })

  test('is forgotten after 24 hours, and not before', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter()
    const ask = () => tenant.update('Note', 'a', '{"n":1}', { request: 'r' })
    expect((await ask()).version).toBe(1)
    world.clock.move(day - 1000)
    expect((await ask()).version).toBe(1)
    world.clock.move(1000)
    expect((await ask()).version).toBe(2)
  })

  test('of two writes at once writes once, and both hear the same', async () => {
    const { tenant } = await makeWorld().enter()
    const [first, second] = await Promise.all([
      tenant.transact([{ op: 'create', type: 'Note', body: '{"n":1}' }], { request: 'r' }),
      tenant.transact([{ op: 'create', type: 'Note', body: '{"n":1}' }], { request: 'r' }),
    ])
    expect(second).toEqual({ ...first, replayed: true })
    expect(await contents(tenant)).toHaveLength(1)
  })

  test('of two different writes at once lets one through', async () => {
    const { tenant } = await makeWorld().enter()
    const answers = await Promise.all([
      outcome(tenant.create('Note', '{"n":1}', { id: 'a', request: 'r' })),
      outcome(tenant.create('Note', '{"n":2}', { id: 'a', request: 'r' })),
    ])
    expect(answers[0]).toMatchObject({ version: 1 })
    expect(answers[1]).toBe('RequestKeyReused')
  })

  test('of two writes at once through two stores writes once', async () => {
    const world = makeWorld()
    const [first, second] = [await world.enter(), await world.enter()]
    const answers = await Promise.all([
      first.tenant.create('Note', '{"n":1}', { request: 'r' }),
      second.tenant.create('Note', '{"n":1}', { request: 'r' }),
    ])
    expect(answers[0]).toEqual(answers[1])
    expect(await contents(first.tenant)).toHaveLength(1)
  })

  test('is looked for again when the head moves while a batch is being prepared', async () => {
    const world = makeWorld()
    const [first, second] = [await world.enter(), await world.enter()]
    const ask = ({ tenant }: typeof first) => [
      tenant.update('Note', 'a', '{"n":1}', { request: 'ra' }),
      tenant.update('Note', 'b', '{"n":1}', { request: 'rb' }),
    ]
    const looked = first.pointers.on('get', /^Q#/).holdAnswer()
    const retried = ask(first)
    await looked.arrived
    const written = await Promise.all(ask(second))
    looked.release()
    expect(await Promise.all(retried)).toEqual(written)
    expect(await contents(first.tenant)).toHaveLength(2)
  })

  test('is found in a commit that is still being published', async () => {
    const world = makeWorld()
    const [first, second] = [await world.enter(), await world.enter()]
    const publishing = first.pointers.on('putAll').hold()
    const pending = first.tenant.create('Note', '{"n":1}', { request: 'r' })
    await publishing.arrived
    const again = await second.tenant.create('Note', '{"n":1}', { request: 'r' })
    publishing.release()
    expect(again).toEqual(await pending)
  })

  test('survives reopening', async () => {
    const world = makeWorld()
    const { tenant, store } = await world.enter()
    const first = await tenant.create('Note', '{"n":1}', { request: 'r' })
    await store.close()
    expect(await (await world.enter()).tenant.create('Note', '{"n":1}', { request: 'r' })).toEqual(first)
  })

  test('survives the loss of every pointer', async () => {
    const world = makeWorld()
    const { tenant, store } = await world.enter()
    const first = await tenant.create('Note', '{"n":1}', { request: 'r' })
    await store.close()
    await run(world.pointers.deleteByPrefix(['']))
    const recovered = await world.enter({ recover: true })
    expect(await recovered.tenant.create('Note', '{"n":1}', { request: 'r' })).toEqual(first)
  })

  test('of a rejected write is free again', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.create('Note', '{"n":1}', { id: 'a' })
    const ask = () => tenant.update('Note', 'a', '{"n":2}', { expect: 2, request: 'r' })
    expect(await outcome(ask())).toBe('Conflict')
    await tenant.update('Note', 'a', '{"n":1}')
    expect(await ask()).toMatchObject({ version: 3, changed: true })
  })

  test('settles an outcome that was unknown', async () => {
    const { tenant, blobs } = await makeWorld().enter()
    blobs.on('createIfAbsent', logs).loseAnswer()
    blobs.on('createIfAbsent', logs).fail(undefined, 20)
    const ask = (timeoutMs: number) => tenant.create('Note', '{"n":1}', { request: 'r', timeoutMs })
    expect(await outcome(ask(50))).toBe('OutcomeUnknown')
    expect(await ask(60_000)).toMatchObject({ version: 1, position: { seq: 1 } })
    expect(await contents(tenant)).toHaveLength(1)
  })
})
