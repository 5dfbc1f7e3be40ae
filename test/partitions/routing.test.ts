/** Which log a resource is in, and what a tenant of several logs refuses. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tenantKey } from '../../domain/keys.js'
import { partitionOf } from '../../domain/partitions.js'
import { run } from '../../domain/task.js'
import type { Tenant } from '../../src/index.js'
import { failure, makeWorld, outcome } from '../protocol/world.js'

const partitions = 3

async function opened(kind: 'json' | 'fhir' = 'json') {
  const world = makeWorld()
  const { store } = await world.open()
  return { world, store, tenant: await store.tenant('t', { kind, partitions }) }
}

/** An id of a type for each log. */
const idIn = (tenant: Tenant, partition: number): string => {
  for (let i = 0; ; i++) if (tenant.partitionOf('Note', `n${i}`) === partition) return `n${i}`
}

const update = (id: string) => ({ op: 'update' as const, type: 'Note', id, body: '{}' })

describe('the log of a resource', () => {
  test('is where anybody finds it, with nothing but SHA-256', () => {
    const ids = ['p1', 'p4', 'a/b', 'c/d']
    expect(ids.map((id) => partitionOf({ type: 'Patient', id }, 4))).toEqual([1, 0, 0, 2])
  })

  test('is none for what can be no name, which is refused as ever', async () => {
    const { tenant } = await opened()
    for (const id of ['\ud800', '', 7, null, {}] as string[])
      for (const ask of [
        () => tenant.update('Note', id, '{}'),
        () => tenant.read('Note', id),
        () => tenant.delete(id, 'a'),
        () => tenant.transact([{ op: 'delete', type: 'Note', id }]),
      ])
        expect(await outcome<unknown>(ask())).toBe('InvalidInput')
  })

  test('is one of them, for about as many resources each', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.integer({ min: 1, max: 64 }), (type, id, many) => {
        const partition = partitionOf({ type, id }, many)
        expect(Number.isInteger(partition) && partition >= 0 && partition < many).toBe(true)
      }),
    )
    const counts = new Array(8).fill(0)
    for (let i = 0; i < 8_000; i++) counts[partitionOf({ type: 'Patient', id: `p${i}` }, 8)]++
    for (const count of counts) expect(count).toBeGreaterThan(800)
  })

  test('is its own for what the store names, in a transaction that of the others', async () => {
    const { tenant } = await opened()
    const seen = new Set<number>()
    for (let i = 0; i < 40; i++) {
      const { id, position } = await tenant.create('Note', '{}')
      expect(position?.partition).toBe(tenant.partitionOf('Note', id))
      seen.add(position?.partition as number)
    }
    expect(seen.size).toBe(partitions)
    for (const partition of [0, 1, 2]) {
      const { results } = await tenant.transact([
        { op: 'create', type: 'Note', body: '{}' },
        update(idIn(tenant, partition)),
      ])
      expect(results.map(({ position }) => position?.partition)).toEqual([partition, partition])
    }
  })

  test('refuses what is of another one, and writes nothing', async () => {
    const { tenant } = await opened()
    const id = idIn(tenant, 1)
    for (const log of [tenant.partitions[0], tenant.partitions[2]] as Tenant[]) {
      for (const write of [
        () => log.update('Note', id, '{}'),
        () => log.create('Note', '{}', { id }),
        () => log.delete('Note', id),
        () => log.transact([{ op: 'check', type: 'Note', id, expect: 0 }]),
        () => log.transact(() => [update(id)]),
      ])
        expect(await failure(write())).toMatchObject({
          _tag: 'InvalidInput',
          data: { what: 'partition', problem: expect.stringContaining(`Note/${id} is in partition 1`) },
        })
    }
    expect((await tenant.head()).seq).toBe(0)
  })
})

describe('a request key', () => {
  test('means one write, whatever id the store would give it', async () => {
    const { tenant } = await opened()
    const made = await Promise.all(
      Array.from({ length: 20 }, () => tenant.create('Note', '{"n":1}', { request: 'once' })),
    )
    expect(new Set(made.map(({ id }) => id)).size).toBe(1)
    expect(await tenant.count('Note')).toBe(1)
  })

  test('is what a revert finds its log by', async () => {
    const { tenant } = await opened()
    for (const partition of [0, 1, 2]) {
      const id = idIn(tenant, partition)
      await tenant.update('Note', id, '{}', { request: `of ${partition}` })
      await tenant.revert({ request: `of ${partition}` })
      expect((await tenant.read('Note', id))?.deleted).toBe(true)
    }
    expect(await failure(tenant.revert({ request: 'nobody knows' }))).toMatchObject({ data: { what: 'request' } })
  })
})

describe('over several logs', () => {
  test('what would have to be one commit is refused with what to do, and nothing is written', async () => {
    const { tenant } = await opened()
    const [a, b] = [idIn(tenant, 0), idIn(tenant, 2)]
    await tenant.update('Note', a, '{}')
    const refused: [() => Promise<unknown>, string][] = [
      [() => tenant.transact([update(a), update(b)]), 'partitions 0, 2; run them as a saga'],
      [() => tenant.transact(() => [update(a)]), 'tenant.partitions'],
      [() => tenant.bundle({ resourceType: 'Bundle', type: 'transaction' }), 'tenant.partitions'],
      [() => tenant.revert('1-0'), 'tenant.partitions'],
      [() => tenant.planRevert({ from: 1 }), 'tenant.partitions'],
      [() => tenant.restore({}, '2026-01-01'), 'tenant.partitions'],
      [() => tenant.planRestore({ type: 'Note' }, '2026-01-01'), 'tenant.partitions'],
      [async () => tenant.subscribe(), 'tenant.partitions'],
      [async () => tenant.observe(), 'tenant.partitions'],
      [async () => tenant.commits({ follow: true }), 'tenant.partitions'],
      [async () => tenant.commits({ from: 2 }), 'tenant.partitions'],
    ]
    for (const [ask, advice] of refused) {
      const error = await failure(ask())
      expect(error._tag).toBe('NotSupported')
      expect(error.message).toContain(advice)
    }
    expect((await tenant.head()).seq).toBe(1)
  })

  test('a position says when in one log only, and a cursor goes on with its own history', async () => {
    const { tenant } = await opened()
    for (let i = 0; i < 9; i++) await tenant.update('Note', `n${i}`, '{}')
    const at = { partition: 1, seq: 1, index: 0 }
    for (const ask of [
      () => tenant.history({}, { at }),
      () => tenant.list('Note', { at }),
      () => tenant.count('Note', { at }),
      () => tenant.match('Note', '_id=a', { at }),
    ])
      expect(await failure(ask())).toMatchObject({ data: { what: 'at' } })
    const { cursor } = await tenant.history({}, { count: 2 })
    const other = await makeWorld().open()
    const fewer = await other.store.tenant('t', { kind: 'json', partitions: 2 })
    for (const ask of [
      () => tenant.history({ type: 'Note' }, { cursor }),
      () => tenant.list('Note', { cursor }),
      () => tenant.history({}, { cursor: 'nonsense' }),
      () => tenant.history({}, { cursor: Buffer.from('{}').toString('base64url') }),
      () => fewer.history({}, { cursor }),
    ])
      expect(await failure(ask())).toMatchObject({ _tag: 'InvalidInput', data: { what: 'cursor' } })
    for (const count of [0, -1, 1.5])
      expect(await failure(tenant.history({}, { count }))).toMatchObject({ data: { what: 'count' } })
  })

  test('conditions find what is in any of them; what is written under a condition is of one', async () => {
    const { tenant } = await opened('fhir')
    const identifier = [{ system: 'urn:mrn', value: '1' }]
    const ids = Array.from({ length: 12 }, (_, i) => `p${i}`)
    for (const id of ids) await tenant.update('Patient', id, { resourceType: 'Patient', id, identifier })
    const found = await tenant.match('Patient', 'identifier=urn:mrn|1')
    expect(found.map(({ id }) => id)).toEqual([...ids].sort())
    for (const [partition, log] of tenant.partitions.entries()) {
      const own = await log.match('Patient', 'identifier=urn:mrn|1')
      expect(own.map(({ id }) => tenant.partitionOf('Patient', id))).toEqual(own.map(() => partition))
      expect(own.length).toBeGreaterThan(0)
    }
  })

  test('one resource is patched, restored and waited for as ever', async () => {
    const { tenant } = await opened()
    const id = idIn(tenant, 2)
    const first = await tenant.update('Note', id, '{"n":1}')
    await tenant.patch('Note', id, [{ op: 'replace', path: '/n', value: 2 }])
    await tenant.restore({ type: 'Note', id }, first.position as never)
    expect((await tenant.read('Note', id))?.text()).toBe('{"n":1}')
    expect((await tenant.read('Note', id, { at: first.position }))?.version).toBe(1)
  })
})

describe('the number of logs', () => {
  test('is said by the manifest, and is what it is', async () => {
    const { world, store, tenant } = await opened()
    expect(tenant.partitions).toHaveLength(partitions)
    const manifest = await run(world.blobs.get(tenantKey('t')))
    expect(JSON.parse(Buffer.from(manifest?.bytes ?? []).toString())).toMatchObject({ partitions })
    const again = (await world.open()).store
    expect((await again.tenant('t')).partitions).toHaveLength(partitions)
    expect(await failure(again.tenant('t', { partitions: 2 }))).toMatchObject({
      _tag: 'TenantMismatch',
      data: { what: 'partitions', expected: 2, actual: 3 },
    })
    for (const wrong of [0, 65, 1.5, -1, '2' as never])
      expect(await outcome(store.tenant('u', { partitions: wrong }))).toBe('InvalidInput')
  })

  test.each([0, 65, 2.5, '2'])('in a manifest is not %j', async (wrong) => {
    const { world, store } = await opened()
    const manifest = { format: 'annals-tenant/1', tenant: 'w', kind: 'json', partitions: wrong, created: '' }
    await run(world.blobs.put(tenantKey('w'), Buffer.from(JSON.stringify(manifest))))
    expect(await outcome(store.tenant('w'))).toBe('Corrupt')
  })

  test('of one log is a tenant that is its log', async () => {
    const { store } = await makeWorld().open()
    const tenant = await store.tenant('t')
    expect(tenant.partitions).toEqual([tenant])
    expect(tenant.partitionOf('Note', 'any')).toBe(0)
  })
})
