/** Clients of others: what they ask for is answered as they expect it. */
import { MedplumClient } from '@medplum/core'
import { describe, expect, test } from 'vitest'
import { type Bundle, type FhirClient, kitClient, medplumClient, smartClient } from './clients.js'
import { running } from './server.js'

/** With what each tells its user of 404, 410 and 412. */
const clients = [
  { name: 'fhir-kit-client', make: kitClient, failures: { missing: 404, deleted: 410, stale: 412 } },
  { name: 'fhirclient', make: smartClient, failures: { missing: 404, deleted: 410, stale: 412 } },
  {
    name: '@medplum/core',
    make: medplumClient,
    failures: { missing: 'not-found', deleted: 'deleted', stale: 'conflict' },
  },
]

const resourceType = 'Patient'

describe.each(clients)('$name', ({ make, failures }) => {
  const connected = async (): Promise<FhirClient> => make((await running()).base)

  const failureOf = (client: FhirClient, asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      () => 'none',
      (error) => client.failure(error),
    )

  test('creates, reads, updates, deletes, and is told what is not there', async () => {
    const client = await connected()
    expect(await client.fhirVersion()).toBe('4.0.1')
    const created = await client.create({ resourceType, active: true })
    const id = created.id as string
    expect(created).toMatchObject({ active: true, meta: { versionId: '1' } })
    expect(await client.read(resourceType, id)).toEqual(created)
    const updated = await client.update({ ...created, active: false }, 'W/"1"')
    expect(updated).toMatchObject({ id, active: false, meta: { versionId: '2' } })
    expect(await failureOf(client, client.update({ ...created, active: true }, 'W/"1"'))).toBe(failures.stale)
    expect(await client.read(resourceType, id)).toEqual(updated)
    await client.remove(resourceType, id)
    expect(await failureOf(client, client.read(resourceType, id))).toBe(failures.deleted)
    expect(await failureOf(client, client.read(resourceType, 'nobody'))).toBe(failures.missing)
  })

  test('updates what is not there yet, under an id of its own', async () => {
    const client = await connected()
    expect(await client.update({ resourceType, id: 'ada' })).toMatchObject({ id: 'ada', meta: { versionId: '1' } })
    expect(await client.read(resourceType, 'ada')).toMatchObject({ id: 'ada' })
  })

  test('patches', async () => {
    const client = await connected()
    await client.update({ resourceType, id: 'ada', active: true })
    const replace = { op: 'replace', path: '/active', value: false } as const
    expect(await client.patch(resourceType, 'ada', [replace])).toMatchObject({
      id: 'ada',
      active: false,
      meta: { versionId: '2' },
    })
    const nowhere = { op: 'remove', path: '/name' } as const
    expect(await failureOf(client, client.patch(resourceType, 'ada', [replace, nowhere]))).not.toBe('none')
    expect(await client.read(resourceType, 'ada')).toMatchObject({ meta: { versionId: '2' } })
  })

  test('reads versions and histories', async () => {
    const client = await connected()
    await client.update({ resourceType, id: 'ada', active: true })
    await client.update({ resourceType, id: 'ada', active: false })
    await client.update({ resourceType, id: 'bob' })
    await client.update({ resourceType: 'Group', id: 'all' })
    await client.remove(resourceType, 'ada')
    expect(await client.vread(resourceType, 'ada', '1')).toMatchObject({ active: true })
    expect(await client.vread(resourceType, 'ada', '2')).toMatchObject({ active: false })
    const requests = ({ entry = [] }: Bundle): string[] =>
      entry.map(({ request }) => `${request?.method} ${request?.url}`)
    const ofAda = ['DELETE Patient/ada', 'PUT Patient/ada', 'PUT Patient/ada']
    expect(requests(await client.history(resourceType, 'ada'))).toEqual(ofAda)
    const ofPatients = ['DELETE Patient/ada', 'PUT Patient/bob', 'PUT Patient/ada', 'PUT Patient/ada']
    expect(requests(await client.history(resourceType))).toEqual(ofPatients)
    expect(requests(await client.history())).toEqual(['DELETE Patient/ada', 'PUT Group/all', ...ofPatients.slice(1)])
  })

  test('follows pages to their end', async () => {
    const client = await connected()
    const ids = ['a', 'b', 'c', 'd', 'e']
    for (const id of ids) await client.update({ resourceType, id })
    const pages = []
    for await (const page of client.pages(resourceType, 2)) pages.push(page)
    expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']])
  })

  test('sends a transaction whose entries refer to each other, and which happens whole or not at all', async () => {
    const client = await connected()
    const patient = { fullUrl: 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a', resource: { resourceType } }
    const observation = { resourceType: 'Observation', subject: { reference: patient.fullUrl } }
    const entry = [
      { ...patient, request: { method: 'POST', url: resourceType } },
      { resource: observation, request: { method: 'POST', url: 'Observation' } },
    ]
    const done = await client.send({ resourceType: 'Bundle', type: 'transaction', entry })
    const [, of, id] = /^(\w+)\/([^/]+)\/_history\/1$/.exec(done.entry?.[0]?.response?.location ?? '') ?? []
    expect(of).toBe(resourceType)
    const history = await client.history('Observation')
    expect(history.entry?.[0]?.resource).toMatchObject({ subject: { reference: `${resourceType}/${id}` } })

    const failing = [...entry, { request: { method: 'PATCH', url: 'Patient/nobody' } }]
    const failed = client.send({ resourceType: 'Bundle', type: 'transaction', entry: failing })
    expect(await failureOf(client, failed)).not.toBe('none')
    expect((await client.history()).entry).toHaveLength(2)
  })

  test('sends a batch, of which each entry is answered by itself', async () => {
    const client = await connected()
    await client.update({ resourceType, id: 'ada', active: true })
    const entry = [
      { request: { method: 'GET', url: 'Patient/ada' } },
      { request: { method: 'GET', url: 'Patient/nobody' } },
      { resource: { resourceType, id: 'bob' }, request: { method: 'PUT', url: 'Patient/bob' } },
    ]
    const done = await client.send({ resourceType: 'Bundle', type: 'batch', entry })
    expect(done.type).toBe('batch-response')
    expect(done.entry?.map(({ response }) => response?.status.slice(0, 3))).toEqual(['200', '404', '201'])
    expect(done.entry?.[0]?.resource).toMatchObject({ id: 'ada', active: true })
    expect(await client.read(resourceType, 'bob')).toMatchObject({ id: 'bob' })
  })
})

test('@medplum/core creates what it does not find, and finds it the second time', async () => {
  const { root } = await running()
  const client = new MedplumClient({ baseUrl: `${root}/`, fhirUrlPath: 'fhir', fetch, cacheTime: 0 })
  const patient = { resourceType: 'Patient', identifier: [{ value: '7' }] } as const
  const one = await client.createResourceIfNoneExist({ ...patient, identifier: [{ value: '7' }] }, 'identifier=7')
  expect((await client.createResourceIfNoneExist({ resourceType: 'Patient' }, 'identifier=7')).id).toBe(one.id)
  expect(await client.searchOne('Patient', 'identifier=7')).toMatchObject({ id: one.id })
})
