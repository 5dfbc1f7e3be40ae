/** A FHIR server of another version: which types there are, and what it says of itself. */
import { describe, expect, test } from 'vitest'
import { codesOf, running } from './server.js'

const versions = [
  { fhirVersion: '4.0', published: '4.0.1', types: 146, name: 'R4' },
  { fhirVersion: '4.3', published: '4.3.0', types: 141, name: 'R4B' },
  { fhirVersion: '5.0', published: '5.0.0', types: 158, name: 'R5' },
] as const

describe.each(versions)('a server of FHIR $published', ({ fhirVersion, published, types, name }) => {
  test('says so in its CapabilityStatement, and makes its tenant of that version', async () => {
    const { ask, store } = await running({ fhirVersion })
    const { body } = await ask('GET', 'metadata')
    expect(body.fhirVersion).toBe(published)
    expect(body.rest[0].resource).toHaveLength(types)
    expect((await ask('GET', '/health/ready')).status).toBe(200)
    expect((await store.tenant('default')).fhirVersion).toBe(fhirVersion)
  })

  test('takes and writes media types of that version, and of no other one', async () => {
    const { ask } = await running({ fhirVersion })
    const body = { resourceType: 'Patient' }
    for (const other of versions) {
      const isOwn = other.fhirVersion === fhirVersion
      const type = `application/fhir+json; fhirVersion=${other.fhirVersion}`
      const read = await ask('GET', 'Patient', { headers: { accept: type } })
      expect(read.status).toBe(isOwn ? 200 : 406)
      if (isOwn) expect(read.headers.get('content-type')).toContain(`fhirVersion=${fhirVersion}`)
      expect((await ask('POST', 'Patient', { body, headers: { 'content-type': type } })).status).toBe(isOwn ? 201 : 415)
    }
  })

  test.each([
    ['MedicinalProduct', ['4.0']],
    ['Media', ['4.0', '4.3']],
    ['Ingredient', ['4.3', '5.0']],
    ['AdministrableProductDefinition', ['4.3', '5.0']],
    ['SubscriptionTopic', ['4.3', '5.0']],
    ['Transport', ['5.0']],
  ] as const)('has %s if it is of %s', async (resourceType, having) => {
    const { ask } = await running({ fhirVersion })
    const created = await ask('POST', resourceType, { body: { resourceType } })
    const entry = [{ resource: { resourceType }, request: { method: 'POST', url: resourceType } }]
    const posted = await ask('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } })
    if ((having as ReadonlyArray<string>).includes(fhirVersion)) {
      expect([created.status, posted.status]).toEqual([201, 200])
      expect((await ask('GET', `${resourceType}/${created.body.id}`)).body.resourceType).toBe(resourceType)
      return
    }
    expect([created.status, ...codesOf(created)]).toEqual([404, 'not-supported'])
    expect(created.body.issue[0].diagnostics).toContain(`FHIR ${name}`)
    expect([posted.status, ...codesOf(posted)]).toEqual([404, 'not-supported'])
    for (const [method, path] of [
      ['GET', `${resourceType}/a`],
      ['GET', resourceType],
      ['GET', `${resourceType}/_history`],
      ['DELETE', `${resourceType}/a`],
    ] as const)
      expect((await ask(method, path)).status).toBe(404)
  })
})

test('a tenant of another version is not there', async () => {
  const { ask, store } = await running({ tenancy: { from: 'path' } })
  await store.tenant('old')
  await store.tenant('new', { fhirVersion: '5.0' })
  await store.tenant('notes', { kind: 'json' })
  expect((await ask('GET', '/tenants/old/fhir/Patient')).status).toBe(200)
  for (const name of ['new', 'notes', 'none']) {
    const answer = await ask('GET', `/tenants/${name}/fhir/Patient`)
    expect([answer.status, ...codesOf(answer)], name).toEqual([404, 'not-found'])
  }
})

test.each([
  ['4.3', { code: 'IMP' }, { valueCoding: { code: 'IMP' } }],
  ['5.0', [{ text: 'x' }], { valueCodeableConcept: { text: 'x' } }],
] as const)('$diff is in the types of FHIR %s', async (fhirVersion, written, value) => {
  const { ask } = await running({ fhirVersion })
  const encounter = { resourceType: 'Encounter', id: 'e' }
  await ask('PUT', 'Encounter/e', { body: encounter })
  await ask('PUT', 'Encounter/e', { body: { ...encounter, class: written } })
  const { body } = await ask('GET', 'Encounter/e/$diff')
  expect(body.parameter[0].part).toContainEqual({ name: 'value', ...value })
})
