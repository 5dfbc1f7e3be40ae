/** Batches and transactions over HTTP, sentence by sentence. (FHIR R4, RESTful API: batch/transaction; Bundle) */
import { describe, expect, test } from 'vitest'
import { openStore } from '../../../src/index.js'
import { codesOf, type Running, running } from '../server.js'

const patient = (more: object = {}) => ({ resourceType: 'Patient', ...more })
const observation = (reference: string, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  subject: { reference },
  ...more,
})
const identifier = [{ system: 's', value: '1' }]

const bundle = (type: string, ...entry: object[]) => ({ resourceType: 'Bundle', type, entry })
const post = (fullUrl: string, resource: { resourceType: string }, more: object = {}) => ({
  fullUrl,
  resource,
  request: { method: 'POST', url: resource.resourceType, ...more },
})
const put = (url: string, resource: object, more: object = {}) => ({
  resource,
  request: { method: 'PUT', url, ...more },
})
const asks = (method: string, url: string, more: object = {}) => ({ request: { method, url, ...more } })
const patch = (url: string, operations: object[], more: object = {}) => ({
  resource: {
    resourceType: 'Binary',
    contentType: 'application/json-patch+json',
    data: Buffer.from(JSON.stringify(operations)).toString('base64'),
  },
  request: { method: 'PATCH', url, ...more },
})
const activate = [{ op: 'add', path: '/active', value: true }]

async function filled(): Promise<Running> {
  const server = await running()
  for (const id of ['a', 'b', 'c']) await server.ask('PUT', `Patient/${id}`, { body: patient({ id }) })
  return server
}

const countOf = async ({ ask }: Running): Promise<number> => (await ask('GET', 'Patient?_summary=count')).body.total
const statuses = (body: { entry?: { response: { status: string } }[] }): string[] =>
  (body.entry ?? []).map(({ response }) => response.status.slice(0, 3))

describe('a batch', () => {
  test('is answered 200 with a batch-response that has a status for each entry, in the order of the request', async () => {
    const { ask, base } = await filled()
    const answer = await ask('POST', '', {
      body: bundle(
        'batch',
        asks('GET', 'Patient/none'),
        post('urn:uuid:1', patient({ identifier })),
        put('Patient/a', patient({ id: 'other' })),
        put('Patient/b', patient({ id: 'b' })),
        patch('Patient/c', activate),
        asks('DELETE', 'Patient/never'),
        asks('GET', 'Patient?identifier=s|1'),
        asks('GET', 'Nonsense/1'),
      ),
    })
    expect([answer.status, answer.body.type]).toEqual([200, 'batch-response'])
    expect(statuses(answer.body)).toEqual(['404', '201', '400', '200', '200', '204', '200', '404'])
    const [missing, created, wrong, updated, , , searched] = answer.body.entry
    expect(missing.response.outcome.issue).toMatchObject([{ code: 'not-found', expression: ['Bundle.entry[0]'] }])
    expect(wrong.response.outcome.issue).toMatchObject([{ code: 'value', expression: ['Bundle.entry[2].resource.id'] }])
    expect(created.response).toEqual({
      status: '201 Created',
      location: expect.stringMatching(/^Patient\/[^/]+\/_history\/1$/),
      etag: 'W/"1"',
      lastModified: expect.stringMatching(/Z$/),
    })
    expect(updated.response).toMatchObject({ status: '200 OK', location: 'Patient/b/_history/2', etag: 'W/"2"' })
    const [found] = searched.resource.entry
    expect(searched.resource).toMatchObject({ type: 'searchset', total: 1 })
    expect(searched.resource.link).toEqual([{ relation: 'self', url: `${base}/Patient?identifier=s|1` }])
    expect([found.fullUrl, found.search]).toEqual([`${base}/Patient/${found.resource.id}`, { mode: 'match' }])
  })

  test('is processed in the order of a transaction: what it reads is what it has written', async () => {
    const { ask } = await filled()
    const { body } = await ask('POST', '', {
      body: bundle(
        'batch',
        asks('GET', 'Patient/a'),
        put('Patient/a', patient({ id: 'a', active: true })),
        asks('GET', 'Patient/b'),
        asks('DELETE', 'Patient/b'),
      ),
    })
    expect(statuses(body)).toEqual(['200', '200', '410', '204'])
    expect(body.entry[0].resource.active).toBe(true)
  })

  test.each([
    [
      'refers to another by its full URL',
      [post('urn:uuid:1', patient()), post('urn:uuid:2', observation('urn:uuid:1'))],
    ],
    ['writes the resource of another', [put('Patient/a', patient({ id: 'a' })), asks('DELETE', 'Patient/a')]],
    [
      'refers to what a condition selects',
      [asks('GET', 'Patient/a'), post('urn:uuid:2', observation('Patient?identifier=s|1'))],
    ],
  ])('has entries that do not depend on each other: one that %s fails, the others do not', async (_, entries) => {
    const { ask } = await filled()
    const { status, body } = await ask('POST', '', { body: bundle('batch', ...entries) })
    expect([status, body.entry[0].response.status.slice(0, 1), statuses(body)[1]]).toEqual([200, '2', '400'])
    expect(body.entry[1].response.outcome.issue[0].code).toBe('invalid')
  })
})

describe('a transaction', () => {
  test('is all or nothing: one entry that fails is one OperationOutcome, and nothing is written', async () => {
    const server = await filled()
    for (const [entry, status, code] of [
      [asks('GET', 'Patient/none'), 404, 'not-found'],
      [put('Patient/a', patient({ id: 'a' }), { ifMatch: 'W/"9"' }), 412, 'conflict'],
      [put('Patient/a', patient({ id: 'b' })), 400, 'value'],
      [patch('Patient/a', [{ op: 'remove', path: '/nothing' }]), 422, 'processing'],
      [patch('Patient/none', activate), 404, 'not-found'],
      [asks('DELETE', 'Patient?name=x'), 400, 'not-supported'],
      [post('urn:uuid:2', { resourceType: 'Observation', meta: 1 } as never), 400, 'structure'],
      [{ resource: patient() }, 400, 'required'],
      [asks('MERGE', 'Patient/a'), 400, 'not-supported'],
    ] as const) {
      const answer = await server.ask('POST', '', { body: bundle('transaction', post('urn:uuid:1', patient()), entry) })
      expect([answer.status, answer.body.resourceType, ...codesOf(answer)], answer.text).toEqual([
        status,
        'OperationOutcome',
        code,
      ])
      expect(answer.body.issue[0].expression[0]).toMatch(/^Bundle\.entry\[1\]/)
    }
    expect(await countOf(server)).toBe(3)
    expect((await server.ask('GET', '_history')).body.entry).toHaveLength(3)
  })

  test('is one commit, and answers in the order of the request with status, location, etag and lastModified', async () => {
    const { ask, store } = await filled()
    const { seq } = await (await store.tenant('default')).head()
    const answer = await ask('POST', '', {
      body: bundle(
        'transaction',
        asks('GET', 'Patient/a'),
        put('Patient/a', patient({ id: 'a', active: true })),
        post('urn:uuid:1', observation('Patient/a')),
        asks('DELETE', 'Patient/b'),
        asks('DELETE', 'Patient/never'),
        patch('Patient/c', activate),
        asks('HEAD', 'Patient/a'),
      ),
    })
    expect([answer.status, answer.body.type]).toEqual([200, 'transaction-response'])
    expect(statuses(answer.body)).toEqual(['200', '200', '201', '204', '204', '200', '200'])
    expect(answer.body.entry[0].resource).toMatchObject({ id: 'a', active: true, meta: { versionId: '2' } })
    expect(answer.body.entry[1]).toEqual({
      response: { status: '200 OK', location: 'Patient/a/_history/2', etag: 'W/"2"', lastModified: expect.any(String) },
    })
    expect(answer.body.entry[3].response).toMatchObject({ status: '204 No Content', etag: 'W/"2"' })
    expect(answer.body.entry[6]).not.toHaveProperty('resource')
    expect((await (await store.tenant('default')).head()).seq).toBe(seq + 1)
  })

  test('holds what was written where the client prefers that, and says so', async () => {
    const { ask } = await filled()
    const body = bundle('transaction', put('Patient/a', patient({ id: 'a', active: true })))
    const minimal = await ask('POST', '', { body })
    expect([minimal.body.entry[0].resource, minimal.headers.get('preference-applied')]).toEqual([undefined, null])
    const whole = await ask('POST', '', { body, headers: { prefer: 'return=representation' } })
    expect([whole.body.entry[0].resource.active, whole.headers.get('preference-applied')]).toEqual([
      true,
      'return=representation',
    ])
    const none = await ask('POST', '', { body, headers: { prefer: 'return=minimal' } })
    expect(none.headers.get('preference-applied')).toBe('return=minimal')
  })

  test('comes to the same whatever the order of its entries', async () => {
    const entries = [
      post('urn:uuid:1', patient({ identifier })),
      post('urn:uuid:2', observation('urn:uuid:1')),
      put('Patient/a', patient({ id: 'a', link: [{ other: { reference: 'urn:uuid:1' } }] })),
      asks('DELETE', 'Patient/b'),
      asks('GET', 'Patient/a'),
    ]
    for (const order of [entries, [...entries].reverse()]) {
      const { ask } = await filled()
      const { body } = await ask('POST', '', { body: bundle('transaction', ...order) })
      const placeOf = (entry: object): string => body.entry[order.indexOf(entry as never)].response.location ?? ''
      const made = placeOf(entries[0] as object).split('/_history')[0]
      expect((await ask('GET', placeOf(entries[1] as object))).body.subject.reference).toBe(made)
      expect((await ask('GET', 'Patient/a')).body.link[0].other.reference).toBe(made)
      expect(body.entry[order.indexOf(entries[4] as never)].resource.link[0].other.reference).toBe(made)
      expect((await ask('GET', 'Patient/b')).status).toBe(410)
    }
  })

  test('fails where identities overlap, those that conditions resolve to included', async () => {
    const server = await filled()
    await server.ask('PUT', 'Patient/one', { body: patient({ id: 'one', identifier }) })
    const one = put('Patient/one', patient({ id: 'one', identifier }))
    for (const other of [
      asks('DELETE', 'Patient/one'),
      patch('Patient/one', activate),
      asks('DELETE', 'Patient?identifier=s|1'),
      put('Patient?identifier=s|1', patient({ identifier })),
      patch('Patient?identifier=s|1', activate),
      post('urn:uuid:1', patient({ identifier }), { ifNoneExist: 'identifier=s|1' }),
    ]) {
      const answer = await server.ask('POST', '', { body: bundle('transaction', one, other) })
      expect([answer.status, ...codesOf(answer)], answer.text).toEqual([400, 'invalid'])
    }
    expect((await server.ask('GET', 'Patient/one')).headers.get('etag')).toBe('W/"1"')
  })

  test('that is empty is fine, with a slash behind the base or without', async () => {
    const { ask } = await running()
    for (const path of ['/fhir', '/fhir/'])
      for (const body of [{ resourceType: 'Bundle', type: 'transaction' }, bundle('transaction')]) {
        const answer = await ask('POST', path, { body })
        expect([answer.status, answer.body]).toEqual([200, { resourceType: 'Bundle', type: 'transaction-response' }])
      }
  })

  test('takes conditions: creates, updates, patches and deletes, decided with the whole', async () => {
    const { ask } = await filled()
    const body = bundle(
      'transaction',
      post('urn:uuid:1', patient({ identifier }), { ifNoneExist: 'identifier=s|1' }),
      put('Patient?identifier=s|2', patient({ identifier: [{ system: 's', value: '2' }] })),
      patch('Patient?_id=c', activate),
      asks('DELETE', 'Patient?identifier=s|3'),
      post('urn:uuid:2', observation('urn:uuid:1')),
    )
    const first = await ask('POST', '', { body })
    expect(statuses(first.body)).toEqual(['201', '201', '200', '204', '201'])
    const second = await ask('POST', '', { body })
    expect(statuses(second.body)).toEqual(['200', '200', '200', '204', '201'])
    const existing = first.body.entry[0].response.location
    expect(second.body.entry[0].response).toMatchObject({ status: '200 OK', location: existing, etag: 'W/"1"' })
    const referred = await ask('GET', second.body.entry[4].response.location)
    expect(referred.body.subject.reference).toBe(existing.split('/_history')[0])
  })

  test('takes If-Match, If-None-Match and If-Modified-Since of its entries', async () => {
    const { ask } = await filled()
    const later = '2999-01-01T00:00:00Z'
    const { body } = await ask('POST', '', {
      body: bundle(
        'transaction',
        put('Patient/a', patient({ id: 'a' }), { ifMatch: 'W/"7", W/"1"' }),
        put('Patient/new', patient({ id: 'new' }), { ifNoneMatch: '*' }),
        asks('DELETE', 'Patient/b', { ifMatch: '*' }),
        asks('GET', 'Patient/c', { ifNoneMatch: 'W/"1"' }),
        asks('GET', 'Patient/c', { ifNoneMatch: 'W/"2"' }),
        asks('GET', 'Patient/c', { ifModifiedSince: later }),
        asks('GET', 'Patient/c', { ifModifiedSince: '2001-01-01T00:00:00Z' }),
      ),
    })
    expect(statuses(body)).toEqual(['200', '201', '204', '304', '200', '304', '200'])
    expect(body.entry[3]).toEqual({
      response: { status: '304 Not Modified', etag: 'W/"1"', lastModified: expect.any(String) },
    })
    for (const [entry, status, code] of [
      [put('Patient/a', patient({ id: 'a' }), { ifNoneMatch: 'W/"1"' }), 400, 'not-supported'],
      [asks('DELETE', 'Patient/a', { ifNoneMatch: '*' }), 400, 'not-supported'],
      [post('urn:uuid:1', patient(), { ifMatch: 'W/"1"' }), 400, 'not-supported'],
      [asks('GET', 'Patient/a', { ifModifiedSince: 'yesterday' }), 400, 'value'],
      [asks('DELETE', 'Patient/none', { ifMatch: '*' }), 412, 'conflict'],
    ] as const) {
      const answer = await ask('POST', '', { body: bundle('transaction', entry) })
      expect([answer.status, ...codesOf(answer)], answer.text).toEqual([status, code])
    }
  })

  test('may name its resources by URLs of this server, and by none of another', async () => {
    const { ask, base } = await filled()
    const { body } = await ask('POST', '', {
      body: bundle(
        'transaction',
        asks('GET', `${base}/Patient/a`),
        put(`${base}/Patient/b`, patient({ id: 'b' })),
        asks('DELETE', `${base}/Patient?identifier=none`),
      ),
    })
    expect(statuses(body)).toEqual(['200', '200', '204'])
    const other = await ask('POST', '', {
      body: bundle('transaction', asks('GET', 'http://example.org/fhir/Patient/a')),
    })
    expect([other.status, ...codesOf(other)]).toEqual([400, 'value'])
  })

  test('resolves references that are conditions, with the whole; none or several is a failure of the whole', async () => {
    const server = await filled()
    await server.ask('PUT', 'Patient/one', { body: patient({ id: 'one', identifier }) })
    const send = (reference: string) =>
      server.ask('POST', '', { body: bundle('transaction', post('urn:uuid:1', observation(reference))) })
    const { body } = await send('Patient?identifier=s|1')
    expect((await server.ask('GET', body.entry[0].response.location)).body.subject.reference).toBe('Patient/one')
    const none = await send('Patient?identifier=none')
    expect([none.status, ...codesOf(none)]).toEqual([404, 'not-found'])
    await server.ask('PUT', 'Patient/two', { body: patient({ id: 'two', identifier }) })
    const several = await send('Patient?identifier=s|1')
    expect([several.status, ...codesOf(several)]).toEqual([412, 'multiple-matches'])
    expect(several.body.issue[0].expression).toEqual(['Bundle.entry[0].resource'])
  })

  test('leaves the fragment of a link as it is, and what begins with one', async () => {
    const { ask } = await running()
    const div = '<div xmlns="http://www.w3.org/1999/xhtml"><a href="urn:uuid:1#a&amp;b">he</a></div>'
    const referring = { ...patient(), text: { status: 'generated', div }, managingOrganization: { reference: '#o' } }
    const { body } = await ask('POST', '', {
      body: bundle('transaction', post('urn:uuid:1', patient()), post('', referring)),
    })
    const [made, other] = body.entry.map(({ response }: { response: { location: string } }) => response.location)
    const written = (await ask('GET', other)).body
    expect(written.text.div).toContain(`href="${made.split('/_history')[0]}#a&amp;b"`)
    expect(written.managingOrganization.reference).toBe('#o')
  })

  test('is refused at once where its texts are made to be looked at for long', async () => {
    const { ask } = await filled()
    const data = `AA${' '.repeat(1_000_000)}!`
    const binary = { resourceType: 'Binary', contentType: 'application/json-patch+json', data }
    const ifMatch = `${'W/"1",'.repeat(1_000_000)}W/"1"`
    for (const entry of [
      { resource: binary, request: { method: 'PATCH', url: 'Patient/a' } },
      put('Patient/a', patient({ id: 'a' }), { ifMatch }),
    ]) {
      const answer = await ask('POST', '', { body: bundle('transaction', entry) })
      expect([answer.status, ...codesOf(answer)]).toEqual([400, 'value'])
    }
  })

  test('is bounded by what its patches make, too', async () => {
    const { ask } = await running({}, await openStore('memory:', { limits: { maxTransactionBytes: 20_000 } }))
    const ids = Array.from({ length: 10 }, (_, i) => `p${i}`)
    for (const id of ids) await ask('PUT', `Patient/${id}`, { body: patient({ id, language: 'x'.repeat(3_000) }) })
    const patches = ids.map((id) => patch(`Patient/${id}`, activate))
    const answer = await ask('POST', '', { body: bundle('transaction', ...patches) })
    expect([answer.status, ...codesOf(answer)]).toEqual([413, 'too-long'])
    expect((await ask('POST', '', { body: bundle('transaction', ...patches.slice(0, 5)) })).status).toBe(200)
  })

  test('answers what it has written without the bodies that there is no room for, and fails where it has only read', async () => {
    const { ask } = await running({}, await openStore('memory:', { limits: { maxReadBytes: 10_000 } }))
    const large = (id: string) => patient({ id, identifier, language: 'x'.repeat(3_000) })
    for (const id of ['a', 'b', 'c', 'd']) await ask('PUT', `Patient/${id}`, { body: large(id) })
    const reads = ['a', 'b', 'c', 'd'].map((id) => asks('GET', `Patient/${id}`))
    const whole = await ask('POST', '', { body: bundle('transaction', ...reads) })
    expect([whole.status, ...codesOf(whole)]).toEqual([400, 'too-costly'])
    const found = await ask('GET', 'Patient?identifier=s|1')
    expect([found.status, ...codesOf(found)]).toEqual([400, 'too-costly'])
    const each = await ask('POST', '', { body: bundle('batch', ...reads, asks('HEAD', 'Patient/a')) })
    expect(statuses(each.body).sort()).toEqual(['200', '200', '200', '200', '400'])
    const headers = { prefer: 'return=representation' }
    const written = await ask('POST', '', {
      body: bundle('transaction', put('Patient/a', large('a')), ...reads),
      headers,
    })
    expect(statuses(written.body)).toEqual(['200', '200', '200', '200', '200'])
    const hidden = written.body.entry.filter(({ resource }: { resource?: object }) => resource === undefined)
    expect(hidden).toHaveLength(2)
    for (const { response } of hidden)
      expect(response).toMatchObject({ location: expect.any(String), outcome: { issue: [{ code: 'too-costly' }] } })
  })

  test('replaces full URLs in references, uris and narratives, not in canonicals; versions stay versions', async () => {
    const { ask } = await running()
    const link = 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0'
    const div = `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${link}">he</a><img src="${link}"/></div>`
    const { body } = await ask('POST', '', {
      body: bundle(
        'transaction',
        post(link, patient()),
        post('urn:uuid:2', {
          ...observation(link),
          text: { status: 'generated', div },
          extension: ['valueUri', 'valueUrl', 'valueOid', 'valueUuid', 'valueCanonical'].map((name) => ({
            url: 'http://example.org/x',
            [name]: link,
          })),
          hasMember: [{ reference: `${link}/_history/7` }],
        } as never),
      ),
    })
    const [made, other] = body.entry.map(({ response }: { response: { location: string } }) => response.location)
    const ref = made.split('/_history')[0]
    const written = (await ask('GET', other)).body
    expect(written.subject.reference).toBe(ref)
    expect(written.text.div).toBe(div.replaceAll(link, ref))
    expect(written.extension.map((each: object) => Object.values(each)[1])).toEqual([ref, ref, ref, ref, link])
    expect(written.hasMember[0].reference).toBe(`${ref}/_history/1`)
  })
})

describe('another Bundle', () => {
  test.each(['history', 'searchset', 'collection', 'document', 'message', 'transaction-response'])(
    'of type %s is refused at the base, by its type',
    async (type) => {
      const { ask } = await running()
      const answer = await ask('POST', '', { body: { resourceType: 'Bundle', type } })
      expect([answer.status, ...codesOf(answer)]).toEqual([400, 'not-supported'])
      expect(answer.body.issue[0].expression).toEqual(['Bundle.type'])
    },
  )

  test('and what is none, too', async () => {
    const { ask } = await running()
    for (const [body, code] of [
      [patient(), 'invalid'],
      [{ resourceType: 'Bundle' }, 'required'],
      [{ resourceType: 'Bundle', type: 'transaction', entry: {} }, 'invalid'],
      ['{', 'structure'],
      ['', 'required'],
    ] as const) {
      const answer = await ask('POST', '', { body })
      expect([answer.status, ...codesOf(answer)], answer.text).toEqual([400, code])
    }
  })

  test('is stored as a resource under its type', async () => {
    const { ask } = await running()
    const answer = await ask('POST', 'Bundle', { body: { resourceType: 'Bundle', type: 'document' } })
    expect([answer.status, answer.body.type]).toEqual([201, 'document'])
  })
})
