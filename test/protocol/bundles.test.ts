/** Bundles of type transaction and batch: one test for each rule of FHIR R4. */
import { describe, expect, test } from 'vitest'
import { outcomeOf, statusOf } from '../../src/index.js'
import type { Tenant } from '../../src/store.js'
import { add, parameters, replace } from '../fhir/patches.js'
import { failure, makeWorld } from './world.js'

const system = 'http://example.org/mrn'
const patient = (value?: string, more: object = {}) => ({
  resourceType: 'Patient',
  ...more,
  ...(value === undefined ? undefined : { identifier: [{ system, value }] }),
})
const refers = (reference: string, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  subject: { reference },
  ...more,
})

const post = (fullUrl: string, resource: { resourceType: string }, ifNoneExist?: string) => ({
  fullUrl,
  resource,
  request: { method: 'POST', url: resource.resourceType, ifNoneExist },
})
const put = (url: string, resource: object, more: object = {}) => ({
  resource,
  request: { method: 'PUT', url, ...more },
})
const remove = (url: string, more: object = {}) => ({ request: { method: 'DELETE', url, ...more } })
const get = (url: string, more: object = {}) => ({ request: { method: 'GET', url, ...more } })
const bundle = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'transaction', entry })
const batch = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'batch', entry })

const enter = async (): Promise<Tenant> => (await makeWorld().open()).store.tenant('t')

const stored = async (tenant: Tenant, type: string, id: string): Promise<Record<string, never> | undefined> => {
  const found = await tenant.read(type, id)
  return found === undefined || found.deleted ? undefined : found.json()
}

/** The resource that an entry of an answer is about. */
const answered = async (tenant: Tenant, entry: { type?: string; id?: string } | undefined) =>
  (await stored(tenant, entry?.type ?? '', entry?.id ?? '')) as unknown as {
    id: string
    subject: { reference: string }
    [name: string]: unknown
  }

const seqOf = async (tenant: Tenant) => (await tenant.head()).seq

describe('a transaction', () => {
  test('is one commit, and answers in the order of the request', async () => {
    const tenant = await enter()
    await tenant.update('Patient', 'old', JSON.stringify(patient()))
    const { entries, type, transaction } = await tenant.bundle(
      bundle(
        get('Patient/a'),
        put('Patient/a', patient('1', { id: 'a' })),
        post('urn:uuid:1', patient('2')),
        remove('Patient/old'),
      ),
    )
    expect(type).toBe('transaction-response')
    expect(entries.map(({ status }) => status)).toEqual([200, 201, 201, 204])
    expect(Buffer.from(entries[0]?.resource ?? []).toString()).toContain('"versionId":"1"')
    expect(await seqOf(tenant)).toBe(2)
    expect(transaction).toBe('2-0')
    const events = (await tenant.history({}, { at: { partition: 0, seq: 2, index: 0 } })).entries.slice(0, 3).reverse()
    expect(events.map(({ op, method }) => `${op} ${method}`)).toEqual(['delete DELETE', 'create POST', 'create PUT'])
  })

  test('answers with status, location, etag and instant, as a Bundle', async () => {
    const tenant = await enter()
    const answer = await tenant.bundle(bundle(post('urn:uuid:1', patient()), get('Patient?_id=none')))
    const { entry, ...rest } = JSON.parse(Buffer.from(answer.bytes()).toString())
    expect(rest).toEqual({ resourceType: 'Bundle', type: 'transaction-response' })
    const [{ id, at }] = answer.entries as unknown as [{ id: string; at: string }]
    const location = `Patient/${id}/_history/1`
    expect(entry[0]).toEqual({ response: { status: '201 Created', location, etag: 'W/"1"', lastModified: at } })
    expect(entry[1]).toEqual({
      resource: {
        resourceType: 'Bundle',
        type: 'searchset',
        total: 0,
        link: [{ relation: 'self', url: 'Patient?_id=none' }],
      },
      response: { status: '200 OK' },
    })
  })

  test('gives what was written where it is asked for, byte for byte', async () => {
    const tenant = await enter()
    const text =
      '{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Observation", "x" : 1.10},"request":{"method":"POST","url":"Observation"}}]}'
    const { entries } = await tenant.bundle(text, { return: 'representation' })
    expect(Buffer.from(entries[0]?.resource ?? []).toString()).toContain('"x" : 1.10}')
  })

  test('that is empty is fine', async () => {
    const tenant = await enter()
    expect(await tenant.bundle(bundle())).toMatchObject({ entries: [] })
    expect(await tenant.bundle('{"resourceType":"Bundle","type":"transaction"}')).toMatchObject({ entries: [] })
    expect(await seqOf(tenant)).toBe(0)
  })

  test('comes to the same whatever the order of its entries', async () => {
    const entries = [
      post('urn:uuid:1', patient('1')),
      post('urn:uuid:2', refers('urn:uuid:1')),
      put('Patient/b', patient('2', { id: 'b', link: [{ other: { reference: 'urn:uuid:1' } }] })),
      remove('Patient/c'),
      get('Patient/b'),
    ]
    for (const order of [entries, [...entries].reverse()]) {
      const tenant = await enter()
      await tenant.update('Patient', 'c', JSON.stringify(patient('3')))
      const answer = await tenant.bundle(bundle(...order))
      const observation = answer.entries.find(({ type }) => type === 'Observation')
      const created = answer.entries.find(({ type, id, status }) => type === 'Patient' && status === 201 && id !== 'b')
      expect((await answered(tenant, observation)).subject.reference).toBe(`Patient/${created?.id}`)
      expect(JSON.stringify(await stored(tenant, 'Patient', 'b'))).toContain(`"reference":"Patient/${created?.id}"`)
      expect(await stored(tenant, 'Patient', 'c')).toBeUndefined()
    }
  })

  test('that fails does nothing, and says what is wrong with every entry', async () => {
    const tenant = await enter()
    await tenant.update('Patient', 'a', JSON.stringify(patient('1')))
    const error = await failure(
      tenant.bundle(
        bundle(
          post('urn:uuid:1', patient('2')),
          put('Patient/a', patient('1', { id: 'a' }), { ifMatch: 'W/"7"' }),
          remove('Patient/b', { ifMatch: 'W/"1"' }),
          get('Patient/none'),
        ),
      ),
    )
    expect(await seqOf(tenant)).toBe(1)
    expect(statusOf(error)).toBe(412)
    const { resourceType, issue } = outcomeOf(error, (operation) => `Bundle.entry[${operation}]`)
    expect(resourceType).toBe('OperationOutcome')
    expect(issue.map(({ code, expression }) => [code, expression?.[0]])).toEqual([
      ['conflict', 'Bundle.entry[1]'],
      ['conflict', 'Bundle.entry[2]'],
      ['not-found', 'Bundle.entry[3]'],
    ])
  })

  test('reads the version that it is asked for, and fails with one that is not there', async () => {
    const tenant = await enter()
    await tenant.update('Patient', 'a', JSON.stringify(patient('1')))
    await tenant.update('Patient', 'a', JSON.stringify(patient('2')))
    const read = await tenant.bundle(bundle(get('Patient/a/_history/1'), get('Patient/a', { ifNoneMatch: 'W/"2"' })))
    expect(read.entries.map(({ status, version }) => [status, version])).toEqual([
      [200, 1],
      [304, 2],
    ])
    const error = await failure(
      tenant.bundle(bundle(put('Patient/b', patient('1', { id: 'b' })), get('Patient/a/_history/9'))),
    )
    expect(error).toMatchObject({ _tag: 'Conflict', data: { conflicts: [{ operation: 1, id: 'a' }] } })
    expect(await stored(tenant, 'Patient', 'b')).toBeUndefined()
  })

  test('writes no resource twice, whether it is named or selected', async () => {
    const tenant = await enter()
    await tenant.update('Patient', 'a', JSON.stringify(patient('1')))
    for (const entries of [
      [put('Patient/a', patient('1', { id: 'a' })), remove('Patient/a')],
      [put('Patient/a', patient('1', { id: 'a' })), remove(`Patient?identifier=${system}|1`)],
      [put('Patient/a', patient('1', { id: 'a' })), post('urn:uuid:1', patient('1'), `identifier=${system}|1`)],
      [post('urn:uuid:1', patient('2'), 'identifier=2'), post('urn:uuid:2', patient('2'), 'identifier=2')],
      [put('Patient?identifier=2', patient('2')), post('urn:uuid:2', patient('2'), 'identifier=2')],
      [post('urn:uuid:1', patient('2')), post('urn:uuid:2', patient('3'), 'identifier=2')],
      [put('Patient/c', patient('1', { id: 'c' })), post('urn:uuid:2', patient('1'), 'identifier=1')],
    ]) {
      const error = await failure(tenant.bundle(bundle(...entries)))
      expect(error).toMatchObject({ _tag: 'InvalidInput', data: { what: 'Bundle.entry[1]' } })
      expect(error.message).toContain('Bundle.entry[0]')
    }
    expect(await seqOf(tenant)).toBe(1)
  })

  test('takes a request key: the same answer again, and nothing written', async () => {
    const tenant = await enter()
    const asked = bundle(
      post('urn:uuid:1', patient('1'), 'identifier=1'),
      remove('Patient?identifier=7'),
      post('urn:uuid:2', refers('urn:uuid:1')),
      get('Patient?identifier=1'),
    )
    const first = await tenant.bundle(asked, { request: 'r' })
    const again = await tenant.bundle(asked, { request: 'r' })
    expect(Buffer.from(again.bytes()).toString()).toBe(Buffer.from(first.bytes()).toString())
    expect(await seqOf(tenant)).toBe(1)
    expect((await failure(tenant.bundle(bundle(), { request: 'r' })))._tag).toBe('RequestKeyReused')
  })
})

describe('links between entries', () => {
  const link = async (resource: object, fullUrl = 'urn:uuid:1', own = 'urn:uuid:2') => {
    const tenant = await enter()
    const { entries } = await tenant.bundle(
      bundle(post(fullUrl, patient('1')), post(own, resource as { resourceType: string })),
    )
    const { id } = entries[0] ?? {}
    const body = await tenant.read(entries[1]?.type ?? '', entries[1]?.id ?? '')
    return body?.text().replaceAll(id ?? '', 'NEW') ?? ''
  }

  test('are replaced in references, at any depth', async () => {
    expect(await link(refers('urn:uuid:1'))).toContain('"reference":"Patient/NEW"')
    const deep = { contained: [{ resourceType: 'Group', member: [{ entity: { reference: 'urn:uuid:1' } }] }] }
    expect(await link(refers('#g', deep))).toContain('"entity":{"reference":"Patient/NEW"}')
  })

  test('are replaced in elements of type uri, url, oid and uuid', async () => {
    for (const name of ['valueUri', 'valueUrl', 'valueUuid', 'valueOid'])
      expect(await link(refers('Patient/x', { extension: [{ url: 'http://x', [name]: 'urn:uuid:1' }] }))).toContain(
        `"${name}":"Patient/NEW"`,
      )
    expect(await link({ resourceType: 'CarePlan', instantiatesUri: ['urn:uuid:1'] })).toContain('["Patient/NEW"]')
    expect(
      await link({ resourceType: 'DocumentReference', content: [{ attachment: { url: 'urn:uuid:1' } }] }),
    ).toContain('"url":"Patient/NEW"')
  })

  test('are replaced in href and src of the narrative', async () => {
    const div = `<div xmlns="http://www.w3.org/1999/xhtml"><a href="urn:uuid:1">he</a><img src='urn:uuid:1'/> urn:uuid:1</div>`
    const text = await link(refers('Patient/x', { text: { status: 'generated', div } }))
    expect(JSON.parse(text).text.div).toBe(
      `<div xmlns="http://www.w3.org/1999/xhtml"><a href="Patient/NEW">he</a><img src='Patient/NEW'/> urn:uuid:1</div>`,
    )
  })

  test('are left alone in canonicals, identifiers and plain text', async () => {
    for (const more of [
      { instantiatesCanonical: 'urn:uuid:1' },
      { identifier: [{ system: 'urn:ietf:rfc:3986', value: 'urn:uuid:1' }] },
      { valueString: 'urn:uuid:1' },
      { meta: { profile: ['urn:uuid:1'] } },
      { note: [{ text: 'urn:uuid:1' }] },
    ])
      expect(await link(refers('Patient/x', more))).toContain('"urn:uuid:1"')
  })

  test('are told from what has the same name and another type', async () => {
    const link1 = 'urn:uuid:1'
    for (const resource of [
      { resourceType: 'ConceptMap', group: [{ unmapped: { url: link1 } }] },
      { resourceType: 'StructureMap', structure: [{ url: link1 }] },
      { resourceType: 'ImplementationGuide', dependsOn: [{ uri: link1 }] },
      { resourceType: 'TerminologyCapabilities', codeSystem: [{ uri: link1 }] },
      { resourceType: 'AuditEvent', agent: [{ network: { address: link1 } }] },
      { resourceType: 'MedicationKnowledge', cost: [{ source: link1 }] },
      { resourceType: 'CapabilityStatement', instantiates: [link1] },
    ])
      expect(await link(resource), resource.resourceType).toContain(`"${link1}"`)
    for (const resource of [
      { resourceType: 'Basic', meta: { source: link1 } },
      { resourceType: 'ConceptMap', group: [{ source: link1 }] },
      { resourceType: 'DocumentManifest', source: link1 },
      { resourceType: 'NutritionOrder', instantiates: [link1] },
      { resourceType: 'Endpoint', address: link1 },
      { resourceType: 'Consent', policy: [{ uri: link1 }] },
    ])
      expect(await link(resource), JSON.stringify(resource)).toContain('"Patient/NEW"')
  })

  test('are resolved relative to the base of the entry that holds them, and to no other', async () => {
    const [here, there] = ['http://here.org/fhir', 'http://there.org/fhir']
    expect(await link(refers('Patient/7'), `${here}/Patient/7`, `${here}/Observation/1`)).toContain('"Patient/NEW"')
    expect(await link(refers(`${here}/Patient/7`), `${here}/Patient/7`)).toContain('"Patient/NEW"')
    expect(await link(refers('Patient/7'), `${here}/Patient/7`, `${there}/Observation/1`)).toContain('"Patient/7"')
    expect(await link(refers('Patient/7'), `${here}/Patient/7`)).toContain('"Patient/7"')
  })

  test('that name a version keep naming one', async () => {
    const base = 'http://here.org/fhir'
    const version = refers(`${base}/Patient/7/_history/4`)
    expect(await link(version, `${base}/Patient/7`)).toContain('"Patient/NEW/_history/1"')
    expect(await link(refers('urn:uuid:1#part'))).toContain('"Patient/NEW#part"')
  })

  test('change no other byte', async () => {
    const tenant = await enter()
    const body =
      '{ "resourceType" : "Observation","subject":{ "reference":"urn:uuid:1" }, "n" : [1.10, 1e3, "\\u0041"] }'
    const text = `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},{"resource":${body},"request":{"method":"PUT","url":"Observation?_id=o"}}]}`
    const { entries } = await tenant.bundle(text)
    const found = (await tenant.read('Observation', entries[1]?.id ?? ''))?.text() ?? ''
    expect(found.replace(entries[0]?.id ?? '', 'NEW')).toContain(
      '"subject":{ "reference":"Patient/NEW" }, "n" : [1.10, 1e3, "\\u0041"] }',
    )
  })

  test('are of one entry each: a full URL that stands twice is refused', async () => {
    const tenant = await enter()
    const error = await failure(tenant.bundle(bundle(post('urn:uuid:1', patient()), post('urn:uuid:1', patient()))))
    expect(error).toMatchObject({ _tag: 'InvalidInput', data: { what: 'Bundle.entry[1].fullUrl' } })
  })
})

describe('conditional interactions', () => {
  test('create: none selected creates, one is taken as it is and linked to, many fail', async () => {
    const tenant = await enter()
    const asked = bundle(
      post('urn:uuid:1', patient('1', { active: true }), `identifier=${system}|1`),
      post('urn:uuid:2', refers('urn:uuid:1')),
    )
    const first = await tenant.bundle(asked)
    const second = await tenant.bundle(asked)
    expect(first.entries.map(({ status }) => status)).toEqual([201, 201])
    expect(second.entries.map(({ status, version }) => [status, version])).toEqual([
      [200, 1],
      [201, 1],
    ])
    expect(second.entries[0]?.id).toBe(first.entries[0]?.id)
    expect((await answered(tenant, second.entries[1])).subject.reference).toBe(`Patient/${first.entries[0]?.id}`)
    await tenant.update('Patient', 'twin', JSON.stringify(patient('1')))
    const error = await failure(tenant.bundle(asked))
    expect(error).toMatchObject({
      _tag: 'MultipleMatches',
      data: { what: 'Bundle.entry[0].request.ifNoneExist', matches: 2 },
    })
    expect([statusOf(error), outcomeOf(error).issue[0]?.code]).toEqual([412, 'multiple-matches'])
  })

  test('update: none selected creates, with the id that was sent; one is updated; another id is refused; many fail', async () => {
    const tenant = await enter()
    const url = `Patient?identifier=${system}|1`
    const created = await tenant.bundle(bundle(put(url, patient('1'))))
    expect(created.entries[0]).toMatchObject({ status: 201, version: 1 })
    const updated = await tenant.bundle(bundle(put(url, patient('1', { active: true }))))
    expect(updated.entries[0]).toMatchObject({ status: 200, version: 2, id: created.entries[0]?.id })
    const other = await failure(tenant.bundle(bundle(put(url, patient('1', { id: 'other' })))))
    expect(other).toMatchObject({ _tag: 'InvalidInput', data: { what: 'Bundle.entry[0].resource.id' } })
    const named = await tenant.bundle(bundle(put('Patient?identifier=2', patient('2', { id: 'named' }))))
    expect(named.entries[0]).toMatchObject({ status: 201, id: 'named' })
    const taken = await failure(tenant.bundle(bundle(put('Patient?identifier=3', patient('3', { id: 'named' })))))
    expect(taken._tag).toBe('Conflict')
    await tenant.update('Patient', 'twin', JSON.stringify(patient('1')))
    expect((await failure(tenant.bundle(bundle(put(url, patient('1'))))))._tag).toBe('MultipleMatches')
  })

  test('delete: none selected is fine, one is deleted, many fail', async () => {
    const tenant = await enter()
    await tenant.update('Patient', 'a', JSON.stringify(patient('1')))
    expect((await tenant.bundle(bundle(remove('Patient?identifier=2')))).entries).toEqual([
      { status: 204, type: 'Patient' },
    ])
    expect((await tenant.bundle(bundle(remove('Patient?identifier=1')))).entries[0]).toMatchObject({
      status: 204,
      id: 'a',
      version: 2,
    })
    for (const id of ['b', 'c']) await tenant.update('Patient', id, JSON.stringify(patient('1')))
    expect((await failure(tenant.bundle(bundle(remove('Patient?identifier=1')))))._tag).toBe('MultipleMatches')
  })

  test('references: one that is stored or in the Bundle is linked to, none or many fail', async () => {
    const tenant = await enter()
    await tenant.update('Patient', 'a', JSON.stringify(patient('1')))
    const { entries } = await tenant.bundle(
      bundle(
        post('urn:uuid:1', refers(`Patient?identifier=${system}|1`)),
        post('urn:uuid:2', refers('Patient?identifier=2')),
        put('Patient/b', patient('2', { id: 'b' })),
      ),
    )
    expect((await answered(tenant, entries[0])).subject.reference).toBe('Patient/a')
    expect((await answered(tenant, entries[1])).subject.reference).toBe('Patient/b')
    const none = await failure(tenant.bundle(bundle(post('urn:uuid:1', refers('Patient?identifier=9')))))
    expect(none._tag).toBe('NoMatch')
    expect(none.message).not.toContain('identifier=9')
    // What the Bundle deletes or changes is selected no more.
    const gone = bundle(remove('Patient/a'), post('urn:uuid:1', refers(`Patient?identifier=${system}|1`)))
    expect((await failure(tenant.bundle(gone)))._tag).toBe('NoMatch')
    await tenant.update('Patient', 'c', JSON.stringify(patient('2')))
    expect((await failure(tenant.bundle(bundle(post('urn:uuid:1', refers('Patient?identifier=2'))))))._tag).toBe(
      'MultipleMatches',
    )
    const unknown = await failure(tenant.bundle(bundle(post('urn:uuid:1', refers('Patient?name=x')))))
    expect(unknown._tag).toBe('NotSupported')
  })

  test('that race make one resource', async () => {
    const world = makeWorld()
    const tenants = await Promise.all([1, 2, 3].map(async () => (await world.open()).store.tenant('t')))
    const asked = bundle(post('urn:uuid:1', patient('1'), 'identifier=1'), post('urn:uuid:2', refers('urn:uuid:1')))
    const answers = await Promise.all(
      tenants.flatMap((tenant) => Array.from({ length: 8 }, () => tenant.bundle(asked))),
    )
    expect(answers.filter(({ entries }) => entries[0]?.status === 201)).toHaveLength(1)
    expect(new Set(answers.map(({ entries }) => entries[0]?.id)).size).toBe(1)
    expect(await tenants[0]?.match('Patient', 'identifier=1')).toHaveLength(1)
  })

  test('If-Match and If-None-Match hold for their entries', async () => {
    const tenant = await enter()
    const body = patient('1', { id: 'a' })
    expect((await tenant.bundle(bundle(put('Patient/a', body, { ifNoneMatch: '*' })))).entries[0]?.status).toBe(201)
    const again = await failure(tenant.bundle(bundle(put('Patient/a', body, { ifNoneMatch: '*' }))))
    expect([again._tag, statusOf(again)]).toEqual(['Conflict', 412])
    expect((await tenant.bundle(bundle(put('Patient/a', body, { ifMatch: 'W/"1"' })))).entries[0]?.version).toBe(2)
    expect((await failure(tenant.bundle(bundle(put('Patient/a', body, { ifMatch: 'W/"1"' })))))._tag).toBe('Conflict')
  })
})

describe('patches', () => {
  const patch = (url: string, operations: unknown, more: object = {}) => ({
    resource: {
      resourceType: 'Binary',
      contentType: 'application/json-patch+json',
      data: Buffer.from(JSON.stringify(operations)).toString('base64'),
    },
    request: { method: 'PATCH', url, ...more },
  })
  const activate = [{ op: 'add', path: '/active', value: true }]

  test('change what they name, by id or condition, and their links lead to other entries', async () => {
    const tenant = await enter()
    for (const id of ['a', 'b']) await tenant.update('Patient', id, JSON.stringify(patient(id, { id })))
    const { entries } = await tenant.bundle(
      bundle(
        patch('Patient/a', [
          ...activate,
          { op: 'add', path: '/managingOrganization', value: { reference: 'urn:uuid:1' } },
        ]),
        patch('Patient?identifier=b', activate, { ifMatch: 'W/"1"' }),
        post('urn:uuid:1', { resourceType: 'Organization' }),
      ),
    )
    expect(entries.map(({ status, version }) => [status, version])).toEqual([
      [200, 2],
      [200, 2],
      [201, 1],
    ])
    expect(await stored(tenant, 'Patient', 'a')).toMatchObject({
      active: true,
      managingOrganization: { reference: `Organization/${entries[2]?.id}` },
    })
    expect((await tenant.read('Patient', 'b'))?.method).toBe('PATCH')
  })

  test('by FHIRPath change what they name, by id and by condition, with their links', async () => {
    const tenant = await enter()
    for (const [id, value] of [
      ['a', '1'],
      ['b', '2'],
    ] as const)
      await tenant.update('Patient', id, JSON.stringify(patient(value, { id })))
    const managed = parameters(add('Patient', 'managingOrganization', { valueReference: { reference: 'urn:uuid:1' } }))
    const inactive = parameters(add('Patient', 'active', { valueBoolean: false }))
    const { entries } = await tenant.bundle(
      bundle(
        { ...patch('Patient/a', []), resource: managed },
        { ...patch('Patient?identifier=2', []), resource: inactive },
        post('urn:uuid:1', { resourceType: 'Organization' }),
      ),
    )
    expect(entries.map(({ status, version }) => [status, version])).toEqual([
      [200, 2],
      [200, 2],
      [201, 1],
    ])
    expect(await stored(tenant, 'Patient', 'a')).toMatchObject({
      managingOrganization: { reference: `Organization/${entries[2]?.id}` },
    })
    expect(await stored(tenant, 'Patient', 'b')).toMatchObject({ active: false })
  })

  test('that cannot be fail with the whole', async () => {
    const tenant = await enter()
    await tenant.update('Patient', 'a', JSON.stringify(patient('1', { id: 'a' })))
    for (const [entry, tag, status] of [
      [patch('Patient/none', activate), 'Conflict', 404],
      [patch('Patient?identifier=9', activate), 'NoMatch', 404],
      [patch('Patient/a', activate, { ifMatch: 'W/"7"' }), 'Conflict', 412],
      [patch('Patient/a', [{ op: 'remove', path: '/active' }]), 'PatchFailed', 422],
      [patch('Patient/a', [{ op: 'replace', path: '/id', value: 'b' }]), 'InvalidInput', 400],
      [patch('Patient/a', [{ op: 'remove', path: '/id' }]), 'InvalidInput', 400],
      [patch('Patient/a', {}), 'InvalidInput', 400],
      [{ ...patch('Patient/a', activate), resource: { resourceType: 'Basic' } }, 'NotSupported', 400],
      [{ ...patch('Patient/a', activate), resource: parameters({ name: 'x' }) }, 'InvalidInput', 400],
      [
        { ...patch('Patient/a', activate), resource: parameters(replace('Patient.photo', { valueString: 'x' })) },
        'PatchFailed',
        422,
      ],
      [
        {
          ...patch('Patient/a', activate),
          resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data: '*' },
        },
        'InvalidInput',
        400,
      ],
    ] as const) {
      const error = await failure(tenant.bundle(bundle(entry, post('urn:uuid:1', patient('2')))))
      expect([error._tag, statusOf(error)], JSON.stringify(entry)).toEqual([tag, status])
    }
    expect(await seqOf(tenant)).toBe(1)
  })
})

describe('a batch', () => {
  test('answers every entry for itself', async () => {
    const tenant = await enter()
    const { type, entries } = await tenant.bundle(
      batch(
        put('Patient/a', patient('1', { id: 'a' })),
        put('Patient/b', patient('1', { id: 'other' })),
        get('Patient/none'),
        remove('Patient/none'),
        post('urn:uuid:1', patient('2'), 'name=x'),
        post('urn:uuid:2', refers('urn:uuid:1')),
        post('urn:uuid:3', refers('Patient?identifier=1')),
        post('urn:uuid:4', refers('Patient/elsewhere')),
      ),
    )
    expect(type).toBe('batch-response')
    expect(entries.map(({ status, outcome }) => [status, outcome?.issue[0]?.code])).toEqual([
      [201, undefined],
      [400, 'value'],
      [404, 'not-found'],
      [204, undefined],
      [400, 'not-supported'],
      [400, 'invalid'],
      [400, 'invalid'],
      [201, undefined],
    ])
  })

  test('shares commits among its entries, and has a request key for each', async () => {
    const tenant = await enter()
    const asked = batch(...Array.from({ length: 100 }, (_, i) => post(`urn:uuid:${i}`, patient(String(i)))))
    const first = await tenant.bundle(asked, { request: 'r' })
    expect(await seqOf(tenant)).toBeLessThan(10)
    const again = await tenant.bundle(asked, { request: 'r' })
    expect(again.entries).toEqual(first.entries)
    expect((await tenant.history({}, { count: 500 })).entries).toHaveLength(100)
  })
})

test('what is no Bundle, or asks for what cannot be, is refused with its place', async () => {
  const tenant = await enter()
  const body = patient('1', { id: 'a' })
  for (const [asked, tag, what] of [
    [{ resourceType: 'Patient' }, 'InvalidInput', 'resourceType'],
    [{ resourceType: 'Bundle' }, 'InvalidInput', 'Bundle.type'],
    [{ resourceType: 'Bundle', type: 'searchset' }, 'NotSupported', 'Bundle.type'],
    [{ resourceType: 'Bundle', type: 'batch', entry: {} }, 'InvalidInput', 'Bundle.entry'],
    [bundle(1 as never), 'InvalidInput', 'Bundle.entry[0]'],
    [bundle({}), 'InvalidInput', 'Bundle.entry[0].request.method'],
    [bundle({ request: { method: 'GET' } }), 'InvalidInput', 'Bundle.entry[0].request.url'],
    [bundle({ request: { method: 'POST', url: 'Patient' } }), 'InvalidInput', 'Bundle.entry[0].resource'],
    [bundle({ request: { method: 'MERGE', url: 'Patient/a' } }), 'NotSupported', 'Bundle.entry[0].request.method'],
    [bundle({ request: { method: 'PATCH', url: 'Patient/a' } }), 'InvalidInput', 'Bundle.entry[0].resource'],
    [bundle(get('Patient/$everything')), 'NotSupported', 'Bundle.entry[0].request.url'],
    [bundle(get('Patient/a/_history')), 'NotSupported', 'Bundle.entry[0].request.url'],
    [bundle(get('http://x.org/fhir/Patient/a')), 'InvalidInput', 'Bundle.entry[0].request.url'],
    [bundle(put('Patient', body)), 'InvalidInput', 'Bundle.entry[0].request.url'],
    [bundle(put('Patient/a/_history/1', body)), 'InvalidInput', 'Bundle.entry[0].request.url'],
    [bundle(put('Patient/b', body)), 'InvalidInput', 'Bundle.entry[0].resource.id'],
    [bundle(put('Patient/a', patient('1'))), 'InvalidInput', 'Bundle.entry[0].resource.id'],
    [bundle(put('Group/a', body)), 'InvalidInput', 'Bundle.entry[0].resource'],
    [bundle(put('Patient/a', body, { ifMatch: 'yesterday' })), 'InvalidInput', 'Bundle.entry[0].request.ifMatch'],
    [bundle(post('urn:uuid:1', { resourceType: 'Patient', meta: 1 } as never)), 'InvalidBody', undefined],
  ] as const) {
    const error = await failure(tenant.bundle(asked as object))
    expect([error._tag, (error.data as { what?: string }).what], JSON.stringify(asked)).toEqual([tag, what])
  }
  expect(await seqOf(tenant)).toBe(0)
  const { tenant: notes } = await makeWorld().enter()
  expect((await failure(notes.bundle(bundle())))._tag).toBe('NotSupported')
})
