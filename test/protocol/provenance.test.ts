/** The Provenance beside a write: with it or not at all, and about what was really written. (FHIR R4, Provenance: HTTP header) */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { InteractionRequest, ResourceVersion, Tenant } from '../../src/index.js'
import { add, parameters } from '../fhir/patches.js'
import { failure, makeWorld, outcome } from './world.js'

const seed = Number(process.env.ANNALS_MODEL_SEED ?? randomInt(2 ** 31))

const said =
  '{"resourceType":"Provenance", "recorded":"2026-11-22T10:15:30.10Z", "x" : 1.10,"agent":[{"who":{"display":"é"}}]}'
const patient = (id?: string, value?: string) => ({
  resourceType: 'Patient',
  ...(id === undefined ? undefined : { id }),
  ...(value === undefined ? undefined : { identifier: [{ value }] }),
})
const put = (id: string, value?: string): InteractionRequest => ({
  method: 'PUT',
  url: `Patient/${id}`,
  body: patient(id, value),
})
const post: InteractionRequest = { method: 'POST', url: 'Patient', body: patient() }
const remove = (id: string): InteractionRequest => ({ method: 'DELETE', url: `Patient/${id}` })
const bundle = (type: string, ...entry: object[]) => ({ resourceType: 'Bundle', type, entry })
const asks = (method: string, url: string, more: object = {}, fullUrl?: string) => ({
  ...(fullUrl === undefined ? undefined : { fullUrl }),
  ...('resourceType' in more ? { resource: more, request: { method, url } } : { request: { method, url, ...more } }),
})

const enter = async (): Promise<Tenant> => (await makeWorld().open()).store.tenant('t')

/** `a` at version 2 and known by the identifier 1, `gone` deleted at version 2. */
async function filled(): Promise<Tenant> {
  const tenant = await enter()
  await tenant.update('Patient', 'a', patient('a', '1'))
  await tenant.update('Patient', 'a', patient('a', '1'))
  await tenant.update('Patient', 'gone', patient('gone'))
  await tenant.delete('Patient', 'gone')
  return tenant
}

const targetsOf = (provenance: ResourceVersion): string[] =>
  provenance.json<{ target: { reference: string }[] }>().target.map(({ reference }) => reference)

const provenances = async (tenant: Tenant) => (await tenant.history({ type: 'Provenance' })).entries

describe('a Provenance', () => {
  test('is in the same transaction as what is written, behind it, byte for byte as it was sent', async () => {
    const tenant = await enter()
    const { id } = await tenant.interact(post, { provenance: said, actor: 'ann' })
    const [provenance, created] = (await tenant.history()).entries as [ResourceVersion, ResourceVersion]
    expect([provenance.transaction, created.transaction, provenance.actor]).toEqual(['1-0', '1-0', 'ann'])
    const { meta } = provenance.json<{ meta: object }>()
    expect(provenance.text()).toBe(
      said
        .replace('"Provenance"', `"Provenance","id":"${provenance.id}","meta":${JSON.stringify(meta)}`)
        .replace(/}$/, `,"target":[{"reference":"Patient/${id}/_history/1"}]}`),
    )
  })

  test.each<[string, InteractionRequest, string]>([
    ['an update', put('a'), 'Patient/a/_history/3'],
    ['an update that creates', put('new'), 'Patient/new/_history/1'],
    ['an update of what was deleted', put('gone'), 'Patient/gone/_history/3'],
    ['an update of the version that is expected', { ...put('a'), ifMatch: 'W/"2"' }, 'Patient/a/_history/3'],
    ['a conditional update', { ...put('a'), url: 'Patient?identifier=1' }, 'Patient/a/_history/3'],
    ['a conditional update that creates', { ...put('b'), url: 'Patient?identifier=2' }, 'Patient/b/_history/1'],
    ['a conditional create', { ...post, ifNoneExist: 'identifier=2' }, 'Patient/*/_history/1'],
    [
      'a patch',
      { method: 'PATCH', url: 'Patient/a', body: [{ op: 'add', path: '/active', value: true }] },
      'Patient/a/_history/3',
    ],
    [
      'a conditional patch',
      {
        method: 'PATCH',
        url: 'Patient?identifier=1',
        body: parameters(add('Patient', 'active', { valueBoolean: true })),
      },
      'Patient/a/_history/3',
    ],
    ['a deletion, of the version that is deleted', remove('a'), 'Patient/a/_history/2'],
    ['a conditional deletion', { method: 'DELETE', url: 'Patient?identifier=1' }, 'Patient/a/_history/2'],
  ])('of %s', async (_, request, target) => {
    const tenant = await filled()
    const { id, version = 0, status } = await tenant.interact(request, { provenance: said })
    const [provenance, ...others] = await provenances(tenant)
    expect(others).toEqual([])
    expect(targetsOf(provenance as ResourceVersion)).toEqual([target.replace('*', id ?? '')])
    expect(target).toContain(`/_history/${status === 204 ? version - 1 : version}`)
    const [written] = (await tenant.history({ type: 'Patient' })).entries
    expect(written?.transaction).toBe(provenance?.transaction)
  })

  test.each<[string, InteractionRequest]>([
    ['a conditional create that finds one', { ...post, ifNoneExist: 'identifier=1' }],
    ['a deletion of what was never there', remove('never')],
    ['a deletion of what is deleted', remove('gone')],
    ['a conditional deletion that selects nothing', { method: 'DELETE', url: 'Patient?identifier=2' }],
    ['a read', { method: 'GET', url: 'Patient/a' }],
  ])('is not written where nothing is: %s', async (_, request) => {
    const tenant = await filled()
    const { seq } = await tenant.head()
    await tenant.interact(request, { provenance: said })
    expect((await tenant.head()).seq).toBe(seq)
  })

  test('is not written where the write fails', async () => {
    const tenant = await filled()
    const { seq } = await tenant.head()
    for (const request of [
      { ...put('a'), ifMatch: 'W/"1"' },
      { ...put('a'), ifNoneMatch: '*' },
      { method: 'PATCH', url: 'Patient/gone', body: [] },
      { method: 'PATCH', url: 'Patient/a', body: [{ op: 'test', path: '/active', value: true }] },
    ] as InteractionRequest[])
      expect(['Conflict', 'PatchFailed']).toContain(
        (await failure(tenant.interact(request, { provenance: said })))._tag,
      )
    expect((await tenant.head()).seq).toBe(seq)
  })

  test('of a transaction names all that it writes, in the order of the request, and may refer to its entries', async () => {
    const tenant = await filled()
    const agent = [{ who: { reference: 'urn:uuid:p' } }, { who: { reference: 'Patient?identifier=1' } }]
    const { entries, transaction } = await tenant.bundle(
      bundle(
        'transaction',
        asks('PUT', 'Patient/b', patient('b')),
        asks('DELETE', 'Patient/never'),
        asks('POST', 'Patient', patient(), 'urn:uuid:p'),
        asks('GET', 'Patient/b'),
        asks('PUT', 'Patient/a', patient('a', '1')),
      ),
      { provenance: { resourceType: 'Provenance', agent } },
    )
    expect(entries.map(({ status }) => status)).toEqual([201, 204, 201, 200, 200])
    const created = entries[2]?.id
    const [provenance, ...others] = (await provenances(tenant)) as [ResourceVersion]
    expect([others, provenance.transaction]).toEqual([[], transaction])
    expect(targetsOf(provenance)).toEqual([
      'Patient/b/_history/1',
      `Patient/${created}/_history/1`,
      'Patient/a/_history/3',
    ])
    expect(provenance.json()).toMatchObject({
      agent: [{ who: { reference: `Patient/${created}` } }, { who: { reference: 'Patient/a' } }],
    })
  })

  test('of a batch is one for each entry that writes, with it or not at all', async () => {
    const tenant = await filled()
    const { entries } = await tenant.bundle(
      bundle(
        'batch',
        asks('PUT', 'Patient/b', patient('b')),
        asks('GET', 'Patient/b'),
        asks('DELETE', 'Patient/never'),
        asks('PUT', 'Patient/c', { ...patient('other') }),
        asks('DELETE', 'Patient/a'),
      ),
      { provenance: said },
    )
    expect(entries.map(({ status }) => status)).toEqual([201, 200, 204, 400, 204])
    const found = await provenances(tenant)
    expect(found.flatMap(targetsOf).sort()).toEqual(['Patient/a/_history/2', 'Patient/b/_history/1'])
    for (const each of found) expect(targetsOf(each)).toHaveLength(1)
  })

  test('is once what its request key says: a retry writes nothing, and another Provenance is another request', async () => {
    const tenant = await enter()
    const first = await tenant.interact(post, { provenance: said, request: 'r' })
    expect(await tenant.interact(post, { provenance: said, request: 'r' })).toEqual(first)
    expect(await provenances(tenant)).toHaveLength(1)
    for (const provenance of [undefined, said.replace('1.10', '1.1')])
      expect(await outcome(tenant.interact(post, { provenance, request: 'r' }))).toBe('RequestKeyReused')
  })

  test('is taken back with what it is about', async () => {
    const tenant = await filled()
    await tenant.interact(put('a'), { provenance: said, request: 'r' })
    await tenant.revert({ request: 'r' })
    const [undone, ...others] = (await tenant.history({}, { count: 2 })).entries
    expect([undone, ...others].map((each) => `${each?.type} ${each?.op}`).sort()).toEqual([
      'Patient update',
      'Provenance delete',
    ])
  })

  test.each<[string, string | object, string]>([
    ['no JSON', '{"resourceType":"Provenance",}', 'InvalidBody'],
    ['a list', '[]', 'InvalidBody'],
    ['a member twice', '{"resourceType":"Provenance","x":1,"x":2}', 'InvalidBody'],
    ['another resource', patient(), 'InvalidInput'],
    ['no type', {}, 'InvalidInput'],
    ['a target', { resourceType: 'Provenance', target: [{ reference: 'Patient/a' }] }, 'InvalidInput'],
    ['an empty target', '{"resourceType":"Provenance","t\\u0061rget":[]}', 'InvalidInput'],
    ['a meta that is none', { resourceType: 'Provenance', meta: 1 }, 'InvalidBody'],
    [
      'a condition, which takes a transaction',
      { resourceType: 'Provenance', agent: [{ who: { reference: 'Patient?_id=x' } }] },
      'InvalidInput',
    ],
  ])('is refused with %s, and nothing is written', async (_, provenance, tag) => {
    const tenant = await filled()
    const { seq } = await tenant.head()
    const error = await failure(tenant.interact(put('b'), { provenance }))
    expect(error._tag).toBe(tag)
    expect(Object.values(error.data).filter((value) => /^provenance\b/.test(String(value)))).toHaveLength(1)
    expect((await tenant.head()).seq).toBe(seq)
  })

  test('whose condition selects nothing lets the whole transaction fail', async () => {
    const tenant = await filled()
    const { seq } = await tenant.head()
    const provenance = { resourceType: 'Provenance', agent: [{ who: { reference: 'Patient?_id=x' } }] }
    const asked = bundle('transaction', asks('PUT', 'Patient/b', patient('b')))
    const error = await failure(tenant.bundle(asked, { provenance }))
    expect(error).toMatchObject({ _tag: 'NoMatch', data: { what: expect.stringMatching(/^provenance\b/) } })
    expect((await tenant.head()).seq).toBe(seq)
  })

  test('of a batch refers to none of its entries', async () => {
    const tenant = await enter()
    for (const reference of ['urn:uuid:p', 'Patient?identifier=1']) {
      const provenance = { resourceType: 'Provenance', agent: [{ who: { reference } }] }
      const asked = bundle('batch', asks('POST', 'Patient', patient(), 'urn:uuid:p'))
      expect(await failure(tenant.bundle(asked, { provenance }))).toMatchObject({
        _tag: 'InvalidInput',
        data: { what: 'provenance' },
      })
    }
    expect((await tenant.head()).seq).toBe(0)
  })

  test('takes the permission to create one, where anything would be written', async () => {
    const tenant = await filled()
    const options = { provenance: said, permit: (_: string, type: string) => type !== 'Provenance' }
    expect(await failure(tenant.interact(put('a'), options))).toMatchObject({
      _tag: 'Forbidden',
      data: { what: 'provenance', permission: 'c', type: 'Provenance' },
    })
    expect((await tenant.interact({ method: 'GET', url: 'Patient/a' }, options)).status).toBe(200)
    const entries = [asks('PUT', 'Patient/a', patient('a')), asks('GET', 'Patient/a')]
    expect((await tenant.bundle(bundle('batch', ...entries), options)).entries.map(({ status }) => status)).toEqual([
      403, 200,
    ])
    expect(await outcome(tenant.bundle(bundle('transaction', ...entries), options))).toBe('Forbidden')
    expect(await provenances(tenant)).toEqual([])
  })

  test('has its place in the log of what it is about, where a tenant has several', async () => {
    const { store } = await makeWorld().open()
    const tenant = await store.tenant('many', { partitions: 3 })
    for (let n = 0; n < 9; n++) await tenant.interact(n % 2 === 0 ? post : put(`p${n}`), { provenance: said })
    for (const log of tenant.partitions) {
      const written = (await log.history({}, { count: 99 })).entries
      const about = written.filter(({ type }) => type === 'Provenance').flatMap(targetsOf)
      expect(about.sort()).toEqual(
        written
          .filter(({ type }) => type === 'Patient')
          .map(({ id }) => `Patient/${id}/_history/1`)
          .sort(),
      )
    }
  })
})

const ids = fc.constantFrom('a', 'b', 'c')
const requests: fc.Arbitrary<InteractionRequest> = fc.oneof(
  ids.map((id) => put(id)),
  ids.map(remove),
  ids.map((id): InteractionRequest => ({ method: 'PATCH', url: `Patient/${id}`, body: '[]' })),
  fc.constant<InteractionRequest>({ ...post, body: patient(undefined, 'one'), ifNoneExist: 'identifier=one' }),
  fc.constant<InteractionRequest>({ method: 'DELETE', url: 'Patient?identifier=one' }),
)

/** What a transaction has written, as its Provenance would say it. */
const written = (events: ReadonlyArray<ResourceVersion>): string[] =>
  events.map(({ type, id, version, op }) => `${type}/${id}/_history/${op === 'delete' ? version - 1 : version}`)

test(`whoever races, each Provenance names the versions of its transaction, with seed ${seed}`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(requests, { maxLength: 6 }), { minLength: 2, maxLength: 4 }),
      async (writers) => {
        const world = makeWorld()
        await Promise.all(
          writers.map(async (list) => {
            const tenant = await (await world.open()).store.tenant('t')
            await Promise.all(list.map((request) => outcome(tenant.interact(request, { provenance: said }))))
          }),
        )
        const tenant = await (await world.open()).store.tenant('t')
        for await (const { transactions } of tenant.commits())
          for (const { events } of transactions) {
            const [provenance, ...others] = [...events].reverse() as [ResourceVersion, ...ResourceVersion[]]
            expect(provenance.type).toBe('Provenance')
            expect(others).toHaveLength(1)
            expect(targetsOf(provenance)).toEqual(written(others))
          }
      },
    ),
    { numRuns: 100, seed },
  )
}, 60_000)
