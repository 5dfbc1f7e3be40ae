/** Clients of others: what they ask for is answered as they expect it. */
import { MedplumClient } from '@medplum/core'
import { Client } from 'fhir-kit-client'
import { expect, test } from 'vitest'
import { running } from './server.js'

test('fhir-kit-client creates, reads, updates, patches, deletes, searches, pages and sends Bundles', async () => {
  const { base } = await running()
  const client = new Client({ baseUrl: base })
  expect(await client.capabilityStatement()).toMatchObject({ fhirVersion: '4.0.1' })
  const resourceType = 'Patient'
  const created = await client.create({ resourceType, body: { resourceType, active: true } })
  const id = created.id as string
  expect(await client.read({ resourceType, id })).toMatchObject({ id, active: true })
  await client.update({ resourceType, id, body: { resourceType, id, active: false } as never })
  await client.patch({ resourceType, id, jsonPatch: [{ op: 'replace', path: '/active', value: true }] })
  expect(await client.vread({ resourceType, id, version: '2' })).toMatchObject({ active: false })
  const history = await client.resourceHistory({ resourceType, id })
  expect(history.entry).toHaveLength(3)
  expect(await client.typeHistory({ resourceType })).toMatchObject({ type: 'history' })
  expect(await client.systemHistory()).toMatchObject({ type: 'history' })

  const entry = Array.from({ length: 5 }, (_, n) => ({
    fullUrl: `urn:uuid:${n}`,
    resource: { resourceType, identifier: [{ system: 's', value: `${n}` }] },
    request: { method: 'POST', url: resourceType },
  }))
  const done = await client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry } as never })
  expect(done.entry).toHaveLength(5)
  const batch = { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: `Patient/${id}` } }] }
  expect(await client.batch({ body: batch as never })).toMatchObject({ entry: [{ resource: { id } }] })

  const found = await client.resourceSearch({ resourceType, searchParams: { identifier: 's|3' } })
  expect(found.entry).toHaveLength(1)
  let page = (await client.resourceSearch({ resourceType, searchParams: { _count: 4 } })) as never as Page | undefined
  const seen: string[] = []
  while (page !== undefined) {
    seen.push(...(page.entry ?? []).map(({ resource }) => resource.id))
    page = (await client.nextPage({ bundle: page as never })) as never as Page | undefined
  }
  expect(new Set(seen).size).toBe(6)
  await client.delete({ resourceType, id })
  await expect(client.read({ resourceType, id })).rejects.toMatchObject({ response: { status: 410 } })
})

interface Page {
  readonly entry?: ReadonlyArray<{ readonly resource: { readonly id: string } }>
}

test('@medplum/core creates, reads, updates, patches, deletes and sends Bundles', async () => {
  const { root } = await running()
  const client = new MedplumClient({ baseUrl: `${root}/`, fhirUrlPath: 'fhir', fetch, cacheTime: 0 })
  const patient = await client.createResource({ resourceType: 'Patient', active: true })
  const id = patient.id as string
  expect(await client.readResource('Patient', id)).toMatchObject({ active: true, meta: { versionId: '1' } })
  expect(await client.updateResource({ ...patient, active: false })).toMatchObject({ active: false })
  expect(await client.patchResource('Patient', id, [{ op: 'replace', path: '/active', value: true }])).toMatchObject({
    active: true,
    meta: { versionId: '3' },
  })
  expect((await client.readHistory('Patient', id)).entry).toHaveLength(3)
  expect(await client.readVersion('Patient', id, '2')).toMatchObject({ active: false })
  const one = await client.createResourceIfNoneExist(
    { resourceType: 'Patient', identifier: [{ value: '7' }] },
    'identifier=7',
  )
  expect((await client.createResourceIfNoneExist({ resourceType: 'Patient' }, 'identifier=7')).id).toBe(one.id)
  const answer = await client.executeBatch({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      { fullUrl: 'urn:uuid:1', resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } },
    ],
  })
  expect(answer.entry?.[0]?.response?.status).toContain('201')
  await client.deleteResource('Patient', id)
  await expect(client.readResource('Patient', id)).rejects.toThrow(/deleted/)
})
