/** Interactions with one resource, over real HTTP. (FHIR R4, RESTful API) */
import { describe, expect, test } from 'vitest'
import * as fhirPath from '../fhir/patches.js'
import { type Answer, codesOf, type Running, running } from './server.js'

const patient = (more: object = {}) => ({ resourceType: 'Patient', ...more })

const refused = (answer: Answer, status: number, code: string): void => {
  expect([answer.status, answer.body?.resourceType], answer.text).toEqual([status, 'OperationOutcome'])
  expect(codesOf(answer)).toEqual([code])
  for (const { expression, location } of answer.body.issue) expect(expression ?? location, answer.text).toHaveLength(1)
  expect(answer.headers.get('content-type')).toContain('application/fhir+json')
  expect(answer.text).not.toMatch(/Bundle\.entry|node_modules|\.ts:/)
}

async function withPatient(): Promise<Running> {
  const server = await running()
  expect((await server.ask('PUT', 'Patient/p1', { body: patient({ id: 'p1', active: true }) })).status).toBe(201)
  return server
}

describe('create', () => {
  test('answers 201 with the place of version 1, its tag and its instant; a body id is passed over', async () => {
    const { ask, base } = await running()
    const answer = await ask('POST', 'Patient', { body: '{"resourceType":"Patient","id":"mine", "x":1.10}' })
    expect(answer.status).toBe(201)
    const { id, meta } = answer.body
    expect(id).not.toBe('mine')
    expect(answer.headers.get('location')).toBe(`${base}/Patient/${id}/_history/1`)
    expect(answer.headers.get('etag')).toBe('W/"1"')
    expect(Date.parse(answer.headers.get('last-modified') ?? '')).toBe(
      Math.floor(Date.parse(meta.lastUpdated) / 1000) * 1000,
    )
    expect(answer.text).toContain('"x":1.10')
  })

  test('is asked for what it answers: nothing, the resource, or an outcome', async () => {
    const { ask } = await running()
    const create = (prefer: string) => ask('POST', 'Patient', { body: patient(), headers: { prefer } })
    expect((await create('return=minimal')).text).toBe('')
    expect((await create('return=OperationOutcome')).body).toMatchObject({ issue: [{ severity: 'information' }] })
    for (const prefer of ['return=representation', 'return=presentation', 'respond-async'])
      expect((await create(prefer)).body.resourceType).toBe('Patient')
  })

  test('refuses what is no resource of that type, naming the place', async () => {
    const { ask } = await running()
    refused(await ask('POST', 'Patient', { body: '{' }), 400, 'structure')
    refused(await ask('POST', 'Patient', { body: '{"a":1,"a":2}' }), 400, 'structure')
    refused(await ask('POST', 'Patient', { body: '' }), 400, 'required')
    refused(await ask('POST', 'Patient', { body: '{}' }), 400, 'required')
    refused(await ask('POST', 'Patient', { body: { resourceType: 'Observation' } }), 400, 'invalid')
    refused(await ask('POST', 'Nonsense', { body: { resourceType: 'Nonsense' } }), 404, 'not-supported')
    refused(await ask('POST', 'Patient?a=b', { body: patient() }), 400, 'value')
  })

  test('under a condition makes one, finds it, or refuses several', async () => {
    const { ask } = await running()
    const identifier = [{ system: 'urn:mrn', value: '1' }]
    const headers = { 'if-none-exist': 'identifier=urn:mrn|1' }
    const all = await Promise.all(
      Array.from({ length: 16 }, () => ask('POST', 'Patient', { body: patient({ identifier }), headers })),
    )
    expect(all.map(({ status }) => status).sort()).toEqual([...Array(15).fill(200), 201])
    expect(new Set(all.map(({ headers }) => headers.get('location'))).size).toBe(1)
    await ask('POST', 'Patient', { body: patient({ identifier }) })
    refused(await ask('POST', 'Patient', { body: patient({ identifier }), headers }), 412, 'multiple-matches')
    const unknown = await ask('POST', 'Patient', { body: patient(), headers: { 'if-none-exist': 'name=x' } })
    refused(unknown, 400, 'not-supported')
    expect(unknown.body.issue[0].diagnostics).toContain('If-None-Exist')
  })
})

describe('read', () => {
  test('answers the bytes as they are stored, with tag and instant', async () => {
    const { ask } = await running()
    const text = '{"resourceType":"Observation","id":"o","valueQuantity":{"value":1.100,"x":12345678901234567890.10}}'
    await ask('PUT', 'Observation/o', { body: text })
    const answer = await ask('GET', 'Observation/o')
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('{"value":1.100,"x":12345678901234567890.10}')
    expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8')
    const pretty = await ask('GET', 'Observation/o?_pretty=true&_format=json')
    expect(pretty.text).toContain('\n    "value": 1.100,\n    "x": 12345678901234567890.10\n')
    const head = await ask('HEAD', 'Observation/o')
    expect([head.status, head.text, head.headers.get('etag')]).toEqual([200, '', 'W/"1"'])
  })

  test('tells what is unknown from what is deleted, and keeps its tag', async () => {
    const { ask } = await withPatient()
    refused(await ask('GET', 'Patient/nobody'), 404, 'not-found')
    refused(await ask('GET', 'Nonsense/p1'), 404, 'not-supported')
    await ask('DELETE', 'Patient/p1')
    const gone = await ask('GET', 'Patient/p1')
    refused(gone, 410, 'deleted')
    expect(gone.headers.get('etag')).toBe('W/"2"')
    refused(await ask('GET', 'Patient/p1/_history/2'), 410, 'deleted')
    expect((await ask('GET', 'Patient/p1/_history/1')).body).toMatchObject({ id: 'p1', meta: { versionId: '1' } })
    for (const version of ['3', '0', 'x', '1.5'])
      refused(await ask('GET', `Patient/p1/_history/${version}`), 404, 'not-found')
  })

  test('is conditional: by tag, else by the second', async () => {
    const { ask } = await withPatient()
    const get = async (headers: Record<string, string>) => (await ask('GET', 'Patient/p1', { headers })).status
    expect(await get({ 'if-none-match': 'W/"1"' })).toBe(304)
    expect(await get({ 'if-none-match': '"7", "1"' })).toBe(304)
    expect(await get({ 'if-none-match': 'W/"2"' })).toBe(200)
    const modified = (await ask('GET', 'Patient/p1')).headers.get('last-modified') as string
    expect(await get({ 'if-modified-since': modified })).toBe(304)
    expect(await get({ 'if-modified-since': 'Thu, 01 Jan 2015 00:00:00 GMT' })).toBe(200)
    expect(await get({ 'if-modified-since': modified, 'if-none-match': 'W/"2"' })).toBe(200)
    expect(await get({ 'if-modified-since': 'nonsense' })).toBe(200)
  })

  test('as of an instant', async () => {
    const { ask } = await withPatient()
    const first = (await ask('GET', 'Patient/p1')).body.meta.lastUpdated
    await ask('PUT', 'Patient/p1', { body: patient({ id: 'p1', active: false }) })
    expect((await ask('GET', `Patient/p1?_at=${first}`)).body.active).toBe(true)
    refused(await ask('GET', 'Patient/p1?_at=2001-01-01'), 404, 'not-found')
    refused(await ask('GET', 'Patient/p1?_at=yesterday'), 400, 'value')
  })
})

describe('update', () => {
  test('creates with 201 and a place, then answers 200 and the next version', async () => {
    const { ask, base } = await running()
    const body = patient({ id: 'p1' })
    const first = await ask('PUT', 'Patient/p1', { body })
    expect([first.status, first.headers.get('location')]).toEqual([201, `${base}/Patient/p1/_history/1`])
    const second = await ask('PUT', 'Patient/p1', { body })
    expect([second.status, second.headers.get('etag'), second.headers.get('location')]).toEqual([200, 'W/"2"', null])
    await ask('DELETE', 'Patient/p1')
    const revived = await ask('PUT', 'Patient/p1', { body })
    expect([revived.status, revived.headers.get('etag')]).toEqual([201, 'W/"4"'])
  })

  test('goes by If-Match and If-None-Match, and by the id of the body', async () => {
    const { ask } = await withPatient()
    const put = (headers: Record<string, string>, body: object = patient({ id: 'p1' })) =>
      ask('PUT', 'Patient/p1', { headers, body })
    refused(await put({ 'if-match': 'W/"7"' }), 412, 'conflict')
    refused(await put({ 'if-none-match': '*' }), 412, 'duplicate')
    refused(await put({ 'if-match': 'nonsense' }), 400, 'value')
    expect((await put({ 'if-match': 'W/"1"' })).status).toBe(200)
    refused(await put({}, patient()), 400, 'required')
    refused(await put({}, patient({ id: 'p2' })), 400, 'value')
    refused(await ask('PUT', 'Patient/a_b', { body: patient({ id: 'a_b' }) }), 400, 'value')
  })

  test('under a condition: creates, updates the one, refuses another id and several', async () => {
    const { ask } = await running()
    const identifier = [{ system: 's', value: '1' }]
    const put = (more: object = {}) => ask('PUT', 'Patient?identifier=s|1', { body: patient({ identifier, ...more }) })
    const first = await put()
    expect(first.status).toBe(201)
    const second = await put({ active: true })
    expect([second.status, second.body.id, second.headers.get('etag')]).toEqual([200, first.body.id, 'W/"2"'])
    refused(await put({ id: 'other' }), 400, 'value')
    refused(await ask('PUT', 'Patient', { body: patient() }), 400, 'required')
    await ask('POST', 'Patient', { body: patient({ identifier }) })
    refused(await put(), 412, 'multiple-matches')
  })
})

describe('patch', () => {
  const json = { 'content-type': 'application/json-patch+json' }
  test('takes a JSON Patch and a FHIRPath Patch', async () => {
    const { ask } = await withPatient()
    const first = await ask('PATCH', 'Patient/p1', {
      headers: json,
      body: [{ op: 'replace', path: '/active', value: false }],
    })
    expect([first.status, first.body.active, first.headers.get('etag')]).toEqual([200, false, 'W/"2"'])
    const body = fhirPath.parameters(fhirPath.add('Patient', 'gender', { valueCode: 'other' }))
    expect((await ask('PATCH', 'Patient/p1', { body })).body).toMatchObject({
      gender: 'other',
      meta: { versionId: '3' },
    })
  })

  test('refuses what is not there, what is stale, and what cannot be', async () => {
    const { ask } = await withPatient()
    const body = [{ op: 'remove', path: '/active' }]
    refused(await ask('PATCH', 'Patient/none', { headers: json, body }), 404, 'not-found')
    refused(await ask('PATCH', 'Patient/p1', { headers: { ...json, 'if-match': 'W/"9"' }, body }), 412, 'conflict')
    refused(
      await ask('PATCH', 'Patient/p1', { headers: json, body: [{ op: 'remove', path: '/x' }] }),
      422,
      'processing',
    )
    refused(
      await ask('PATCH', 'Patient/p1', { headers: json, body: [{ op: 'test', path: '/active', value: 1 }] }),
      422,
      'processing',
    )
    refused(await ask('PATCH', 'Patient/p1', { headers: json, body: '{}' }), 400, 'not-supported')
    refused(await ask('PATCH', 'Patient?identifier=none', { headers: json, body }), 404, 'not-found')
    refused(
      await ask('PATCH', 'Patient/p1', { headers: { 'content-type': 'application/xml-patch+xml' }, body }),
      415,
      'not-supported',
    )
    expect((await ask('GET', 'Patient/p1')).headers.get('etag')).toBe('W/"1"')
  })
})

describe('delete', () => {
  test('answers 204, again and for what never was, and goes by If-Match', async () => {
    const { ask } = await withPatient()
    refused(await ask('DELETE', 'Patient/p1', { headers: { 'if-match': 'W/"4"' } }), 412, 'conflict')
    const deleted = await ask('DELETE', 'Patient/p1')
    expect([deleted.status, deleted.headers.get('etag'), deleted.text]).toEqual([204, 'W/"2"', ''])
    expect((await ask('DELETE', 'Patient/p1')).status).toBe(204)
    expect((await ask('DELETE', 'Patient/never')).status).toBe(204)
  })

  test('under a condition deletes the one, and refuses several', async () => {
    const { ask } = await running()
    const identifier = [{ value: '1' }]
    await ask('PUT', 'Patient/a', { body: patient({ id: 'a', identifier }) })
    expect((await ask('DELETE', 'Patient?identifier=1')).status).toBe(204)
    expect((await ask('GET', 'Patient/a')).status).toBe(410)
    expect((await ask('DELETE', 'Patient?identifier=1')).status).toBe(204)
    for (const id of ['b', 'c']) await ask('PUT', `Patient/${id}`, { body: patient({ id, identifier }) })
    refused(await ask('DELETE', 'Patient?identifier=1'), 412, 'multiple-matches')
    refused(await ask('DELETE', 'Patient'), 400, 'required')
  })
})

describe('a request', () => {
  test.each([
    ['application/fhir+json', 200],
    ['application/json', 200],
    ['text/html, */*;q=0.8', 200],
    ['application/fhir+xml, application/json;q=0.5', 200],
    ['application/fhir+xml', 406],
    ['text/html', 406],
    ['application/json;q=0', 406],
  ])('that accepts %s is answered %i', async (accept, status) => {
    const { ask } = await withPatient()
    expect((await ask('GET', 'Patient/p1', { headers: { accept } })).status).toBe(status)
  })

  test('says by _format what it accepts, before Accept', async () => {
    const { ask } = await withPatient()
    const headers = { accept: 'application/fhir+xml' }
    for (const format of ['json', 'application/fhir+json', 'application/fhir%2Bjson', 'application/json'])
      expect((await ask('GET', `Patient/p1?_format=${format}`, { headers })).status).toBe(200)
    refused(await ask('GET', 'Patient/p1?_format=xml'), 406, 'not-supported')
  })

  test('sends JSON in UTF-8', async () => {
    const { ask } = await running()
    const post = (type: string) => ask('POST', 'Patient', { headers: { 'content-type': type }, body: patient() })
    for (const type of ['application/fhir+json', 'application/json; charset=UTF-8', 'Application/FHIR+JSON'])
      expect((await post(type)).status).toBe(201)
    for (const type of ['application/fhir+xml', 'text/plain', 'application/json; charset=latin1'])
      refused(await post(type), 415, 'not-supported')
  })

  test('over the limit of the server is refused', async () => {
    const { ask } = await running({ maxBodyBytes: 1_000 })
    refused(await ask('POST', 'Patient', { body: patient({ x: 'x'.repeat(2_000) }) }), 413, 'too-long')
  })

  test('for nothing there is, and by methods that are none, is refused', async () => {
    const { ask } = await running()
    refused(await ask('GET', '/'), 404, 'not-found')
    refused(await ask('GET', '/fhir/Patient/a/b/c'), 404, 'not-found')
    refused(await ask('GET', '/fhir/%zz'), 400, 'invalid')
    refused(await ask('OPTIONS', 'Patient'), 405, 'not-supported')
  })

  test('is answered compressed where that is taken', async () => {
    const { ask } = await running()
    const created = await ask('POST', 'Patient', { body: patient({ x: 'x'.repeat(5_000) }) })
    const answer = await ask('GET', `Patient/${created.body.id}`, { headers: { 'accept-encoding': 'gzip' } })
    expect(answer.headers.get('content-encoding')).toBe('gzip')
    expect(answer.body.x).toHaveLength(5_000)
  })

  test('leaves its id, its trace and its key with what it writes', async () => {
    const { ask, store } = await running()
    const headers = {
      'x-request-id': 'req-1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'idempotency-key': 'once',
    }
    const first = await ask('POST', 'Patient', { body: patient(), headers })
    expect(first.headers.get('x-request-id')).toBe('req-1')
    expect((await ask('POST', 'Patient', { body: patient(), headers })).body.id).toBe(first.body.id)
    const commits = []
    for await (const { transactions } of (await store.tenant('default')).commits()) commits.push(...transactions)
    expect(commits).toMatchObject([
      { causation: 'req-1', correlation: '0af7651916cd43dd8448eb211c80319c', request: 'once' },
    ])
    refused(await ask('POST', 'Patient', { body: patient({ active: true }), headers }), 409, 'conflict')
  })
})

test('what is written is traced to its request by the id that the log and the answer have, and to a trace that is one', async () => {
  const { ask, store } = await running()
  const none = { 'x-request-id': 'two words', traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` }
  const answer = await ask('POST', 'Patient', { body: patient(), headers: none })
  for await (const { transactions } of (await store.tenant('default')).commits()) {
    expect(transactions[0]?.causation).toBe(answer.headers.get('x-request-id'))
    expect(transactions[0]?.correlation).toBeUndefined()
  }
})

test('tenants stand beside each other, where the server is told so', async () => {
  const { ask, store, root } = await running({ tenancy: { from: 'path' } })
  await store.tenant('other')
  const put = await ask('PUT', '/tenants/other/fhir/Patient/p1', { body: patient({ id: 'p1' }) })
  expect(put.headers.get('location')).toBe(`${root}/tenants/other/fhir/Patient/p1/_history/1`)
  refused(await ask('GET', 'Patient/p1'), 404, 'not-found')
  refused(await ask('GET', '/tenants/nobody/fhir/Patient/p1'), 404, 'not-found')
  for (const trick of ['..%2fother', '%2e%2e', 'other%00', 'OTHER'])
    expect((await ask('GET', `/tenants/${trick}/fhir/Patient/p1`)).status).toBeGreaterThanOrEqual(400)
  const single = await running()
  refused(await single.ask('GET', '/tenants/other/fhir/Patient/p1'), 404, 'not-found')
})

test('health says that the process lives, and that the store answers', async () => {
  const { ask } = await running()
  expect((await ask('GET', '/health/live')).body).toEqual({ status: 'live' })
  expect((await ask('GET', '/health/ready')).body).toEqual({ status: 'ready' })
})
