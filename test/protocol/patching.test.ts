/** Patches of stored resources: on the current version, whatever others write meanwhile. */
import { describe, expect, test } from 'vitest'
import * as fhirPath from '../fhir/patches.js'
import { contents, failure, makeWorld } from './world.js'

const add = (path: string, value: unknown) => [{ op: 'add', path, value }]

describe('a patch', () => {
  test('writes the next version, and keeps every byte that it does not name', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.update('Note', 'a', '{ "10": 1.10, "2": [1e3] }')
    expect(await tenant.patch('Note', 'a', add('/2/-', 7))).toMatchObject({ version: 2, changed: true, op: 'update' })
    const found = await tenant.read('Note', 'a')
    expect([found?.text(), found?.method]).toEqual(['{ "10": 1.10, "2": [1e3,7] }', 'PATCH'])
  })

  test('takes bytes and text as they are', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.update('Note', 'a', '{}')
    await tenant.patch('Note', 'a', '[{"op":"add","path":"/n","value":1.10}]')
    await tenant.patch('Note', 'a', Buffer.from('[{"op":"add","path":"/m","value":1e3}]'))
    expect((await tenant.read('Note', 'a'))?.text()).toBe('{"n":1.10,"m":1e3}')
  })

  test('loses nothing of those that race with it, within a store and among several', async () => {
    const world = makeWorld()
    const tenants = [(await world.enter()).tenant, (await world.enter()).tenant]
    await tenants[0]?.update('Note', 'a', '{"l":[]}')
    await Promise.all(
      tenants.flatMap((tenant, t) =>
        Array.from({ length: 10 }, (_, i) => tenant.patch('Note', 'a', add('/l/-', `${t}-${i}`))),
      ),
    )
    const { l } = (await tenants[0]?.read('Note', 'a'))?.json<{ l: string[] }>() ?? { l: [] }
    expect(new Set(l).size).toBe(20)
    expect(l).toHaveLength(20)
  })

  test('of what is not there, of another version, or that cannot be, writes nothing', async () => {
    const { tenant } = await makeWorld().enter()
    expect((await failure(tenant.patch('Note', 'a', add('/n', 1))))._tag).toBe('Conflict')
    await tenant.update('Note', 'a', '{}')
    expect((await failure(tenant.patch('Note', 'a', add('/n', 1), { expect: 7 })))._tag).toBe('Conflict')
    expect((await failure(tenant.patch('Note', 'a', add('/n/m', 1))))._tag).toBe('PatchFailed')
    expect((await failure(tenant.patch('Note', 'a', '{}')))._tag).toBe('InvalidInput')
    expect((await failure(tenant.patch('Note', 'a', [{ op: 'replace', path: '', value: 1 }])))._tag).toBe('InvalidBody')
    await tenant.delete('Note', 'a')
    expect((await failure(tenant.patch('Note', 'a', add('/n', 1))))._tag).toBe('Conflict')
    expect(await contents(tenant)).toHaveLength(2)
  })

  test('takes a request key: the same answer again, also where the patch could not be applied twice', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.update('Note', 'a', '{"n":1}')
    const once = [{ op: 'remove', path: '/n' }]
    const first = await tenant.patch('Note', 'a', once, { request: 'r' })
    expect(await tenant.patch('Note', 'a', once, { request: 'r' })).toEqual(first)
    expect((await failure(tenant.patch('Note', 'a', add('/n', 1), { request: 'r' })))._tag).toBe('RequestKeyReused')
  })

  test('by FHIRPath is one for FHIR resources, in the bytes', async () => {
    const { store } = await makeWorld().open()
    const tenant = await store.tenant('f')
    await tenant.update('Observation', 'o', '{"resourceType":"Observation","id":"o", "valueQuantity" : {"value":1.10}}')
    const unit = fhirPath.add('Observation.value', 'unit', { valueString: 'mg' })
    const patch = fhirPath.parameters(unit, fhirPath.add('Observation', 'status', { valueCode: 'final' }))
    expect(await tenant.patch('Observation', 'o', patch)).toMatchObject({ version: 2, op: 'update' })
    const found = await tenant.read('Observation', 'o')
    expect(found?.text()).toContain(' "valueQuantity" : {"value":1.10,"unit":"mg"},"status":"final"}')
    expect(found?.method).toBe('PATCH')
    for (const refused of [unit, fhirPath.replace('Observation.id', { valueId: 'p' })])
      expect(['PatchFailed', 'InvalidInput']).toContain(
        (await failure(tenant.patch('Observation', 'o', fhirPath.parameters(refused))))._tag,
      )
    expect((await tenant.versions('Observation', 'o')).entries).toHaveLength(2)
    const notes = await store.tenant('j', { kind: 'json' })
    await notes.update('Note', 'a', '{}')
    expect((await failure(notes.patch('Note', 'a', patch)))._tag).toBe('InvalidInput')
  })

  test('cannot make a FHIR resource another one', async () => {
    const { store } = await makeWorld().open()
    const tenant = await store.tenant('t')
    await tenant.update('Patient', 'a', '{"resourceType":"Patient","id":"a"}')
    for (const [path, value] of [
      ['/id', 'b'],
      ['/resourceType', 'Group'],
    ])
      expect((await failure(tenant.patch('Patient', 'a', [{ op: 'replace', path, value }])))._tag).toBe('InvalidInput')
    await tenant.patch('Patient', 'a', [{ op: 'test', path: '/meta/versionId', value: '1' }, ...add('/active', true)])
    expect((await tenant.read('Patient', 'a'))?.json()).toMatchObject({ active: true, meta: { versionId: '2' } })
  })
})
