/** The keys that tokens are verified by: where they come from, and what happens when they do not; and settings that are refused. */
import { Writable } from 'node:stream'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { fhirServer } from '../../src/http/index.js'
import { openStore } from '../../src/index.js'
import { expectRefused, guarded } from './guarded.js'
import { audience, issuer, newKey, startIssuer } from './issuer.js'
import { codesOf } from './server.js'

afterEach(() => {
  vi.useRealTimers()
})

describe('the keys of the issuer', () => {
  test('are asked for once, and again for a key that is new', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { authority, asWith } = await guarded()
    const first = authority.key
    for (let n = 0; n < 5; n++) expect((await asWith(await authority.token())).status).toBe(200)
    expect(authority.asked()).toBe(1)
    await authority.rotate()
    // Anybody can name a key that is not there: that is no reason to ask at once.
    for (let n = 0; n < 5; n++) expect((await asWith(await authority.token())).status).toBe(401)
    expect(authority.asked()).toBe(1)
    vi.setSystemTime(Date.now() + 31_000)
    expect((await asWith(await authority.token())).status).toBe(200)
    expect(authority.asked()).toBe(2)
    expectRefused(await asWith(await authority.token({ key: first })), 401, 'login', 'invalid_token')
  })

  test('are asked for again after a while, so that what was withdrawn is not trusted for ever', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { authority, asWith } = await guarded()
    const withdrawn = authority.key
    expect((await asWith(await authority.token())).status).toBe(200)
    await authority.rotate()
    vi.setSystemTime(Date.now() + 11 * 60_000)
    expectRefused(await asWith(await authority.token({ key: withdrawn })), 401, 'login', 'invalid_token')
  })

  test.each([
    ['closes the connection', (_: unknown, response: { destroy(): void }) => response.destroy()],
    ['fails', (_: unknown, response: { writeHead(n: number): { end(): void } }) => response.writeHead(500).end()],
    [
      'sends elsewhere',
      (_: unknown, response: { writeHead(n: number, h: object): { end(): void } }) =>
        response.writeHead(302, { location: 'https://example.org' }).end(),
    ],
    ['answers no JSON', (_: unknown, response: { end(text: string): void }) => response.end('<html>')],
    ['answers no keys', (_: unknown, response: { end(text: string): void }) => response.end('{}')],
    [
      'answers without end',
      (_: unknown, response: { end(text: string): void }) => response.end(`{"keys":[]${' '.repeat(2_000_000)}}`),
    ],
    ['does not answer', () => undefined],
  ])('that %s are missed for a while, which is not the fault of a token', { timeout: 20_000 }, async (_, answer) => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const { authority, asWith } = await guarded()
    authority.answer = answer as never
    const token = await authority.token()
    const answers = await Promise.all([asWith(token), asWith(token)])
    for (const each of [...answers, await asWith(token)]) {
      expect([each.status, ...codesOf(each)]).toEqual([503, 'transient'])
      expect(each.headers.get('retry-after')).toBe('1')
      expect(each.headers.get('www-authenticate')).toBeNull()
    }
    expect(authority.asked()).toBe(1)
    authority.answer = undefined
    vi.advanceTimersByTime(1_100)
    expect((await asWith(token)).status).toBe(200)
    expect(authority.asked()).toBe(2)
  })

  test('are not looked at again for a minute for a token that was verified, until it expires', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { authority, asWith } = await guarded()
    const at = Date.now()
    const statusAt = async (seconds: number, token: string) => {
      vi.setSystemTime(at + seconds * 1_000)
      return (await asWith(token)).status
    }
    const long = await authority.token({ claims: { exp: Math.floor(at / 1_000) + 3_600 } })
    const short = await authority.token({ claims: { exp: Math.floor(at / 1_000) + 570 } })
    expect([await statusAt(0, short), await statusAt(580, short), await statusAt(580, long)]).toEqual([200, 200, 200])
    await authority.rotate()
    expect([await statusAt(602, short), await statusAt(602, long), authority.asked()]).toEqual([401, 200, 2])
    expect([await statusAt(641, long), authority.asked()]).toEqual([401, 3])
  })

  test('that are known do without the issuer for a while', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const { authority, asWith } = await guarded()
    const token = await authority.token()
    expect((await asWith(token)).status).toBe(200)
    authority.answer = (_, response) => void response.destroy()
    vi.setSystemTime(Date.now() + 40_000)
    expect((await asWith(await authority.token({ key: await newKey() }))).status).toBe(503)
    expect((await asWith(token)).status).toBe(200)
  })
})

test('no part of a token is in an answer or in the log', async () => {
  const authority = await startIssuer()
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const store = await openStore('memory:')
  const logger = { level: 'trace', stream }
  const app = await fhirServer(store, { authentication: authority.authentication, logger })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const tokens = [
    await authority.token(),
    await authority.token({ claims: { exp: 1 } }),
    await authority.token({ key: await newKey() }),
    await authority.token({ claims: { scope: 'patient/*.read' } }),
    'no-token-at-all',
  ]
  const said: string[] = []
  for (const token of tokens) {
    const answer = await fetch(`${url}/fhir/Patient`, { headers: { authorization: `Bearer ${token}` } })
    said.push(await answer.text(), JSON.stringify([...answer.headers]))
  }
  authority.answer = (_, response) => void response.destroy()
  const fresh = await fhirServer(store, { authentication: authority.authentication, logger })
  const other = await fresh.listen({ host: '127.0.0.1', port: 0 })
  const missed = await fetch(`${other}/fhir/Patient`, { headers: { authorization: `Bearer ${tokens[0]}` } })
  said.push(await missed.text())
  await app.close()
  await fresh.close()
  await store.close()
  expect(missed.status).toBe(503)
  expect(lines.join('')).toMatch(/"cause":"UND_ERR_SOCKET".*no keys to verify tokens by/)
  for (const part of tokens.flatMap((token) => token.split('.')))
    expect(said.join('\n') + lines.join('\n')).not.toContain(part)
})

describe('settings of authentication are refused', () => {
  test.each<[string, object, string]>([
    ['without an issuer', { issuer: undefined }, 'authentication.issuer: it has to be a text'],
    ['without an audience', { audience: '' }, 'authentication.audience: it has to be a text'],
    ['with an algorithm of a shared secret', { algorithms: ['HS256'] }, 'authentication.algorithms: it has to be'],
    ['with no algorithm', { algorithms: [] }, 'authentication.algorithms: it has to be'],
    ['with none', { algorithms: ['none'] }, 'authentication.algorithms: it has to be'],
    ['with keys over plain HTTP', { jwks: 'http://issuer.example.org/jwks' }, 'authentication.jwks: it has to be'],
    ['with keys of a file', { jwks: 'file:///keys.json' }, 'authentication.jwks: it has to be'],
    ['with no keys', { jwks: { keys: [] } }, 'authentication.jwks: it has to be'],
    ['with a secret', { jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }, 'authentication.jwks: it has to be'],
    ['with a private key', { jwks: { keys: [{ kty: 'EC', d: 'c2VjcmV0' }] } }, 'authentication.jwks: it has to be'],
    ['with a tolerance of an hour', { clockToleranceSeconds: 3_600 }, 'a whole number from 0 to 300'],
    ['with a SMART configuration that is none', { smartConfiguration: { capabilities: [] } }, 'token_endpoint'],
  ])('%s', async (_, wrong, problem) => {
    const store = await openStore('memory:')
    const authentication = { issuer, audience, jwks: 'https://issuer.example.org/jwks', ...wrong }
    const made = fhirServer(store, { authentication })
    await expect(made).rejects.toMatchObject({ _tag: 'InvalidInput', message: expect.stringContaining(problem) })
    await expect(made).rejects.not.toMatchObject({ message: expect.stringContaining('c2VjcmV0') })
    await store.close()
  })
})
