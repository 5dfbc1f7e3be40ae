/** Tokens: which are accepted, which are not and how that is said. */
import { createHmac } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { exportJWK, exportSPKI, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { askAsItIs, expectRefused, guarded } from './guarded.js'
import { audience, issuer, newKey, publicJwk, type TokenOptions, tokenOf } from './issuer.js'
import { running } from './server.js'

const now = () => Math.floor(Date.now() / 1_000)

describe('is accepted', () => {
  test.each(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'])('a token signed by %s', async (alg) => {
    const { authority, asWith } = await guarded()
    const key = await authority.rotate(alg)
    expect((await asWith(await authority.token({ key }))).status).toBe(200)
  })

  test.each<[string, TokenOptions]>([
    ['of a type', { header: { typ: 'JWT' } }],
    ['of the type of access tokens', { header: { typ: 'at+jwt' } }],
    ['for several audiences', { claims: { aud: ['https://other.example.org', audience] } }],
    ['that has just expired, within the tolerance', { claims: { exp: now() - 10 } }],
    ['that is valid since now', { claims: { nbf: now() } }],
    ['that does not name its key, where there is one', { header: { kid: undefined } }],
    ['of a client', { claims: { sub: undefined, client_id: 'loader' } }],
  ])('a token %s', async (_, options) => {
    const { authority, asWith } = await guarded()
    expect((await asWith(await authority.token(options))).status).toBe(200)
  })

  test('a token whatever the case of its scheme', async () => {
    const server = await guarded()
    const token = await server.authority.token()
    for (const scheme of ['Bearer', 'bearer', 'BEARER'])
      expect((await server.ask('GET', 'Patient', { headers: { authorization: `${scheme} ${token}` } })).status).toBe(
        200,
      )
  })

  test('a token by a key that is given', async () => {
    const key = await newKey()
    const { ask } = await running({ authentication: { issuer, audience, jwks: { keys: [await publicJwk(key)] } } })
    const headers = { authorization: `Bearer ${await tokenOf({ key })}` }
    expect((await ask('GET', 'Patient', { headers })).status).toBe(200)
    const other = await newKey('ES256', key.kid)
    const forged = { authorization: `Bearer ${await tokenOf({ key: other })}` }
    expectRefused(await ask('GET', 'Patient', { headers: forged }), 401, 'login', 'invalid_token')
  })
})

describe('is refused as invalid_token', () => {
  test.each<[string, TokenOptions, RegExp]>([
    ['that has expired', { claims: { exp: now() - 60 } }, /expired/],
    ['that never expires', { claims: { exp: undefined } }, /when it expires/],
    ['that expires at no number', { claims: { exp: `${now() + 300}` as never } }, /./],
    ['that is not valid yet', { claims: { nbf: now() + 300 } }, /not valid yet/],
    ['of another issuer', { claims: { iss: `${issuer}/` } }, /another issuer/],
    ['of no issuer', { claims: { iss: undefined } }, /another issuer/],
    ['for another audience', { claims: { aud: `${audience}/x` } }, /another audience/],
    ['for no audience', { claims: { aud: undefined } }, /another audience/],
    ['of another purpose', { header: { typ: 'logout+jwt' } }, /no access token/],
    ['by a key that is none of the issuer', { header: { kid: 'other' } }, /none of its issuer/],
    ['with a header that has to be understood', { header: { crit: ['x'], x: 1 } }, /no JWT that can be read/],
    ['of nobody', { claims: { sub: undefined } }, /whose it is/],
    ['of an empty name', { claims: { sub: '' } }, /whose it is/],
    ['of a name that is no text', { claims: { sub: 7 as never, client_id: 'loader' } }, /whose it is/],
    ['of half a character', { claims: { sub: '\ud800' } }, /whose it is/],
    ['of a name without end', { claims: { sub: 'a'.repeat(1_025) } }, /whose it is/],
  ])('a token %s', async (_, options, problem) => {
    const { authority, asWith } = await guarded()
    const answer = await asWith(await authority.token(options))
    expectRefused(answer, 401, 'login', 'invalid_token')
    expect(answer.body.issue[0].diagnostics).toMatch(problem)
  })

  test('a token of another key under the same name, also where it brings that key along', async () => {
    const { authority, asWith } = await guarded()
    const forger = await newKey('ES256', authority.key.kid)
    const jwk = await publicJwk(forger)
    for (const header of [
      {},
      { jwk },
      { jku: 'https://forger.example.org/jwks.json' },
      { x5u: 'https://forger.example.org' },
    ])
      expectRefused(await asWith(await authority.token({ key: forger, header })), 401, 'login', 'invalid_token')
  })

  test('a token that is not signed, or signed by what is public', async () => {
    const { authority, asWith } = await guarded()
    const key = await authority.rotate('RS256')
    const claims = { iss: issuer, aud: audience, sub: 'ada', exp: now() + 300, scope: 'system/*.cruds' }
    const unsigned = new UnsecuredJWT(claims).encode()
    const [, payload = ''] = unsigned.split('.')
    const head = (header: object) => Buffer.from(JSON.stringify(header)).toString('base64url')
    const forged = [
      unsigned,
      `${head({ alg: 'none' })}.${payload}.`,
      `${head({ alg: 'nOnE', kid: key.kid })}.${payload}.x`,
    ]
    for (const secret of [await exportSPKI(key.publicKey), JSON.stringify(await exportJWK(key.publicKey)), '']) {
      const signed = `${head({ alg: 'HS256', kid: key.kid })}.${payload}`
      forged.push(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`)
    }
    for (const token of forged) expectRefused(await asWith(token), 401, 'login', 'invalid_token')
  })

  test('a token that somebody has changed', async () => {
    const { authority, asWith } = await guarded()
    const [header = '', payload = '', signature = ''] = (await authority.token()).split('.')
    const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: 'eve' }
    const other = Buffer.from(JSON.stringify(claims)).toString('base64url')
    for (const token of [
      `${header}.${other}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}.${payload}.${signature}.${signature}`,
      `${header}.${payload}.${signature}.x.y`,
      'abc',
      'a.b.c',
      '...',
    ])
      expectRefused(await asWith(token), 401, 'login', 'invalid_token')
  })

  test('a token by an algorithm other than those that are pinned', async () => {
    const { authority, asWith } = await guarded({ algorithms: ['ES256'] })
    expect((await asWith(await authority.token())).status).toBe(200)
    const key = await authority.rotate('RS256', true)
    const answer = await asWith(await authority.token({ key }))
    expectRefused(answer, 401, 'login', 'invalid_token')
    expect(answer.body.issue[0].diagnostics).toContain('algorithm')
  })

  test('a token without end', async () => {
    const { authority, asWith } = await guarded()
    const answer = await asWith(await authority.token({ claims: { padding: 'x'.repeat(8_000) } }))
    expectRefused(answer, 401, 'login', 'invalid_token')
    expect((await asWith('x'.repeat(100_000))).status).toBe(431)
  })
})

describe('without a token', () => {
  test('an error is not named, whatever is asked for', async () => {
    const { ask } = await guarded()
    for (const [method, path] of [
      ['GET', 'Patient/a'],
      ['GET', 'Patient'],
      ['GET', '_history'],
      ['GET', 'Patient/a/_history'],
      ['POST', ''],
      ['POST', 'Patient'],
      ['PUT', 'Patient/a'],
      ['PATCH', 'Patient/a'],
      ['DELETE', 'Patient/a'],
      ['POST', 'Patient/_search'],
      ['GET', 'Nonsense/a'],
    ] as const)
      expectRefused(await ask(method, path, method === 'POST' ? { body: {} } : {}), 401, 'login')
    expect((await ask('HEAD', 'Patient/a')).status).toBe(401)
  })

  test('one in the URL or in a form is none', async () => {
    const { ask, authority } = await guarded()
    const token = await authority.token()
    expectRefused(await ask('GET', `Patient?access_token=${token}`), 401, 'login')
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expectRefused(await ask('POST', 'Patient/_search', { headers, body: `access_token=${token}` }), 401, 'login')
  })

  test('other schemes are none', async () => {
    const { ask } = await guarded()
    for (const authorization of ['Basic YTpi', 'Bearerx abc', 'DPoP abc', 'abc'])
      expectRefused(await ask('GET', 'Patient', { headers: { authorization } }), 401, 'login')
  })

  test('a malformed header is invalid_request', async () => {
    const server = await guarded()
    const token = await server.authority.token()
    for (const authorization of ['Bearer', 'Bearer ', `Bearer ${token} ${token}`, 'Bearer "a"', `Bearer ${token},`])
      expectRefused(
        await server.ask('GET', 'Patient', { headers: { authorization } }),
        400,
        'invalid',
        'invalid_request',
      )
    const headers = ['Authorization', `Bearer ${token}`, 'authorization', `Bearer ${token}`]
    const twice = await askAsItIs(server, '/fhir/Patient', headers)
    expect([twice.status, twice.challenge]).toEqual([400, expect.stringContaining('error="invalid_request"')])
  })

  test('what everybody may know is there: capabilities and health', async () => {
    const { ask } = await guarded()
    for (const path of ['metadata', '/health/live', '/health/ready'])
      for (const method of ['GET', 'HEAD']) expect((await ask(method, path)).status, `${method} ${path}`).toBe(200)
    expect((await ask('GET', '/nothing')).status).toBe(404)
  })

  test('it is refused before its body comes', async () => {
    const { root } = await guarded()
    const { hostname, port } = new URL(root)
    const headers = { 'content-type': 'application/fhir+json', 'content-length': 50_000_000 }
    const status = await new Promise((resolve, reject) => {
      const asked = httpRequest({ hostname, port, path: '/fhir/Patient', method: 'POST', headers }, (answer) => {
        resolve(answer.statusCode)
        asked.destroy()
      })
      asked.on('error', reject)
      asked.flushHeaders()
    })
    expect(status).toBe(401)
  })
})

describe('a client learns where tokens come from', () => {
  test('in the CapabilityStatement', async () => {
    const { ask } = await guarded()
    const [{ security }] = (await ask('GET', 'metadata')).body.rest
    expect(security.service[0].coding[0].code).toBe('OAuth')
    expect(security.description).toContain(issuer)
    expect((await ask('GET', '.well-known/smart-configuration')).status).toBe(404)
    const [open] = (await (await running()).ask('GET', 'metadata')).body.rest
    expect(open.security).toBeUndefined()
  })

  test('in the SMART configuration, as its issuer says it', async () => {
    const smartConfiguration = {
      token_endpoint: `${issuer}/token`,
      grant_types_supported: ['client_credentials'],
      capabilities: ['client-confidential-asymmetric', 'permission-v2'],
    }
    const { ask } = await guarded({ smartConfiguration })
    const answer = await ask('GET', '.well-known/smart-configuration', { headers: { accept: 'text/html' } })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/^application\/json/),
    ])
    expect(answer.body).toEqual(smartConfiguration)
    const [{ security }] = (await ask('GET', 'metadata')).body.rest
    expect(security.service[0].coding[0].code).toBe('SMART-on-FHIR')
  })
})
