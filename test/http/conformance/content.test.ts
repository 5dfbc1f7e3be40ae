/** Content types, versions of FHIR, preferences and encodings, sentence by sentence. (FHIR R4, RESTful API; RFC 9110, RFC 7240) */
import { describe, expect, test } from 'vitest'
import { codesOf, type Running, running } from '../server.js'

const patient = (more: object = {}) => ({ resourceType: 'Patient', ...more })

async function withPatient(): Promise<Running> {
  const server = await running()
  await server.ask('PUT', 'Patient/a', { body: patient({ id: 'a', active: true }) })
  return server
}

describe('what is accepted', async () => {
  const { ask } = await withPatient()
  const typeFor = async (accept: string, query = ''): Promise<string> => {
    const { status, headers, body } = await ask('GET', `Patient/a${query}`, { headers: { accept } })
    return status === 200 ? (headers.get('content-type') as string) : `${status} ${codesOf({ body } as never)}`
  }

  test.each([
    ['application/fhir+json', 'application/fhir+json; charset=utf-8'],
    ['*/*', 'application/fhir+json; charset=utf-8'],
    ['application/*', 'application/fhir+json; charset=utf-8'],
    ['application/json', 'application/json; charset=utf-8'],
    ['text/json', 'text/json; charset=utf-8'],
    ['application/json+fhir', 'application/fhir+json; charset=utf-8'],
    ['Application/FHIR+JSON', 'application/fhir+json; charset=utf-8'],
    ['text/html, */*;q=0.8', 'application/fhir+json; charset=utf-8'],
    ['application/json;q=0.4, application/fhir+json;q=0.5', 'application/fhir+json; charset=utf-8'],
    ['application/fhir+json;q=0.4, application/json;q=0.5', 'application/json; charset=utf-8'],
    ['application/fhir+xml, application/json;q=0.5', 'application/json; charset=utf-8'],
    ['application/fhir+json;q=0, */*', 'application/json; charset=utf-8'],
    ['application/fhir+json; charset=utf-8', 'application/fhir+json; charset=utf-8'],
    ['application/fhir+xml', '406 not-supported'],
    ['text/turtle', '406 not-supported'],
    ['text/html', '406 not-supported'],
    ['application/fhir+json;q=0', '406 not-supported'],
    ['*/*;q=0', '406 not-supported'],
    ['nonsense', '406 not-supported'],
  ])('by Accept: %s is answered as %s', async (accept, type) => expect(await typeFor(accept)).toBe(type))

  test.each([
    ['json', 'application/fhir+json; charset=utf-8'],
    ['application/fhir+json', 'application/fhir+json; charset=utf-8'],
    ['application/fhir%2Bjson', 'application/fhir+json; charset=utf-8'],
    ['application/json', 'application/json; charset=utf-8'],
    ['application/json%3B%20fhirVersion%3D4.0', 'application/json; fhirVersion=4.0; charset=utf-8'],
    ['xml', '406 not-supported'],
    ['text/xml', '406 not-supported'],
    ['application/fhir%2Bxml', '406 not-supported'],
    ['ttl', '406 not-supported'],
    ['html', '406 not-supported'],
    ['', 'application/fhir+json; charset=utf-8'],
  ])('by _format=%s, before Accept, is answered as %s', async (format, type) => {
    for (const accept of ['application/fhir+xml', 'application/fhir+json'])
      expect(await typeFor(accept, `?_format=${format}`)).toBe(type)
  })

  test.each([
    ['application/fhir+json; fhirVersion=4.0', 'application/fhir+json; fhirVersion=4.0; charset=utf-8'],
    ['application/fhir+json; fhirVersion="4.0"', 'application/fhir+json; fhirVersion=4.0; charset=utf-8'],
    ['application/fhir+json; fhirVersion=3.0', '406 not-supported'],
    ['application/fhir+json; fhirVersion=5.0', '406 not-supported'],
    ['application/fhir+json; fhirVersion=5.0, application/json;q=0.1', 'application/json; charset=utf-8'],
  ])('by version of FHIR: %s is answered as %s', async (accept, type) => expect(await typeFor(accept)).toBe(type))

  test('holds for every interaction, a deletion and the capabilities, too', async () => {
    const headers = { accept: 'application/fhir+xml' }
    const body = patient({ id: 'b' })
    for (const [method, path, asked] of [
      ['GET', 'Patient/a'],
      ['GET', 'Patient/a/_history/1'],
      ['GET', 'Patient/a/_history'],
      ['GET', 'Patient/_history'],
      ['GET', '_history'],
      ['GET', 'Patient'],
      ['GET', 'metadata'],
      ['POST', 'Patient', { body }],
      ['PUT', 'Patient/b', { body }],
      ['PATCH', 'Patient/a', { body }],
      ['DELETE', 'Patient/a', {}],
      ['POST', '', { body: { resourceType: 'Bundle', type: 'batch' } }],
    ] as const) {
      const answer = await ask(method, path, { ...asked, headers })
      expect([answer.status, ...codesOf(answer)], `${method} ${path}`).toEqual([406, 'not-supported'])
    }
    expect((await ask('GET', 'Patient?_summary=count')).body.total).toBe(1)
  })
})

describe('what is sent', async () => {
  const { ask } = await withPatient()
  const post = (type: string) => ask('POST', 'Patient', { headers: { 'content-type': type }, body: patient() })

  test.each([
    'application/fhir+json',
    'application/json',
    'text/json',
    'application/json+fhir',
    'application/json; charset=UTF-8',
    'application/fhir+json; charset="utf-8"',
    'application/fhir+json;fhirVersion=4.0',
  ])('as %s is taken', async (type) => expect((await post(type)).status).toBe(201))

  test.each([
    'application/fhir+xml',
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json-patch+json',
    'application/json; charset=latin1',
    'application/fhir+json; fhirVersion=3.0',
    'application/fhir+json; fhirVersion=5.0',
    'nonsense',
  ])('as %s is a 415', async (type) => {
    const answer = await post(type)
    expect([answer.status, ...codesOf(answer)]).toEqual([415, 'not-supported'])
    expect(answer.body.issue[0].location).toEqual(['http.Content-Type'])
  })

  test('by _format changes nothing about the body', async () => {
    const answer = await ask('POST', 'Patient?_format=json', {
      headers: { 'content-type': 'application/fhir+xml' },
      body: '<Patient/>',
    })
    expect(answer.status).toBe(415)
  })
})

describe('what is preferred of the answer to a write', async () => {
  const { ask } = await withPatient()
  const create = async (prefer?: string) => {
    const answer = await ask('POST', 'Patient', { body: patient(), headers: prefer === undefined ? {} : { prefer } })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBeTruthy()
    return [answer.text === '' ? '' : answer.body.resourceType, answer.headers.get('preference-applied')]
  }

  test.each([
    ['return=minimal', '', 'return=minimal'],
    ['return=representation', 'Patient', 'return=representation'],
    ['return=OperationOutcome', 'OperationOutcome', 'return=OperationOutcome'],
    ['Return="minimal"', '', 'return=minimal'],
    ['respond-async, return=minimal; foo="bar"', '', 'return=minimal'],
    ['return=minimal, return=representation', '', 'return=minimal'],
    ['handling=strict,return=representation', 'Patient', 'return=representation'],
  ])('%s is honoured, and the answer says so', async (prefer, type, applied) =>
    expect(await create(prefer)).toEqual([type, applied]),
  )

  test.each([undefined, 'return=presentation', 'x-return=minimal', 'return', 'respond-async', 'wait=10', ';;,=', ''])(
    'the resource is answered where nothing is said that is known: %s',
    async (prefer) => expect(await create(prefer)).toEqual(['Patient', null]),
  )

  test('it applies to updates, patches and deletions, too', async () => {
    const prefer = 'return=OperationOutcome'
    const headers = { prefer }
    const put = await ask('PUT', 'Patient/a', { body: patient({ id: 'a' }), headers })
    expect([put.status, put.body.issue[0].severity]).toEqual([200, 'information'])
    const patch = await ask('PATCH', 'Patient/a', {
      headers: { ...headers, 'content-type': 'application/json-patch+json' },
      body: [{ op: 'add', path: '/active', value: true }],
    })
    expect([patch.status, patch.body.issue[0].severity]).toEqual([200, 'information'])
    for (const path of ['Patient/a', 'Patient/a', 'Patient/never', 'Patient?identifier=none']) {
      const gone = await ask('DELETE', path, { headers })
      expect([gone.status, gone.body.issue[0].severity]).toEqual([200, 'information'])
    }
    const silent = await ask('DELETE', 'Patient/a', { headers: { prefer: 'return=representation' } })
    expect([silent.status, silent.text, silent.headers.get('preference-applied')]).toEqual([204, '', null])
  })

  test('it applies to success only: a failure has an OperationOutcome', async () => {
    for (const prefer of ['return=minimal', 'return=representation']) {
      const answer = await ask('POST', 'Patient', { body: '{', headers: { prefer } })
      expect([answer.status, answer.body.resourceType]).toEqual([400, 'OperationOutcome'])
    }
  })

  test('to be answered later is passed over: the answer comes at once', async () => {
    const answer = await ask('GET', 'Patient', { headers: { prefer: 'respond-async' } })
    expect([answer.status, answer.headers.get('content-location')]).toEqual([200, null])
  })
})

describe('an answer', async () => {
  const { ask, root } = await running()
  const body = {
    resourceType: 'Patient',
    id: 'long',
    text: { div: 'x'.repeat(5_000) },
    extension: [{ valueDecimal: 1 }],
  }
  await ask('PUT', 'Patient/long', { body: JSON.stringify(body).replace('"valueDecimal":1', '"valueDecimal":1.10') })

  test('is laid out with _pretty=true, every digit kept', async () => {
    const { text, body } = await ask('GET', 'Patient/long?_pretty=true')
    expect(text).toContain('\n  "id": "long",\n')
    expect(text).toContain('"valueDecimal": 1.10\n')
    expect((await ask('GET', 'Patient/long?_pretty=false')).text).not.toContain('\n')
    expect(body).toEqual((await ask('GET', 'Patient/long')).body)
  })

  test('is as it is stored where it is large, whatever the client would like', async () => {
    await ask('PUT', 'Basic/large', { body: { resourceType: 'Basic', id: 'large', language: 'x'.repeat(3_000_000) } })
    expect((await ask('GET', 'Basic/large?_pretty=true')).text).not.toContain('\n')
  })

  test('is compressed where that is taken, and says what it depends on', async () => {
    const packed = await ask('GET', 'Patient/long', { headers: { 'accept-encoding': 'gzip' } })
    expect(packed.headers.get('content-encoding')).toBe('gzip')
    expect(packed.headers.get('vary')).toBe('accept, accept-encoding')
    expect(packed.body.text.div).toHaveLength(5_000)
    const plain = await ask('GET', 'Patient/long', { headers: { 'accept-encoding': 'identity' } })
    expect(plain.headers.get('content-encoding')).toBeNull()
    expect(plain.headers.get('vary')).toContain('accept')
  })

  test('to HEAD is that to GET, with its length and without its body', async () => {
    for (const path of ['Patient/long', 'Patient/long/_history/1', 'Patient/long/_history', 'Patient', 'metadata']) {
      const headers = { 'accept-encoding': 'identity' }
      const [got, head] = [await ask('GET', path, { headers }), await ask('HEAD', path, { headers })]
      expect([head.status, head.text], path).toEqual([got.status, ''])
      for (const name of ['content-length', 'content-type', 'etag', 'last-modified', 'content-location', 'vary'])
        expect(head.headers.get(name), `${path} ${name}`).toBe(got.headers.get(name))
      expect(Number(head.headers.get('content-length'))).toBe(Buffer.byteLength(got.text))
    }
    for (const [path, status] of [
      ['Patient/none', 404],
      ['Patient/long?_format=xml', 406],
    ] as const)
      expect((await ask('HEAD', path)).status).toBe(status)
    expect((await fetch(`${root}/health/live`, { method: 'HEAD' })).status).toBe(200)
  })
})
