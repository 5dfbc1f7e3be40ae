/** A tenant is of one version of FHIR from its beginning, and says so to whoever opens, copies or rebuilds it. */
import { describe, expect, test } from 'vitest'
import { run } from '../../domain/task.js'
import { openStore, type Store, type Tenant, type TenantOptions } from '../../src/index.js'
import { add, parameters, replace } from '../fhir/patches.js'
import { failure, makeWorld } from '../protocol/world.js'

const inMemory = (): Promise<Store> => openStore('memory:')
const of = async (fhirVersion: TenantOptions['fhirVersion']): Promise<Tenant> =>
  (await inMemory()).tenant('t', { fhirVersion })

const post = (resource: { resourceType: string }, fullUrl?: string) => ({
  fullUrl,
  resource,
  request: { method: 'POST', url: resource.resourceType },
})
const transaction = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'transaction', entry })

describe('a tenant', () => {
  test.each([
    [undefined, '4.0', undefined],
    ['4.0', '4.0', undefined],
    ['4.3', '4.3', '4.3'],
    ['5.0', '5.0', '5.0'],
  ] as const)('made with %s is of FHIR %s, for every process', async (asked, fhirVersion, stored) => {
    const world = makeWorld()
    const [one, other] = [(await world.open()).store, (await world.open()).store]
    expect((await one.tenant('t', { fhirVersion: asked })).fhirVersion).toBe(fhirVersion)
    expect(await other.tenant('t')).toMatchObject({ fhirVersion })
    expect(await other.tenant('t', { fhirVersion })).toMatchObject({ fhirVersion })
    const manifest = await run(world.blobs.get('t/tenant.json'))
    expect(JSON.parse(Buffer.from(manifest?.bytes ?? []).toString()).fhirVersion).toBe(stored)
  })

  test('is never of another one', async () => {
    const world = makeWorld()
    await (await world.open()).store.tenant('t', { fhirVersion: '5.0' })
    const { store } = await world.open()
    const error = await failure(store.tenant('t', { fhirVersion: '4.0' }))
    expect(error).toMatchObject({
      _tag: 'TenantMismatch',
      data: { what: 'fhirVersion', expected: '4.0', actual: '5.0' },
    })
    expect(error.message).toBe(
      "the FHIR version of tenant 't' is 5.0, not 4.0; it never changes, and need not be given",
    )
  })

  test('of plain JSON has none', async () => {
    const store = await inMemory()
    const notes = await store.tenant('notes', { kind: 'json' })
    expect('fhirVersion' in notes).toBe(false)
    expect(await failure(store.tenant('notes', { fhirVersion: '4.0' }))).toMatchObject({ _tag: 'TenantMismatch' })
    for (const options of [{ kind: 'json', fhirVersion: '5.0' }, { fhirVersion: '3.0' }] as TenantOptions[])
      expect(await failure(store.tenant('new', options))).toMatchObject({
        _tag: 'InvalidInput',
        data: { what: 'fhirVersion' },
      })
  })

  test('whose manifest says what no release knows is not opened', async () => {
    const world = makeWorld()
    await (await world.open()).store.tenant('t', { fhirVersion: '5.0' })
    await world.damage('t/tenant.json', (bytes) => Buffer.from(bytes.toString().replace('5.0', '6.0')))
    expect(await failure((await world.open()).store.tenant('t'))).toMatchObject({ _tag: 'Corrupt' })
  })

  test('keeps its version where it is copied, and is copied to no other one', async () => {
    const [from, to, another] = [await inMemory(), await inMemory(), await inMemory()]
    const tenant = await from.tenant('t', { fhirVersion: '5.0' })
    await tenant.create('Transport', { resourceType: 'Transport', status: 'completed' }, { id: 'a' })
    await from.copy('t', to)
    expect((await to.tenant('t')).fhirVersion).toBe('5.0')
    expect((await (await to.tenant('t')).read('Transport', 'a'))?.json()).toMatchObject({ status: 'completed' })
    await another.tenant('t')
    expect(await failure(from.copy('t', another))).toMatchObject({
      _tag: 'TenantMismatch',
      data: { what: 'fhirVersion', expected: '5.0', actual: '4.0' },
    })
  })

  test('keeps its version when its pointers are lost, recovered and verified', async () => {
    const world = makeWorld()
    const { store } = await world.open()
    const tenant = await store.tenant('t', { fhirVersion: '4.3' })
    await tenant.create('Ingredient', { resourceType: 'Ingredient', status: 'active' }, { id: 'i' })
    await store.close()
    await run(world.pointers.deleteByPrefix(['']))
    const { store: again } = await world.open()
    await again.recover('t')
    expect(await again.verify('t')).toMatchObject({ differences: 0 })
    expect((await again.tenant('t')).fhirVersion).toBe('4.3')
  })
})

describe('by its definitions', () => {
  test.each([
    ['5.0', 'SubscriptionTopic', { url: 'http://example.org/topic', status: 'active' }],
    ['5.0', 'Transport', { intent: 'order', status: 'completed' }],
    ['4.3', 'Ingredient', { status: 'active', role: { text: 'active' } }],
    [
      '4.3',
      'AdministrableProductDefinition',
      { status: 'active', routeOfAdministration: [{ code: { text: 'oral' } }] },
    ],
    ['4.0', 'MedicinalProduct', { name: [{ productName: 'x' }] }],
  ] as const)('of %s, %s is written by interactions and Bundles', async (fhirVersion, resourceType, more) => {
    const tenant = await of(fhirVersion)
    const body = { resourceType, ...more }
    const { status, id = '' } = await tenant.interact({ method: 'POST', url: resourceType, body })
    expect([status, (await tenant.read(resourceType, id))?.json()]).toMatchObject([201, body])
    expect((await tenant.bundle(transaction(post(body)))).entries).toMatchObject([{ status: 201 }])
    for (const other of (['4.0', '4.3', '5.0'] as const).filter((each) => each !== fhirVersion)) {
      // What R5 has may be of R4B already.
      const isThere =
        other === '5.0'
          ? fhirVersion === '4.3'
          : fhirVersion === '5.0' && resourceType !== 'Transport' && other === '4.3'
      const asked = (await of(other)).interact({ method: 'POST', url: resourceType, body })
      if (isThere) expect((await asked).status).toBe(201)
      else expect(await failure(asked)).toMatchObject({ _tag: 'NotSupported' })
    }
  })

  test('links in elements that only R5 has lead where the entries of a transaction have come to', async () => {
    const tenant = await of('5.0')
    const { entries } = await tenant.bundle(
      transaction(
        post({ resourceType: 'Location' }, 'urn:uuid:l'),
        post({ resourceType: 'DeviceDefinition' }, 'urn:uuid:d'),
        post({
          resourceType: 'Transport',
          requestedLocation: { reference: 'urn:uuid:l' },
          reason: { reference: { reference: 'urn:uuid:l' } },
        } as { resourceType: string }),
        post({
          resourceType: 'ArtifactAssessment',
          artifactUri: 'urn:uuid:d',
          artifactCanonical: 'urn:uuid:d',
          content: [{ path: ['urn:uuid:d'], summary: 'urn:uuid:d' }],
        } as { resourceType: string }),
        post({
          resourceType: 'ConceptMap',
          group: [{ source: 'urn:uuid:d' }],
          property: [{ uri: 'urn:uuid:d', system: 'urn:uuid:d' }],
        } as { resourceType: string }),
      ),
    )
    const [location, device] = entries.map(({ type, id }) => `${type}/${id}`)
    const written = async (place: number) => {
      const { type = '', id = '' } = entries[place] ?? {}
      return (await tenant.read(type, id))?.json()
    }
    expect(await written(2)).toMatchObject({
      requestedLocation: { reference: location },
      reason: { reference: { reference: location } },
    })
    expect(await written(3)).toMatchObject({
      artifactUri: device,
      artifactCanonical: 'urn:uuid:d',
      content: [{ path: [device], summary: 'urn:uuid:d' }],
    })
    expect(await written(4)).toMatchObject({
      group: [{ source: 'urn:uuid:d' }],
      property: [{ uri: device, system: 'urn:uuid:d' }],
    })
  })

  test('a FHIRPath Patch knows what repeats and what is a choice', async () => {
    for (const [fhirVersion, value, expected] of [
      ['4.3', { valueCoding: { code: 'IMP' } }, { code: 'IMP' }],
      ['5.0', { valueCodeableConcept: { text: 'x' } }, [{ text: 'x' }]],
    ] as const) {
      const tenant = await of(fhirVersion)
      await tenant.update('Encounter', 'e', { resourceType: 'Encounter', id: 'e' })
      await tenant.patch('Encounter', 'e', parameters(add('Encounter', 'class', value)))
      expect((await tenant.read('Encounter', 'e'))?.json()).toMatchObject({ class: expected })
    }
    const tenant = await of('5.0')
    const body = { resourceType: 'SubscriptionTopic', id: 's', versionAlgorithmString: 'semver' }
    await tenant.update('SubscriptionTopic', 's', body)
    const coding = replace('SubscriptionTopic.versionAlgorithm', { valueCoding: { code: 'semver' } })
    const patch = { resource: parameters(coding), request: { method: 'PATCH', url: 'SubscriptionTopic/s' } }
    await tenant.bundle(transaction(patch))
    expect((await tenant.read('SubscriptionTopic', 's'))?.json()).toMatchObject({
      versionAlgorithmCoding: { code: 'semver' },
    })
  })
})
