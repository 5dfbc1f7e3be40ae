/** What a URL does not have is refused with 405 and the methods that it has. (RFC 9110, 15.5.6) */
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { codesOf, running } from '../server.js'

/** Of each URL, all that it has. */
const allowed: ReadonlyArray<readonly [path: string, methods: ReadonlyArray<string>]> = [
  ['/health/live', ['GET', 'HEAD']],
  ['/health/ready', ['GET', 'HEAD']],
  ['/fhir', ['POST']],
  ['/fhir/', ['POST']],
  ['/fhir/metadata', ['GET', 'HEAD']],
  ['/fhir/_history', ['GET', 'HEAD']],
  ['/fhir/Patient', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']],
  ['/fhir/Patient/_search', ['POST']],
  ['/fhir/Patient/_history', ['GET', 'HEAD']],
  ['/fhir/Patient/a', ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']],
  ['/fhir/Patient/a/_history', ['GET', 'HEAD']],
  ['/fhir/Patient/a/_history/1', ['GET', 'HEAD']],
  ['/tenants/default/fhir', ['POST']],
  ['/tenants/default/fhir/metadata', ['GET', 'HEAD']],
  ['/tenants/default/fhir/Patient/a', ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']],
]
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

describe('a method that a URL does not have is a 405 with Allow', async () => {
  const { ask, root } = await running({ tenancy: { from: 'path' } })

  test.each(allowed)('%s has %j', async (path, has) => {
    for (const method of methods) {
      const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH'
      const answer = await ask(method, path, hasBody ? { body: '{}' } : {})
      if (has.includes(method)) {
        expect(answer.status, `${method} ${path}: ${answer.text}`).not.toBe(405)
        continue
      }
      expect([answer.status, answer.headers.get('allow')], `${method} ${path}`).toEqual([405, has.join(', ')])
      if (method === 'HEAD') continue
      expect(codesOf(answer)).toEqual(['not-supported'])
      expect(answer.body.issue[0].location).toEqual(['http.method'])
    }
  })

  test.each([
    ['TRACE', 'GET, HEAD, PUT, PATCH, DELETE'],
    ['PROPFIND', 'GET, HEAD, POST, PUT, PATCH, DELETE'],
  ])('%s, too', async (method, allow) => {
    const { port } = new URL(root)
    const text = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.end(`${method} /fhir/Patient/a HTTP/1.1\r\nHost: a\r\n\r\n`),
      )
      socket.on('data', (data) => resolve(String(data)))
    })
    expect(text).toMatch(/^HTTP\/1\.1 405 /)
    expect(text.toLowerCase()).toContain(`\r\nallow: ${allow.toLowerCase()}\r\n`)
  })

  test('but where there is nothing, whatever the method, it is a 404', async () => {
    for (const method of methods.filter((each) => each !== 'HEAD'))
      for (const path of [
        '/',
        '/fhir/Nonsense',
        '/fhir/Nonsense/a',
        '/fhir/Patient/a/b',
        '/fhir/$nothing',
        '/nothing',
      ]) {
        const answer = await ask(method, path, method === 'GET' ? {} : { body: '{}' })
        expect([answer.status, answer.headers.get('allow')], `${method} ${path}`).toEqual([404, null])
        expect(answer.body.issue[0].location).toEqual(['http.url'])
      }
  })

  test('nothing of a history can be deleted: R6 has that, R4 has not', async () => {
    await ask('PUT', 'Patient/kept', { body: { resourceType: 'Patient', id: 'kept' } })
    for (const path of ['Patient/kept/_history', 'Patient/kept/_history/1']) {
      const answer = await ask('DELETE', path)
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    }
    expect((await ask('POST', 'Patient/kept/$purge', { body: '' })).status).toBe(404)
    expect((await ask('GET', 'Patient/kept/_history')).body.entry).toHaveLength(1)
  })

  test('a search over all types is refused with what there is instead', async () => {
    const got = await ask('GET', '/fhir?_type=Patient')
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST'])
    const posted = await ask('POST', '_search', { body: '' })
    expect([posted.status, ...codesOf(posted)]).toEqual([404, 'not-supported'])
    expect(posted.text).toContain('a search is of one type')
  })
})
