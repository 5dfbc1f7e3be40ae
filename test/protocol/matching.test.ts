/** Conditions: what they select at any head, and decisions that depend on it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Tenant } from '../../src/store.js'
import { failure, logs, makeWorld, type World } from './world.js'

const system = 'http://example.org/mrn'

/** A patient who is known by these numbers. */
const patient = (...values: string[]): string =>
  JSON.stringify({ resourceType: 'Patient', identifier: values.map((value) => ({ system, value })) })

async function enter(world: World): Promise<Tenant> {
  return (await world.open()).store.tenant('t')
}

const idsOf = async (tenant: Pick<Tenant, 'match'>, condition: string, at?: { seq: number }): Promise<string[]> =>
  (await tenant.match('Patient', condition, at === undefined ? {} : { at: { partition: 0, index: 0, ...at } })).map(
    ({ id, version }) => `${id}@${version}`,
  )

const createIfNone = (tenant: Tenant, value: string) =>
  tenant.transact(async (state) =>
    (await state.match('Patient', `identifier=${system}|${value}`)).length > 0
      ? []
      : [{ op: 'create', type: 'Patient', body: patient(value) }],
  )

describe('a condition', () => {
  test('selects by identifier with its system, without it, with none, by _id and by url', async () => {
    const tenant = await enter(makeWorld())
    await tenant.update('Patient', 'a', patient('1', '2'))
    await tenant.update('Patient', 'b', '{"resourceType":"Patient","identifier":[{"value":"1"}]}')
    await tenant.update('Bundle', 'c', '{"resourceType":"Bundle","identifier":{"system":"s","value":"1"}}')
    await tenant.update('ValueSet', 'd', '{"resourceType":"ValueSet","url":"http://example.org/vs"}')
    expect(await idsOf(tenant, `identifier=${system}|1`)).toEqual(['a@1'])
    expect(await idsOf(tenant, 'identifier=1')).toEqual(['a@1', 'b@1'])
    expect(await idsOf(tenant, 'identifier=|1')).toEqual(['b@1'])
    expect(await idsOf(tenant, 'identifier=other|1')).toEqual([])
    expect(await idsOf(tenant, '_id=b,a,none')).toEqual(['a@1', 'b@1'])
    expect(await idsOf(tenant, 'identifier=1,7&identifier=2')).toEqual(['a@1'])
    expect(await idsOf(tenant, 'identifier=1&_id=b')).toEqual(['b@1'])
    expect((await tenant.match('Bundle', 'identifier=s|1')).map(({ id }) => id)).toEqual(['c'])
    expect((await tenant.match('ValueSet', 'url=http%3A%2F%2Fexample.org%2Fvs')).map(({ id }) => id)).toEqual(['d'])
  })

  test('selects what says so now, at any head', async () => {
    const tenant = await enter(makeWorld())
    await tenant.update('Patient', 'a', patient('1'))
    await tenant.update('Patient', 'a', patient('2'))
    await tenant.update('Patient', 'a', patient('1'))
    await tenant.delete('Patient', 'a')
    await tenant.update('Patient', 'a', patient('1'))
    const found = await Promise.all([1, 2, 3, 4, 5].map((seq) => idsOf(tenant, 'identifier=1', { seq })))
    expect(found).toEqual([['a@1'], [], ['a@3'], [], ['a@5']])
    expect(await idsOf(tenant, 'identifier=1')).toEqual(['a@5'])
  })

  test('costs an index item only where a version states other keys than the one before', async () => {
    const world = makeWorld()
    const tenant = await enter(world)
    const stated = async () => [...(await world.dump()).keys()].filter((key) => key.startsWith('I#')).length
    await tenant.update('Patient', 'a', patient('1', '2', '1'))
    expect(await stated()).toBe(2)
    await tenant.update('Patient', 'a', patient('2', '1'))
    expect(await stated()).toBe(2)
    await tenant.update('Patient', 'a', patient('2', '3'))
    expect(await stated()).toBe(4)
  })

  test('that is not supported, or says nothing, is refused without being quoted', async () => {
    const tenant = await enter(makeWorld())
    for (const [condition, tag] of [
      ['name=Miller', 'NotSupported'],
      ['identifier:not=1', 'NotSupported'],
      ['identifier=http://example.org/mrn|', 'NotSupported'],
      ['', 'InvalidInput'],
      ['identifier=', 'InvalidInput'],
      ['_id=a,', 'InvalidInput'],
      [`_id=${'a,'.repeat(100)}a`, 'LimitExceeded'],
    ] as const) {
      const error = await failure(tenant.match('Patient', condition))
      expect(error._tag, condition).toBe(tag)
      expect(error.message).not.toMatch(/Miller|example\.org/)
    }
  })

  test('is for FHIR resources', async () => {
    const { tenant } = await makeWorld().enter()
    expect((await failure(tenant.match('Note', '_id=a')))._tag).toBe('NotSupported')
  })
})

describe('what depends on a condition', () => {
  test('happens once, within a store and among several', async () => {
    const world = makeWorld()
    const tenants = await Promise.all([enter(world), enter(world), enter(world), enter(world)])
    const values = ['1', '2', '3']
    await Promise.all(
      tenants.flatMap((tenant) => Array.from({ length: 16 }, (_, i) => createIfNone(tenant, values[i % 3] as string))),
    )
    for (const value of values) expect(await idsOf(tenants[0] as Tenant, `identifier=${value}`)).toHaveLength(1)
    expect((await tenants[0]?.history())?.entries).toHaveLength(3)
  })

  test('is decided anew when another store has written what it was to select', async () => {
    const world = makeWorld()
    const [tenant, other] = [await enter(world), await enter(world)]
    let plans = 0
    await tenant.transact(async (state) => {
      const found = await state.match('Patient', 'identifier=1')
      if (++plans === 1) await other.update('Patient', 'b', patient('1'))
      return found.length > 0 ? [] : [{ op: 'create', type: 'Patient', body: patient('1') }]
    })
    expect(plans).toBe(2)
    expect(await idsOf(tenant, 'identifier=1')).toEqual(['b@1'])
  })

  test('is decided on commits that are not published yet', async () => {
    const world = makeWorld()
    const site = await world.open()
    const tenant = await site.store.tenant('t')
    await tenant.update('Patient', 'x', patient('0'))
    const held = site.pointers.on('putAll').hold()
    const first = tenant.update('Patient', 'a', patient('1'))
    await held.arrived
    const second = createIfNone(tenant, '1')
    // Time enough to be planned, and to be decided too early.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    held.release()
    await Promise.all([first, second])
    expect(await idsOf(tenant, 'identifier=1')).toEqual(['a@1'])
  })

  test('sees what those before it in the same batch do: create, change and delete', async () => {
    const world = makeWorld()
    const site = await world.open()
    const tenant = await site.store.tenant('t')
    await tenant.update('Patient', 'a', patient('1'))
    await tenant.update('Patient', 'b', patient('2'))
    let planned = 0
    const count = (value: string) =>
      tenant.transact(async (state) => {
        const found = await state.match('Patient', `identifier=${value}`)
        planned++
        return [
          {
            op: 'update',
            type: 'Basic',
            id: `n${value}`,
            body: JSON.stringify({ resourceType: 'Basic', n: found.length }),
          },
        ]
      })
    const held = site.blobs.on('createIfAbsent', logs).hold()
    const blocking = tenant.update('Patient', 'x', patient('0'))
    await held.arrived
    // All of these wait, so that they become one batch.
    const waiting = [
      tenant.delete('Patient', 'a'),
      tenant.update('Patient', 'b', patient('3')),
      tenant.update('Patient', 'c', patient('4')),
      ...['1', '2', '3', '4'].map(count),
    ]
    while (planned < 4) await new Promise(setImmediate)
    held.release()
    await Promise.all([blocking, ...waiting])
    const numbers = await Promise.all(
      ['1', '2', '3', '4'].map(async (value) => (await tenant.read('Basic', `n${value}`))?.json<{ n: number }>().n),
    )
    expect(numbers).toEqual([0, 0, 1, 1])
  })
})

test('conditions select what a look at every resource would, through any history, and after recovery', async () => {
  const step = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    values: fc.option(fc.uniqueArray(fc.constantFrom('1', '2', '3'), { maxLength: 3 })),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.constantFrom(1, 3), async (steps, shards) => {
      const world = makeWorld({ shards })
      const { store } = await world.open()
      const tenant = await store.tenant('t', { shards })
      const states: Array<Map<string, string[]>> = [new Map()]
      for (const { id, values } of steps) {
        const next = new Map(states.at(-1))
        const { changed } =
          values === null ? await tenant.delete('Patient', id) : await tenant.update('Patient', id, patient(...values))
        if (values === null) next.delete(id)
        else next.set(id, values)
        if (changed) states.push(next)
      }
      const check = async (reads: Tenant): Promise<void> => {
        for (const [seq, state] of states.entries())
          for (const value of ['1', '2', '3']) {
            const wanted = [...state].filter(([, values]) => values.includes(value)).map(([id]) => id)
            const found = await reads.match('Patient', `identifier=${value}`, { at: { partition: 0, seq, index: 0 } })
            expect(found.map(({ id }) => id)).toEqual(wanted.sort())
          }
      }
      await check(tenant)
      expect((await store.verify('t')).differences).toBe(0)
      await store.close()
      const before = await world.dump()
      const fresh = await world.open()
      await fresh.store.recover('t')
      expect(await world.dump()).toEqual(before)
      await check(await fresh.store.tenant('t'))
    }),
    { numRuns: 40 },
  )
})
