/** Who may ask `annals serve`, and where: flags that belong together, and files that they name. */
import { describe, expect, test } from 'vitest'
import { audience, issuer, newKey, publicJwk, type SigningKey, tokenOf } from '../http/issuer.js'
import { file, newStore, run } from './harness.js'

const about = ['--issuer', issuer, '--audience', audience]

/** Serves until `use` is done. */
async function serving(argv: ReadonlyArray<string>, use: (url: string) => Promise<void>) {
  const stop = new AbortController()
  let used: Promise<void> | undefined
  const ran = await run(['serve', '--json', '--port', '0', '--store', newStore(), ...argv], {
    signal: stop.signal,
    onOut: (line) => {
      const { url } = JSON.parse(line)
      used ??= use(url.replace('0.0.0.0', '127.0.0.1')).finally(() => stop.abort())
    },
  })
  await used
  expect(ran, ran.stderr).toMatchObject({ code: 0 })
}

async function keysFile(): Promise<{ readonly key: SigningKey; readonly path: string }> {
  const key = await newKey()
  return { key, path: file('keys.json', JSON.stringify({ keys: [await publicJwk(key)] })) }
}

const statusOf = async (url: string, headers: Record<string, string> = {}): Promise<number> =>
  (await fetch(`${url}/Patient`, { headers })).status

test('with an issuer it listens for other machines, and asks who they are', async () => {
  const { key, path } = await keysFile()
  await serving([...about, '--jwks', path, '--host', '0.0.0.0'], async (url) => {
    expect(await statusOf(url)).toBe(401)
    expect(await statusOf(url, { authorization: `Bearer ${await tokenOf({ key })}` })).toBe(200)
    expect(await statusOf(url, { authorization: `Bearer ${await tokenOf({ key: await newKey() })}` })).toBe(401)
  })
})

test('without one it listens for other machines if it is told twice', async () => {
  const refused = await run(['serve', '--host', '0.0.0.0', '--port', '0', '--store', newStore()])
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('say --insecure') })
  await serving(['--host', '0.0.0.0', '--insecure'], async (url) => expect(await statusOf(url)).toBe(200))
})

test('algorithms and the SMART configuration are those that it is given', async () => {
  const { key, path } = await keysFile()
  const smart = { token_endpoint: `${issuer}/token`, capabilities: ['permission-v2'] }
  const argv = [
    '--jwks',
    path,
    '--algorithms',
    'RS256,PS256',
    '--smart-configuration',
    file('s.json', JSON.stringify(smart)),
  ]
  await serving([...about, ...argv], async (url) => {
    expect(await statusOf(url, { authorization: `Bearer ${await tokenOf({ key })}` })).toBe(401)
    expect(await (await fetch(`${url}/.well-known/smart-configuration`)).json()).toEqual(smart)
  })
})

test('a header, a claim, or both say which tenant', async () => {
  const { key, path } = await keysFile()
  const headersOf = async (tenant: string, named?: string) => ({
    authorization: `Bearer ${await tokenOf({ key, claims: { site: tenant } })}`,
    ...(named === undefined ? undefined : { 'x-tenant': named }),
  })
  const keys = [...about, '--jwks', path]
  await serving(['--tenant-header', 'X-Tenant'], async (url) => {
    expect(await statusOf(url)).toBe(400)
    expect(await statusOf(url, { 'x-tenant': 'default' })).toBe(200)
    expect(await statusOf(url, { 'x-tenant': 'none' })).toBe(404)
  })
  await serving([...keys, '--tenant-claim', 'site'], async (url) => {
    expect(await statusOf(url, await headersOf('default'))).toBe(200)
    expect(await statusOf(url, await headersOf('none'))).toBe(404)
  })
  await serving([...keys, '--tenant-claim', 'site', '--tenant-header', 'x-tenant'], async (url) => {
    expect(await statusOf(url, await headersOf('default', 'default'))).toBe(200)
    expect(await statusOf(url, await headersOf('default', 'other'))).toBe(403)
  })
  await serving([...keys, '--tenant-claim', 'site', '--many-tenants'], async (url) => {
    expect(await statusOf(url.replace('/fhir', '/tenants/default/fhir'), await headersOf('default'))).toBe(200)
    expect(await statusOf(url.replace('/fhir', '/tenants/default/fhir'), await headersOf('other'))).toBe(403)
  })
})

describe('is refused', () => {
  const all = [...about, '--jwks', 'https://issuer.example.org/jwks']
  test.each([
    ['an issuer without an audience', ['--issuer', issuer, '--jwks', 'k.json'], '--issuer takes --audience'],
    ['an issuer without keys', about, '--issuer takes --jwks'],
    ['keys without an issuer', ['--jwks', 'k.json'], '--jwks is about tokens: it takes --issuer'],
    ['an audience without an issuer', ['--audience', 'a'], '--audience is about tokens: it takes --issuer'],
    ['algorithms without an issuer', ['--algorithms', 'RS256'], '--algorithms is about tokens: it takes --issuer'],
    ['a claim without an issuer', ['--tenant-claim', 'tenant'], '--tenant-claim is about tokens: it takes --issuer'],
    ['--insecure with an issuer', [...all, '--insecure'], '--insecure is for a server that asks nobody'],
    ['two places for a tenant', ['--many-tenants', '--tenant-header', 'x'], 'exclude each other'],
    ['an algorithm by a shared secret', [...all, '--algorithms', 'HS256'], '--algorithms is not a list'],
    ['no algorithm at all', [...all, '--algorithms', 'none'], '--algorithms is not a list'],
    [
      'keys over plain HTTP',
      [...about, '--jwks', 'http://issuer.example.org'],
      'authentication.jwks: it has to be an https URL',
    ],
    ['keys that are not there', [...about, '--jwks', '/nowhere/keys.json'], '/nowhere/keys.json cannot be read'],
  ])('%s', async (_, argv, problem) => {
    const refused = await run(['serve', '--port', '0', '--store', newStore(), ...argv])
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(problem) })
  })

  test('a file with a private key, which is not repeated', async () => {
    const secret = 'c2VjcmV0LXNlY3JldA'
    const path = file('private.json', JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-256', d: secret }] }))
    const refused = await run(['serve', '--port', '0', '--store', newStore(), ...about, '--jwks', path])
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('of public keys') })
    expect(refused.stderr).not.toContain(secret)
  })
})
