/** Opening a tenant: pointers that lag are healed, pointers that are gone or belong elsewhere are refused. */
import { describe, expect, test } from 'vitest'
import { annalsError } from '../../domain/error.js'
import { headPk, headSk } from '../../domain/keys.js'
import type { Item } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { refused } from './script.js'
import { contents, failure, kind, logObject, logs, makeWorld, outcome, text, type World } from './world.js'

/** A tenant of three commits, and its head item after each. */
async function threeCommits() {
  const world = makeWorld()
  const { tenant, store } = await world.enter()
  const heads: Item[] = []
  const note = async (): Promise<void> => void heads.push((await headOf(world)) as Item)
  await note()
  for (let n = 1; n <= 3; n++) {
    await tenant.update('Note', 'a', `{"n":${n}}`, { request: `r${n}` })
    await note()
  }
  await store.close()
  return { world, heads }
}

const headOf = ({ pointers }: World): Promise<Item | undefined> => run(pointers.get(headPk('t', 0), headSk))
const setHead = ({ pointers }: World, { pk, sk, attributes }: Item, change: Record<string, number | string> = {}) =>
  run(pointers.putAll([{ pk, sk, attributes: { ...attributes, ...change } }]))

describe('rule 9: a head behind its log is healed forward on opening', () => {
  test.each([0, 1, 2])('from commit %i, with the pointers that were missing', async (behind) => {
    const { world, heads } = await threeCommits()
    const before = await world.dump()
    await run(world.pointers.deleteByPrefix(['V#']))
    await run(world.pointers.deleteByPrefix(['T#']))
    await run(world.pointers.deleteByPrefix(['Q#']))
    await setHead(world, heads[behind] as Item)
    const { tenant } = await world.enter()
    expect((await tenant.head()).seq).toBe(3)
    expect(await text(tenant, 'Note', 'a')).toBe('{"n":3}')
    if (behind === 0) expect(await world.dump()).toEqual(before)
  })

  test('a commit whose writer died before publishing is there for whoever opens next', async () => {
    const world = makeWorld()
    const dying = await world.enter()
    const dead = dying.pointers.on('putAll').hold()
    void dying.tenant.create('Note', '{"n":1}', { id: 'a' })
    await dead.arrived
    const { tenant } = await world.enter()
    expect(await text(tenant, 'Note', 'a')).toBe('{"n":1}')
    expect(await outcome(tenant.create('Note', '{"n":2}', { id: 'a' }))).toBe('Conflict')
  })
})

describe('who may not write', () => {
  async function readOnly(world: World) {
    const reading = await world.open()
    for (const method of ['putAll', 'advance', 'compareAndSet', 'transact'])
      reading.pointers.on(method).fail(refused, Number.POSITIVE_INFINITY)
    return reading
  }

  test('opens once a commit that is being published is there, and sees it', async () => {
    const world = makeWorld()
    const writing = await world.enter()
    await writing.tenant.create('Note', '{"n":1}', { id: 'a' })
    const publishing = writing.pointers.on('putAll').hold()
    void writing.tenant.update('Note', 'a', '{"n":2}')
    await publishing.arrived
    const opening = (await readOnly(world)).store.tenant('t', { kind })
    await world.clock.sleep(500)
    publishing.release()
    expect(await text(await opening, 'Note', 'a')).toBe('{"n":2}')
  })

  test('is refused where nobody publishes what the log holds, rather than shown less than was acknowledged', async () => {
    const { world, heads } = await threeCommits()
    await setHead(world, heads[1] as Item)
    const { store } = await readOnly(world)
    expect(await outcome(store.tenant('t', { kind }))).toBe('StorageRefused')
  })
})

describe('rule 9: a missing head beside a log is never a new tenant', () => {
  test('opening says that recovery is needed, and changes nothing', async () => {
    const { world } = await threeCommits()
    await run(world.pointers.deleteByPrefix(['H#']))
    const before = await world.dump()
    expect(await outcome(world.enter())).toBe('NeedsRecovery')
    expect(await world.dump()).toEqual(before)
  })

  test('not even when every item is gone', async () => {
    const { world } = await threeCommits()
    await run(world.pointers.deleteByPrefix(['']))
    expect(await outcome(world.enter())).toBe('NeedsRecovery')
    expect((await world.dump()).size).toBe(0)
  })

  test('a store that was told to recovers, and goes on with the next number', async () => {
    const { world } = await threeCommits()
    await run(world.pointers.deleteByPrefix(['']))
    const { tenant } = await world.enter({ recover: true })
    expect(await tenant.update('Note', 'a', '{"n":4}', { expect: 3 })).toMatchObject({ position: { seq: 4 } })
  })

  test('a new tenant begins with a head at 0', async () => {
    const { tenant } = await makeWorld().enter()
    expect((await tenant.head()).seq).toBe(0)
    expect(await contents(tenant)).toEqual([])
  })
})

describe('rule 9: pointers that do not belong to the log are refused', () => {
  test('a head ahead of its log', async () => {
    const { world } = await threeCommits()
    world.lose(logObject(3))
    const error = await failure(world.enter())
    expect(error).toMatchObject({ _tag: 'LogMismatch', data: { seq: 3 } })
  })

  test('a head with another hash', async () => {
    const { world, heads } = await threeCommits()
    await setHead(world, heads[3] as Item, { hash: 'f'.repeat(64) })
    expect(await outcome(world.enter())).toBe('LogMismatch')
  })

  test('a head behind, whose next commit does not follow it', async () => {
    const { world, heads } = await threeCommits()
    await setHead(world, heads[1] as Item, { hash: 'f'.repeat(64) })
    expect(await outcome(world.enter())).toBe('LogMismatch')
  })

  test('the store that was told to recover leaves mixed-up data to the operator', async () => {
    const { world } = await threeCommits()
    world.lose(logObject(3))
    const before = await world.dump()
    expect(await outcome(world.enter({ recover: true }))).toBe('LogMismatch')
    expect(await world.dump()).toEqual(before)
  })
})

describe('rule 11: a missing place is an error, never "no such object"', () => {
  const gone = annalsError('StorageRefused', { operation: 'get', key: 't', cause: 'the bucket does not exist' })

  test('a store does not open where the place is missing', async () => {
    const world = makeWorld()
    const { store } = await world.enter()
    await store.close()
    const site = await world.open()
    site.blobs.on('get', /tenant\.json/).fail(gone)
    expect(await failure(site.store.tenant('t', { kind }))).toBe(gone)
    expect(site.blobs.count('createIfAbsent')).toBe(0)
  })

  test('a log whose place is missing is not taken for an empty one', async () => {
    const world = makeWorld()
    await world.enter()
    const site = await world.open()
    site.blobs.on('get', logs).fail(gone, 9)
    expect(await failure(site.store.tenant('t'))).toBe(gone)
  })

  test('a pointer store whose table is missing is not taken for one without items', async () => {
    const world = makeWorld()
    const site = await world.open()
    site.pointers.on('get').fail(gone, 9)
    expect(await failure(site.store.tenant('t', { kind }))).toBe(gone)
    expect(site.pointers.count('compareAndSet')).toBe(0)
  })

  test('reads and writes pass the error on', async () => {
    const { tenant, blobs, pointers } = await makeWorld().enter({ limits: { cacheBytes: 0 } })
    await tenant.create('Note', '{"n":1}', { id: 'a' })
    blobs.on('get', logs).fail(gone)
    expect(await failure(tenant.read('Note', 'a'))).toBe(gone)
    pointers.on('query').fail(gone)
    expect(await failure(tenant.read('Note', 'a'))).toBe(gone)
    blobs.on('createIfAbsent').fail(gone)
    expect(await failure(tenant.create('Note', '{"n":1}', { id: 'b' }))).toBe(gone)
  })

  test('the ports have no call that makes a bucket, a table or a folder', () => {
    const { blobs, pointers } = makeWorld()
    expect(Object.keys(blobs).sort()).toEqual(
      ['createIfAbsent', 'delete', 'get', 'head', 'list', 'put', 'replaceIfMatch'].sort(),
    )
    expect(Object.keys(pointers).sort()).toEqual(
      [
        'advance',
        'compareAndSet',
        'deleteByPrefix',
        'get',
        'getAll',
        'putAll',
        'putNewer',
        'query',
        'scan',
        'transact',
      ].sort(),
    )
  })
})
