/** Binary: as a resource, and by its content. (FHIR R4, Binary: serving Binary resources using the RESTful API) */
import { describe, expect, test } from 'vitest'
import { codesOf, type Running, running } from '../server.js'

/** Every byte there is. */
const content = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
const picture = { resourceType: 'Binary', id: 'picture', contentType: 'image/png', data: content.toString('base64') }

async function withPicture(): Promise<Running> {
  const server = await running()
  expect((await server.ask('PUT', 'Binary/picture', { body: picture })).status).toBe(201)
  return server
}

const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer())

describe('a read of a Binary', async () => {
  const { ask, base } = await withPicture()
  const get = (accept: string, path = 'Binary/picture', more: object = {}) =>
    fetch(`${base}/${path}`, { headers: { accept, ...more } })

  test.each([
    'application/fhir+json',
    'application/json',
    '*/*',
    'application/fhir+json, image/png',
    'image/png;q=0.5, application/json',
  ])('answers the resource to who accepts %s', async (accept) => {
    const answer = await ask('GET', 'Binary/picture', { headers: { accept } })
    expect([answer.status, answer.body.data]).toEqual([200, picture.data])
  })

  test.each(['image/png', 'image/*', 'image/png, */*;q=0.1', 'text/html, image/png;q=0.9, application/json;q=0.2'])(
    'answers its content to who accepts %s before resources',
    async (accept) => {
      const answer = await get(accept)
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png'])
      expect(await bytesOf(answer)).toEqual(content)
      expect([answer.headers.get('etag'), answer.headers.get('vary')]).toEqual(['W/"1"', 'accept'])
      expect(answer.headers.get('content-security-policy')).toContain('sandbox')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    },
  )

  test('is a 406 for who accepts neither', async () => {
    for (const accept of ['application/pdf', 'application/fhir+xml', 'text/*;q=0']) {
      const answer = await ask('GET', 'Binary/picture', { headers: { accept } })
      expect([answer.status, ...codesOf(answer)]).toEqual([406, 'not-supported'])
    }
  })

  test('of a version, by HEAD and under a condition, too', async () => {
    await ask('PUT', 'Binary/picture', { body: { ...picture, data: Buffer.from('new').toString('base64') } })
    expect(await bytesOf(await get('image/png', 'Binary/picture/_history/1'))).toEqual(content)
    expect(await (await get('image/png')).text()).toBe('new')
    const head = await fetch(`${base}/Binary/picture`, { method: 'HEAD', headers: { accept: 'image/png' } })
    expect([head.status, head.headers.get('content-length'), head.headers.get('content-type')]).toEqual([
      200,
      '3',
      'image/png',
    ])
    expect((await get('image/png', 'Binary/picture', { 'if-none-match': 'W/"2"' })).status).toBe(304)
    expect((await get('image/png', 'Binary/none')).status).toBe(404)
  })

  test('whose content type is none, or is missing, answers the resource only', async () => {
    for (const [id, contentType] of [
      ['odd', 'no type'],
      ['split', 'text/plain\r\nx: y'],
      ['none', undefined],
    ] as const) {
      await ask('PUT', `Binary/${id}`, { body: { resourceType: 'Binary', id, contentType, data: 'AAAA' } })
      expect((await ask('GET', `Binary/${id}`, { headers: { accept: '*/*' } })).body.data).toBe('AAAA')
      expect((await get('image/png', `Binary/${id}`)).status).toBe(406)
    }
  })
})

describe('content', async () => {
  const { ask, base } = await running()
  const send = (method: string, path: string, type: string, more: object = {}) =>
    fetch(`${base}/${path}`, { method, body: content, headers: { 'content-type': type, ...more } })

  test('that is posted becomes a Binary that holds it, and comes back byte for byte', async () => {
    const answer = await send('POST', 'Binary', 'application/pdf', { 'x-security-context': 'Patient/a' })
    expect(answer.status).toBe(201)
    const { id, contentType, data, securityContext } = (await answer.json()) as Record<string, unknown>
    expect([contentType, data, securityContext]).toEqual([
      'application/pdf',
      content.toString('base64'),
      { reference: 'Patient/a' },
    ])
    const back = await fetch(`${base}/Binary/${id}`, { headers: { accept: 'application/pdf' } })
    expect(await bytesOf(back)).toEqual(content)
    expect(back.headers.get('x-security-context')).toBe('Patient/a')
  })

  test('that is put goes under its id, by versions', async () => {
    expect((await send('PUT', 'Binary/doc', 'text/plain; charset=latin1')).status).toBe(201)
    expect((await send('PUT', 'Binary/doc', 'text/plain; charset=latin1', { 'if-match': 'W/"1"' })).status).toBe(200)
    expect((await send('PUT', 'Binary/doc', 'text/plain', { 'if-match': 'W/"1"' })).status).toBe(412)
    const back = await fetch(`${base}/Binary/doc`, { headers: { accept: 'text/plain' } })
    expect(back.headers.get('content-type')).toBe('text/plain; charset=latin1')
    expect(await bytesOf(back)).toEqual(content)
  })

  test('is none where it is a resource in a format of FHIR, or of no type, or empty, or for another type', async () => {
    for (const type of ['application/fhir+xml', 'application/xml+fhir', 'application/fhir+turtle', 'nonsense'])
      expect((await send('POST', 'Binary', type)).status, type).toBe(415)
    expect((await send('POST', 'Binary', 'application/fhir+json')).status).toBe(400)
    expect((await send('POST', 'Patient', 'application/pdf')).status).toBe(415)
    expect((await send('PATCH', 'Binary/doc', 'application/pdf')).status).toBe(415)
    const empty = await ask('POST', 'Binary', { headers: { 'content-type': 'application/pdf' }, body: '' })
    expect([empty.status, ...codesOf(empty)]).toEqual([400, 'required'])
  })
})
