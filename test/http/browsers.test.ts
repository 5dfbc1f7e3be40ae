/** What browsers are told, which pages may ask, and whom a proxy speaks for. */
import { describe, expect, test } from 'vitest'
import { guarded } from './guarded.js'
import { type Asked, codesOf, type Running, running } from './server.js'
import { sendRaw } from './wire.js'

const app = 'https://app.example.org'

/** With headers that `fetch` keeps for itself. */
async function ask({ root }: Running, method: string, path: string, headers: Record<string, string>) {
  const lines = Object.entries({ Host: 'a', Connection: 'close', ...headers }).map((pair) => pair.join(': '))
  const text = await sendRaw(root, `${[`${method} ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`)
  const [head = '', ...body] = text.split('\r\n\r\n')
  const [status = '', ...fields] = head.split('\r\n')
  const pairs = fields.map((field) => [
    field.slice(0, field.indexOf(':')).toLowerCase(),
    field.slice(field.indexOf(':') + 2),
  ])
  return {
    status: Number(status.split(' ')[1]),
    headers: Object.fromEntries(pairs) as Record<string, string>,
    body: body.join(''),
  }
}

const preflight = (origin: string) => ({
  Origin: origin,
  'Access-Control-Request-Method': 'PUT',
  'Access-Control-Request-Headers': 'authorization,if-match,content-type',
})

describe('every answer', () => {
  test.each(['/fhir/metadata', '/fhir/Patient/nobody', '/nowhere', '/%ff', '/health/live'])(
    'says that it is no page and is not to be kept: %s',
    async (path) => {
      const { headers } = await ask(await running(), 'GET', path, {})
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      })
      expect(headers).not.toHaveProperty('strict-transport-security')
    },
  )

  test('keeps to TLS whoever came by it', async () => {
    const secure = await running({ baseUrl: 'https://fhir.example.org' })
    const key = 'strict-transport-security'
    expect((await ask(secure, 'GET', '/health/live', {})).headers[key]).toBe('max-age=31536000')
    const behind = await running({ trustedProxies: ['loopback'] })
    expect((await ask(behind, 'GET', '/health/live', {})).headers).not.toHaveProperty(key)
    const forwarded = { 'X-Forwarded-Proto': 'https' }
    expect((await ask(behind, 'GET', '/health/live', forwarded)).headers[key]).toBe('max-age=31536000')
  })
})

describe('pages of others', () => {
  test('may not ask unless they are named', async () => {
    const server = await running()
    const asked = await ask(server, 'OPTIONS', '/fhir/Patient/a', preflight(app))
    expect(asked.status).toBe(405)
    const answer = await ask(server, 'GET', '/fhir/metadata', { Origin: app })
    for (const { headers } of [asked, answer])
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test('that are named may ask, also before anybody has said who they are, and read what answers say', async () => {
    const server = await guarded({}, { corsOrigins: [app, 'http://localhost:3000'] })
    const asked = await ask(server, 'OPTIONS', '/fhir/Patient/a', preflight(app))
    expect(asked.status).toBe(204)
    expect(asked.headers).toMatchObject({
      'access-control-allow-origin': app,
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization,if-match,content-type',
      'access-control-max-age': '600',
    })
    const refused = await ask(server, 'GET', '/fhir/Patient/a', { Origin: app })
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, app])
    const bearer = await server.authority.bearer('system/*.cruds')
    const missing = await ask(server, 'GET', '/fhir/Patient/a', { Origin: app, Authorization: bearer.authorization })
    expect([missing.status, missing.headers['access-control-allow-origin']]).toEqual([404, app])
    const exposed = missing.headers['access-control-expose-headers']?.split(', ')
    for (const name of [
      'ETag',
      'Location',
      'Content-Location',
      'Last-Modified',
      'X-Request-Id',
      'X-Progress',
      'Retry-After',
    ])
      expect(exposed).toContain(name)
    expect(missing.headers).not.toHaveProperty('access-control-allow-credentials')
  })

  test('others than those are not let in, and caches are told that it depends on the origin', async () => {
    const server = await running({ corsOrigins: [app] })
    for (const origin of [
      'https://evil.example',
      'https://app.example.org.evil.example',
      'null',
      'http://app.example.org',
    ]) {
      expect((await ask(server, 'OPTIONS', '/fhir/Patient/a', preflight(origin))).status).toBe(405)
      const { headers } = await ask(server, 'GET', '/fhir/metadata', { Origin: origin })
      expect(headers).not.toHaveProperty('access-control-allow-origin')
      expect(headers.vary?.toLowerCase()).toContain('origin')
    }
    expect((await ask(server, 'GET', '/fhir/metadata', { Origin: app })).headers.vary?.toLowerCase()).toMatch(
      /origin.*accept/,
    )
    expect((await ask(server, 'OPTIONS', '/fhir/Patient/a', {})).status).toBe(405)
    expect((await ask(server, 'GET', '/nowhere', {})).status).toBe(404)
  })

  test('may all ask where that is said', async () => {
    const server = await running({ corsOrigins: ['*'] })
    const { status, headers } = await ask(server, 'OPTIONS', '/fhir/Patient/a', preflight('https://any.example'))
    expect([status, headers['access-control-allow-origin']]).toEqual([204, 'https://any.example'])
  })
})

describe('one caller', () => {
  const statuses = async ({ ask }: Running, asked: ReadonlyArray<Asked>): Promise<number[]> => {
    const found: number[] = []
    for (const each of asked) found.push((await ask('GET', 'Patient/a', each)).status)
    return found
  }

  test('asks as often as it may: an address, over all tenants and routes, but for health', async () => {
    const server = await running({ maxRequestsPerMinute: 3, tenancy: { from: 'path' } })
    expect(await statuses(server, [{}, {}])).toEqual([404, 404])
    expect((await server.ask('GET', '/tenants/nobody/fhir/Patient/a')).status).toBe(404)
    const refused = await server.ask('GET', 'Patient/a')
    expect([refused.status, codesOf(refused)]).toEqual([429, ['throttled']])
    expect(refused.body.issue[0].location).toEqual(['http.url'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect(refused.headers.get('ratelimit-limit')).toBe('3')
    expect(refused.headers.get('ratelimit-remaining')).toBe('0')
    expect((await server.ask('GET', '/health/ready')).status).toBe(200)
    expect((await server.ask('GET', '/metrics')).status).toBe(200)
  })

  test('is a subject where there are tokens: others of its address go on', async () => {
    const server = await guarded({}, { maxRequestsPerMinute: 2 })
    const by = async (sub: string): Promise<Asked> => ({
      headers: await server.authority.bearer('system/*.cruds', { claims: { sub } }),
    })
    const [ada, bob] = [await by('ada'), await by('bob')]
    expect(await statuses(server, [ada, ada, ada, bob, bob, bob])).toEqual([404, 404, 429, 404, 404, 429])
  })

  test('is whom a proxy speaks for, if that is believed', async () => {
    const from = (address: string): Asked => ({ headers: { 'x-forwarded-for': address } })
    const asked = [from('192.0.2.1'), from('192.0.2.1'), from('192.0.2.2')]
    expect(await statuses(await running({ maxRequestsPerMinute: 1 }), asked)).toEqual([404, 429, 429])
    const behind = await running({ maxRequestsPerMinute: 1, trustedProxies: ['127.0.0.0/8', '::1'] })
    expect(await statuses(behind, asked)).toEqual([404, 429, 404])
  })
})

test('links are of the place that a proxy names, if it is believed', async () => {
  const headers = { 'x-forwarded-host': 'fhir.example.org', 'x-forwarded-proto': 'https' }
  const self = async (server: Running) => (await server.ask('GET', 'Patient', { headers })).body.link[0].url
  const plain = await running()
  expect(await self(plain)).toBe(`${plain.base}/Patient`)
  expect(await self(await running({ trustedProxies: ['loopback'] }))).toBe('https://fhir.example.org/fhir/Patient')
  expect(await self(await running({ trustedProxies: ['192.0.2.1'] }))).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+\/fhir\/Patient$/,
  )
})
