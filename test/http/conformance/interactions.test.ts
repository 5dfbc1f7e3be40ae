/** The interactions with one resource, row by row: what succeeds, and how it fails. (FHIR R4, RESTful API) */
import { describe, expect, test } from 'vitest'
import { add, parameters } from '../../fhir/patches.js'
import { type Answer, type Asked, codesOf, type Running, running } from '../server.js'

const patient = (more: object = {}) => ({ resourceType: 'Patient', ...more })
const identifier = [{ system: 's', value: '1' }]
const json = { 'content-type': 'application/json-patch+json' }
const activate: Asked = { headers: json, body: [{ op: 'add', path: '/active', value: true }] }

const refused = (answer: Answer, status: number, code: string): void => {
  expect([answer.status, answer.body?.resourceType, ...codesOf(answer)], answer.text).toEqual([
    status,
    'OperationOutcome',
    code,
  ])
}

/** What every answer about a version says of it. */
function ofVersion({ headers, body }: Answer, version: number): void {
  expect(headers.get('etag')).toBe(`W/"${version}"`)
  const modified = Date.parse(headers.get('last-modified') ?? '')
  expect(modified % 1_000).toBe(0)
  if (body?.meta === undefined) return
  expect(body.meta.versionId).toBe(String(version))
  expect(modified).toBe(Math.floor(Date.parse(body.meta.lastUpdated) / 1_000) * 1_000)
}

async function withPatient(): Promise<Running> {
  const server = await running()
  await server.ask('PUT', 'Patient/a', { body: patient({ id: 'a', identifier }) })
  return server
}

/** A and its twin answer to one identifier. */
async function withTwins(): Promise<Running> {
  const server = await withPatient()
  await server.ask('PUT', 'Patient/twin', { body: patient({ id: 'twin', identifier }) })
  return server
}

describe('read', async () => {
  const { ask, base } = await withPatient()
  await ask('PUT', 'Patient/gone', { body: patient({ id: 'gone' }) })
  await ask('DELETE', 'Patient/gone')
  const get = (headers: Record<string, string>, path = 'Patient/a') => ask('GET', path, { headers })

  test('answers 200 with the resource under its id, ETag, Last-Modified and the place of its version', async () => {
    const answer = await ask('GET', 'Patient/a')
    expect([answer.status, answer.body.id]).toEqual([200, 'a'])
    ofVersion(answer, 1)
    expect(answer.headers.get('content-location')).toBe(`${base}/Patient/a/_history/1`)
  })

  test('of what is unknown is 404, of what is deleted 410 with the ETag under which it can be revived', async () => {
    refused(await ask('GET', 'Patient/none'), 404, 'not-found')
    const gone = await ask('GET', 'Patient/gone')
    refused(gone, 410, 'deleted')
    ofVersion(gone, 2)
    for (const [path, status] of [
      ['Patient/none', 404],
      ['Patient/gone', 410],
    ] as const)
      expect((await ask('HEAD', path)).status).toBe(status)
  })

  test('of a type that is not supported is 404', async () =>
    refused(await ask('GET', 'Nonsense/a'), 404, 'not-supported'))

  test('with If-None-Match answers 304 without a body and with the ETag, for weak, strong and several tags, and *', async () => {
    for (const tags of ['W/"1"', '"1"', 'W/"7", W/"1"', '*', '"x","1"']) {
      const answer = await get({ 'if-none-match': tags })
      expect([answer.status, answer.text, answer.headers.get('etag')], tags).toEqual([304, '', 'W/"1"'])
    }
    for (const tags of ['W/"2"', '"11"', 'nonsense', ''])
      expect((await get({ 'if-none-match': tags })).status, tags).toBe(200)
  })

  test('with If-Modified-Since answers 304, by the second; a tag goes before it', async () => {
    const modified = (await ask('GET', 'Patient/a')).headers.get('last-modified') as string
    const earlier = new Date(Date.parse(modified) - 1_000).toUTCString()
    const later = new Date(Date.parse(modified) + 1_000).toUTCString()
    expect((await get({ 'if-modified-since': modified })).status).toBe(304)
    expect((await get({ 'if-modified-since': later })).status).toBe(304)
    expect((await get({ 'if-modified-since': earlier })).status).toBe(200)
    expect((await get({ 'if-modified-since': 'nonsense' })).status).toBe(200)
    expect((await get({ 'if-modified-since': modified, 'if-none-match': 'W/"2"' })).status).toBe(200)
    expect((await get({ 'if-modified-since': earlier, 'if-none-match': 'W/"1"' })).status).toBe(304)
  })

  test('is conditional for HEAD, too', async () => {
    const head = await ask('HEAD', 'Patient/a', { headers: { 'if-none-match': 'W/"1"' } })
    expect([head.status, head.headers.get('etag')]).toEqual([304, 'W/"1"'])
  })

  test('says of a 304, too, what the answer depends on (RFC 9110)', async () => {
    expect((await get({ 'if-none-match': '*' })).headers.get('vary')).toBe('accept')
    expect((await get({ 'if-none-match': '*' }, 'metadata')).headers.get('vary')).toBe('accept')
  })

  test('as of an instant is of one instant, and of no version', async () => {
    refused(await ask('GET', 'Patient/a?_at=2001-01-01'), 404, 'not-found')
    refused(await ask('GET', 'Patient/a?_at=2001-01-01&_at=2100-01-01'), 400, 'value')
    refused(await ask('GET', 'Patient/a/_history/1?_at=2001-01-01'), 400, 'not-supported')
  })
})

describe('vread', async () => {
  const { ask } = await withPatient()
  await ask('PUT', 'Patient/a', { body: patient({ id: 'a', active: true }) })
  await ask('DELETE', 'Patient/a')

  test('answers 200 with the id and the versionId of the URL', async () => {
    for (const version of [1, 2]) {
      const answer = await ask('GET', `Patient/a/_history/${version}`)
      expect([answer.status, answer.body.id, answer.body.active]).toEqual([200, 'a', version === 1 ? undefined : true])
      ofVersion(answer, version)
    }
  })

  test('of a deletion is 410', async () => {
    const answer = await ask('GET', 'Patient/a/_history/3')
    refused(answer, 410, 'deleted')
    ofVersion(answer, 3)
  })

  test.each(['4', '0', '-1', '1.5', 'x', '01', '99999999999999999999'])(
    'of version %s, which there is not, is 404',
    async (version) => refused(await ask('GET', `Patient/a/_history/${version}`), 404, 'not-found'),
  )

  test('is conditional, too', async () =>
    expect((await ask('GET', 'Patient/a/_history/1', { headers: { 'if-none-match': 'W/"1"' } })).status).toBe(304))
})

describe('create', async () => {
  const { ask, base } = await running()

  test('answers 201 with Location, ETag and Last-Modified; the id, versionId and lastUpdated of the body are passed over', async () => {
    const meta = { versionId: '7', lastUpdated: '2001-01-01T00:00:00Z', profile: ['http://example.org/p'] }
    const answer = await ask('POST', 'Patient', { body: patient({ id: 'mine', meta }) })
    expect(answer.status).toBe(201)
    const { id } = answer.body
    expect(id).toMatch(/^[A-Za-z0-9\-.]{1,64}$/)
    expect(id).not.toBe('mine')
    expect(answer.headers.get('location')).toBe(`${base}/Patient/${id}/_history/1`)
    ofVersion(answer, 1)
    expect(answer.body.meta.profile).toEqual(meta.profile)
    expect((await ask('GET', new URL(answer.headers.get('location') ?? '').pathname)).text).toBe(answer.text)
  })

  test('alters nothing else', async () => {
    const text = '{ "resourceType" : "Observation","valueQuantity":{"value":1.10, "x":12345678901234567890.10} }'
    const answer = await ask('POST', 'Observation', { body: text })
    expect(answer.text).toContain('"resourceType" : "Observation"')
    expect(answer.text).toContain('"valueQuantity":{"value":1.10, "x":12345678901234567890.10} }')
  })

  test('of what cannot be parsed is 400 structure; of a type that is not supported 404', async () => {
    refused(await ask('POST', 'Patient', { body: '{"resourceType":"Patient"' }), 400, 'structure')
    refused(await ask('POST', 'Nonsense', { body: { resourceType: 'Nonsense' } }), 404, 'not-supported')
    refused(await ask('POST', 'Patient', { body: { resourceType: 'Group' } }), 400, 'invalid')
  })

  test('has no parameters, no version and no id in its URL', async () => {
    refused(await ask('POST', 'Patient?identifier=1', { body: patient() }), 400, 'value')
    refused(await ask('POST', 'Patient', { body: patient(), headers: { 'if-match': 'W/"1"' } }), 400, 'not-supported')
    refused(await ask('POST', 'Patient', { body: patient(), headers: { 'if-none-match': '*' } }), 400, 'not-supported')
    expect((await ask('POST', 'Patient/a', { body: patient() })).status).toBe(405)
  })

  test('takes references that are conditions in transactions only', async () => {
    const body = { resourceType: 'Observation', subject: { reference: 'Patient?identifier=1' } }
    const answer = await ask('POST', 'Observation', { body })
    refused(answer, 400, 'invalid')
    expect(answer.text).toContain('transaction')
  })
})

describe('conditional create', async () => {
  const { ask } = await running()
  const create = (condition: string, more: object = {}) =>
    ask('POST', 'Patient', { body: patient({ identifier, ...more }), headers: { 'if-none-exist': condition } })

  test('of no match is 201; of one 200 with its Location and ETag, and nothing is written; of several 412', async () => {
    const first = await create('identifier=s|1')
    expect(first.status).toBe(201)
    const second = await create('?identifier=s|1', { active: true })
    expect(second.status).toBe(200)
    for (const name of ['location', 'etag', 'last-modified'])
      expect(second.headers.get(name)).toBe(first.headers.get(name))
    expect(second.text).toBe(first.text)
    expect((await ask('GET', 'Patient?_summary=count')).body.total).toBe(1)
    await ask('POST', 'Patient', { body: patient({ identifier }) })
    refused(await create('identifier=s|1'), 412, 'multiple-matches')
  })

  test('goes by the whole condition: a question mark in a value is a part of it', async () => {
    const other = [{ value: 'other' }]
    const there = await create('identifier=other', { identifier: other })
    expect((await create('Patient?identifier=other')).headers.get('location')).toBe(there.headers.get('location'))
    expect((await create('identifier=none?identifier=other', { identifier: other })).status).toBe(201)
    expect((await create('identifier=http://example.org/x?y=z|1')).status).toBe(201)
    refused(await create('Observation?identifier=other'), 400, 'value')
  })

  test('by what cannot be searched for is refused', async () => {
    refused(await create('name=x'), 400, 'not-supported')
    refused(await create(''), 400, 'value')
    refused(await create('identifier='), 400, 'value')
  })
})

describe('update', async () => {
  const { ask, base } = await running()
  const put = (id: string, headers: Record<string, string> = {}, more: object = {}) =>
    ask('PUT', `Patient/${id}`, { body: patient({ id, ...more }), headers })

  test('of what is not there is 201 with Location; of what is there 200 and the next version', async () => {
    const first = await put('a')
    expect([first.status, first.headers.get('location')]).toEqual([201, `${base}/Patient/a/_history/1`])
    ofVersion(first, 1)
    const second = await put('a')
    expect([second.status, second.headers.get('location')]).toEqual([200, null])
    ofVersion(second, 2)
  })

  test('with the same content writes a version, as any other update', async () => {
    await put('same')
    ofVersion(await put('same'), 2)
  })

  test('of what is deleted revives it with 201, continuing its versions, also under If-Match of the deletion', async () => {
    await put('b')
    const deleted = await ask('DELETE', 'Patient/b')
    refused(await put('b', { 'if-match': 'W/"1"' }), 412, 'conflict')
    const revived = await put('b', { 'if-match': deleted.headers.get('etag') as string })
    expect([revived.status, revived.headers.get('location')]).toEqual([201, `${base}/Patient/b/_history/3`])
    ofVersion(revived, 3)
  })

  test('without the id of the URL in the body, or with another, is 400', async () => {
    refused(await ask('PUT', 'Patient/a', { body: patient() }), 400, 'required')
    refused(await ask('PUT', 'Patient/a', { body: patient({ id: 'b' }) }), 400, 'value')
    refused(await ask('PUT', 'Patient/a', { body: patient({ id: 1 }) }), 400, 'value')
    refused(await ask('PUT', 'Patient/a_b', { body: patient({ id: 'a_b' }) }), 400, 'value')
    refused(await ask('PUT', `Patient/${'a'.repeat(65)}`, { body: patient({ id: 'a'.repeat(65) }) }), 400, 'value')
  })

  test('under If-Match goes by weak, strong and several tags and *; a stale one is 412', async () => {
    await put('c')
    for (const [version, tags] of ['W/"1"', '"2"', '3', 'W/"9", W/"4"', '*'].entries())
      ofVersion(await put('c', { 'if-match': tags }), version + 2)
    for (const tags of ['W/"1"', '"x"', 'W/"1", W/"2"', 'W/"0"'])
      refused(await put('c', { 'if-match': tags }), 412, 'conflict')
    for (const tags of ['nonsense', '', 'W/"6', '"6" "7"']) refused(await put('c', { 'if-match': tags }), 400, 'value')
    for (const tags of ['*', 'W/"1"', 'W/"0"']) {
      const absent = await put('never', { 'if-match': tags })
      expect([absent.status, (await ask('GET', 'Patient/never')).status], tags).toEqual([412, 404])
    }
  })

  test('under If-None-Match: * only creates; what exists is 412 (R5)', async () => {
    expect((await put('d', { 'if-none-match': '*' })).status).toBe(201)
    refused(await put('d', { 'if-none-match': '*' }), 412, 'duplicate')
    await ask('DELETE', 'Patient/d')
    expect((await put('d', { 'if-none-match': '*' })).status).toBe(201)
    refused(await put('d', { 'if-none-match': 'W/"1"' }), 400, 'not-supported')
  })

  test('has no If-Unmodified-Since, which would let pass what the same second has changed', async () => {
    const headers = { 'if-unmodified-since': new Date().toUTCString() }
    refused(await put('e', headers), 400, 'not-supported')
    refused(await ask('DELETE', 'Patient/e', { headers }), 400, 'not-supported')
    expect((await ask('GET', 'Patient/e')).status).toBe(404)
  })

  test('has no condition in its path, percent-encoded or not', async () => {
    await put('f')
    for (const path of ['Patient/%3F_id%3Df', 'Patient/f%2F', 'Patient/f%2F_history%2F1', 'Patient/f%3F_id%3Df'])
      for (const method of ['PUT', 'DELETE'])
        refused(
          await ask(method, path, method === 'PUT' ? { body: patient({ id: 'f', active: true }) } : {}),
          400,
          'value',
        )
    ofVersion(await ask('GET', 'Patient/%66'), 1)
  })

  test('has no parameters, and no If-None-Exist', async () => {
    refused(await ask('PUT', 'Patient/a?identifier=1', { body: patient({ id: 'a' }) }), 400, 'value')
    refused(await put('a', { 'if-none-exist': 'identifier=1' }), 400, 'not-supported')
  })

  test('ignores the versionId and lastUpdated of the body', async () => {
    const meta = { versionId: '70', lastUpdated: '2001-01-01T00:00:00Z' }
    const before = Number((await ask('GET', 'Patient/a')).body.meta.versionId)
    ofVersion(await put('a', {}, { meta }), before + 1)
  })
})

describe('conditional update', async () => {
  const { ask } = await running()
  const put = (value: string, more: object = {}, headers: Record<string, string> = {}) =>
    ask('PUT', `Patient?identifier=s|${value}`, {
      body: patient({ identifier: [{ system: 's', value }], ...more }),
      headers,
    })

  test('of no match without an id creates with 201', async () => {
    const answer = await put('1')
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toContain(`/Patient/${answer.body.id}/_history/1`)
  })

  test('of no match with an id creates it with 201', async () => {
    const answer = await put('2', { id: 'named' })
    expect([answer.status, answer.body.id]).toEqual([201, 'named'])
  })

  test('of no match with the id of another is 409 (R5)', async () => {
    await ask('PUT', 'Patient/taken', { body: patient({ id: 'taken' }) })
    const answer = await put('3', { id: 'taken' })
    refused(answer, 409, 'conflict')
    expect(answer.body.issue[0].expression).toEqual(['Patient.id'])
    ofVersion(await ask('GET', 'Patient/taken'), 1)
  })

  test('of one match without an id, or with its own, is 200', async () => {
    const { id } = (await put('4')).body
    for (const [version, more] of [{}, { id }].entries()) {
      const answer = await put('4', more)
      expect([answer.status, answer.body.id]).toEqual([200, id])
      ofVersion(answer, version + 2)
    }
  })

  test('of one match with another id is 400', async () => {
    await put('5')
    refused(await put('5', { id: 'other' }), 400, 'value')
  })

  test('of several matches is 412', async () => {
    for (const id of ['x', 'y'])
      await ask('PUT', `Patient/${id}`, { body: patient({ id, identifier: [{ system: 's', value: '6' }] }) })
    refused(await put('6'), 412, 'multiple-matches')
  })

  test('goes by If-Match of what it selects', async () => {
    await put('7')
    expect((await put('7', {}, { 'if-match': 'W/"1"' })).status).toBe(200)
    refused(await put('7', {}, { 'if-match': 'W/"1"' }), 412, 'conflict')
    refused(await put('8', {}, { 'if-match': 'W/"1"' }), 412, 'conflict')
    refused(await put('7', {}, { 'if-none-match': '*' }), 412, 'duplicate')
  })

  test('without a condition is refused', async () =>
    refused(await ask('PUT', 'Patient', { body: patient() }), 400, 'required'))
})

describe('patch', async () => {
  const { ask } = await withPatient()

  test('takes a JSON Patch, and a FHIRPath Patch as Parameters; each is the next version', async () => {
    const first = await ask('PATCH', 'Patient/a', activate)
    expect([first.status, first.body.active]).toEqual([200, true])
    ofVersion(first, 2)
    const second = await ask('PATCH', 'Patient/a', {
      body: parameters(add('Patient', 'gender', { valueCode: 'other' })),
    })
    expect([second.status, second.body.gender]).toEqual([200, 'other'])
    ofVersion(second, 3)
  })

  test('as XML is 415', async () =>
    refused(
      await ask('PATCH', 'Patient/a', { headers: { 'content-type': 'application/xml-patch+xml' }, body: '<diff/>' }),
      415,
      'not-supported',
    ))

  test('is all or nothing', async () => {
    const before = (await ask('GET', 'Patient/a')).text
    const body = [
      { op: 'replace', path: '/active', value: false },
      { op: 'remove', path: '/nothing' },
    ]
    refused(await ask('PATCH', 'Patient/a', { headers: json, body }), 422, 'processing')
    expect((await ask('GET', 'Patient/a')).text).toBe(before)
  })

  test('that fails its test, names no element or changes the id is refused', async () => {
    const patch = async (operation: object) => ask('PATCH', 'Patient/a', { headers: json, body: [operation] })
    const failed = await patch({ op: 'test', path: '/active', value: 'x' })
    refused(failed, 422, 'processing')
    expect(failed.body.issue[0].diagnostics).toMatch(/^the resource, operation 0/)
    refused(await patch({ op: 'replace', path: '/name/0', value: {} }), 422, 'processing')
    refused(await patch({ op: 'replace', path: '/id', value: 'b' }), 400, 'invalid')
    refused(await patch({ op: 'nonsense', path: '/id' }), 400, 'value')
    refused(await ask('PATCH', 'Patient/a', { body: patient() }), 400, 'not-supported')
    refused(await ask('PATCH', 'Patient/a', { headers: json, body: '{}' }), 400, 'not-supported')
  })

  test('that brings in a reference by a condition is refused: only a transaction finds what it selects', async () => {
    const before = (await ask('GET', 'Patient/a')).text
    const body = [{ op: 'add', path: '/managingOrganization', value: { reference: 'Patient?_id=a' } }]
    const answer = await ask('PATCH', 'Patient/a', { headers: json, body })
    refused(answer, 400, 'invalid')
    expect(answer.text).toContain('transaction')
    expect((await ask('GET', 'Patient/a')).text).toBe(before)
  })

  test('of what is unknown is 404, of what is deleted 410', async () => {
    refused(await ask('PATCH', 'Patient/none', activate), 404, 'not-found')
    await ask('PUT', 'Patient/gone', { body: patient({ id: 'gone' }) })
    await ask('DELETE', 'Patient/gone')
    refused(await ask('PATCH', 'Patient/gone', activate), 410, 'deleted')
  })

  test('goes by If-Match; stale is 412', async () => {
    const tag = (await ask('GET', 'Patient/a')).headers.get('etag') as string
    const patch = (tags: string) => ask('PATCH', 'Patient/a', { ...activate, headers: { ...json, 'if-match': tags } })
    expect((await patch(tag)).status).toBe(200)
    refused(await patch(tag), 412, 'conflict')
    refused(await patch('nonsense'), 400, 'value')
  })

  test('under a condition changes the one; none is 404, several are 412', async () => {
    const twins = await withTwins()
    refused(await twins.ask('PATCH', 'Patient?identifier=s|1', activate), 412, 'multiple-matches')
    refused(await twins.ask('PATCH', 'Patient?identifier=none', activate), 404, 'not-found')
    const one = await twins.ask('PATCH', 'Patient?_id=a', activate)
    expect([one.status, one.body.id, one.body.active]).toEqual([200, 'a', true])
    const stale = { ...activate, headers: { ...json, 'if-match': 'W/"1"' } }
    refused(await twins.ask('PATCH', 'Patient?_id=a', stale), 412, 'conflict')
  })
})

describe('delete', async () => {
  const { ask } = await withPatient()

  test('is 204 with the ETag of the deletion; reads are 410, earlier versions stay', async () => {
    const answer = await ask('DELETE', 'Patient/a')
    expect([answer.status, answer.text]).toEqual([204, ''])
    ofVersion(answer, 2)
    refused(await ask('GET', 'Patient/a'), 410, 'deleted')
    expect((await ask('GET', 'Patient/a/_history/1')).status).toBe(200)
    expect((await ask('GET', 'Patient')).body.entry).toBeUndefined()
  })

  test('of what is deleted already, or never was, is 204 and writes nothing', async () => {
    const again = await ask('DELETE', 'Patient/a')
    expect(again.status).toBe(204)
    ofVersion(again, 2)
    const never = await ask('DELETE', 'Patient/never')
    expect([never.status, never.headers.get('etag')]).toEqual([204, null])
    expect((await ask('GET', '_history')).body.entry).toHaveLength(2)
  })

  test('goes by If-Match', async () => {
    await ask('PUT', 'Patient/b', { body: patient({ id: 'b' }) })
    refused(await ask('DELETE', 'Patient/b', { headers: { 'if-match': 'W/"9"' } }), 412, 'conflict')
    refused(await ask('DELETE', 'Patient/b', { headers: { 'if-none-match': '*' } }), 400, 'not-supported')
    expect((await ask('DELETE', 'Patient/b', { headers: { 'if-match': 'W/"1"' } })).status).toBe(204)
  })

  test('under a condition deletes the one; of none is 204; of several 412, as declared', async () => {
    const twins = await withTwins()
    refused(await twins.ask('DELETE', 'Patient?identifier=s|1'), 412, 'multiple-matches')
    expect((await twins.ask('DELETE', 'Patient?identifier=none')).status).toBe(204)
    refused(await twins.ask('DELETE', 'Patient?identifier=none', { headers: { 'if-match': 'W/"1"' } }), 412, 'conflict')
    const one = await twins.ask('DELETE', 'Patient/?_id=twin')
    expect(one.status).toBe(204)
    ofVersion(one, 2)
    expect((await twins.ask('DELETE', 'Patient?identifier=s|1')).status).toBe(204)
    refused(await twins.ask('DELETE', 'Patient'), 400, 'required')
    const { rest } = (await twins.ask('GET', 'metadata')).body
    for (const { conditionalDelete } of rest[0].resource) expect(conditionalDelete).toBe('single')
  })
})
