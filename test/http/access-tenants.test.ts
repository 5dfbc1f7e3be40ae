/** Tenants: where their names come from, and that nobody gets from one into another. */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fhirServer, type Tenancy } from '../../src/http/index.js'
import { openStore } from '../../src/index.js'
import { askAsItIs, expectRefused, type Guarded, guarded } from './guarded.js'
import { codesOf, running } from './server.js'

const seed = Number(process.env.ANNALS_MODEL_SEED ?? randomInt(2 ** 31))

const patient = (more: object = {}) => ({ resourceType: 'Patient', ...more })
const secret = 'known-to-the-other-tenant-only'

/** Tenants `mine` and `other`: the other one has 60 Patients of the same ids and identifiers, and a word that is its own. */
async function entered(tenancy: Tenancy): Promise<Guarded> {
  const server = await guarded({}, { tenancy, tenant: 'mine' })
  for (const name of ['mine', 'other']) {
    const tenant = await server.store.tenant(name)
    const operations = Array.from({ length: 60 }, (_, n) => ({
      op: 'update' as const,
      type: 'Patient',
      id: `p${n}`,
      body: patient({
        id: `p${n}`,
        identifier: [{ system: 's', value: 'v' }],
        language: name === 'mine' ? 'x' : secret,
      }),
    }))
    await tenant.transact(operations)
  }
  return server
}

const ways: ReadonlyArray<readonly [string, Tenancy, (tenant: string) => readonly [string, Record<string, string>]]> = [
  ['the path', { from: 'path', claim: 'tenant' }, (tenant) => [`/tenants/${tenant}/fhir`, {}]],
  ['a header', { from: 'header', header: 'X-Tenant', claim: 'tenant' }, (tenant) => ['/fhir', { 'x-tenant': tenant }]],
]

describe.each(ways)('by %s', (_, tenancy, at) => {
  test('a token is for its own tenant, whether there is the other one or not', async () => {
    const { ask, authority } = await entered(tenancy)
    const headers = await authority.bearer('system/*.cruds', { claims: { tenant: 'mine' } })
    const [own, more] = at('mine')
    expect((await ask('GET', `${own}/Patient/p0`, { headers: { ...headers, ...more } })).body.language).toBe('x')
    const answers: string[] = []
    for (const name of ['other', 'none', 'MINE', 'mine%00', 'default']) {
      const [base, naming] = at(name)
      for (const [method, path] of [
        ['GET', 'Patient/p0'],
        ['GET', 'Patient'],
        ['GET', '_history'],
        ['PUT', 'Patient/p0'],
        ['DELETE', 'Patient/p0'],
        ['POST', ''],
      ] as const) {
        const body = method === 'PUT' ? patient({ id: 'p0' }) : method === 'POST' ? bundleOf() : undefined
        const answer = await ask(method, `${base}/${path}`, { headers: { ...headers, ...naming }, body })
        expectRefused(answer, 403, 'forbidden', 'insufficient_scope')
        answers.push(answer.text)
      }
    }
    expect(new Set(answers).size).toBe(1)
  })

  test('a token that names no tenant is for none', async () => {
    const { ask, authority } = await entered(tenancy)
    const [base, more] = at('mine')
    for (const tenant of [undefined, '', 7, ['mine'], { mine: true }]) {
      const headers = { ...(await authority.bearer('system/*.cruds', { claims: { tenant } })), ...more }
      expectRefused(await ask('GET', `${base}/Patient/p0`, { headers }), 403, 'forbidden', 'insufficient_scope')
    }
  })

  test('without a claim any token of the issuer is for every tenant', async () => {
    const { claim: _, ...open } = tenancy as Tenancy & { claim?: string }
    const { ask, authority } = await entered(open as Tenancy)
    const headers = await authority.bearer('system/*.r')
    for (const [name, status] of [
      ['mine', 200],
      ['other', 200],
      ['none', 404],
    ] as const) {
      const [base, more] = at(name)
      expect((await ask('GET', `${base}/Patient/p0`, { headers: { ...headers, ...more } })).status).toBe(status)
    }
  })

  test('a page, an idempotency key or a condition of one tenant is nothing in another', async () => {
    const { ask, authority } = await entered(tenancy)
    const as = async (tenant: string) => {
      const [base, more] = at(tenant)
      const headers = { ...(await authority.bearer('system/*.cruds', { claims: { tenant } })), ...more }
      return (method: string, path: string, extra: object = {}, body?: unknown) =>
        ask(method, path.startsWith('/') ? path : `${base}/${path}`, { headers: { ...headers, ...extra }, body })
    }
    const [mine, other] = [await as('mine'), await as('other')]
    for (const path of [
      'Patient?_count=5',
      'Patient?identifier=s|v&_count=5',
      '_history?_count=5',
      'Patient/_history?_count=5',
    ]) {
      const { link } = (await other('GET', path)).body
      const next = new URL(link.find(({ relation }: { relation: string }) => relation === 'next').url)
      const hopping = await mine('GET', `${at('mine')[0]}${next.pathname.slice(at('other')[0].length)}${next.search}`)
      expect(hopping.text, path).not.toContain(secret)
      expect([200, 400], path).toContain(hopping.status)
      if (next.pathname.startsWith('/tenants'))
        expect((await mine('GET', `${next.pathname}${next.search}`)).status).toBe(403)
    }
    const made = await other('POST', 'Patient', { 'idempotency-key': 'k' }, patient({ language: secret }))
    expect(made.status).toBe(201)
    const own = await mine('POST', 'Patient', { 'idempotency-key': 'k' }, patient({ language: 'x' }))
    expect([own.status, own.headers.get('location') === made.headers.get('location')]).toEqual([201, false])
    const place = new URL(made.headers.get('location') ?? '').pathname
    expect((await mine('GET', place)).status).toBe(place.startsWith('/tenants') ? 403 : 404)
    const only = await other(
      'PUT',
      'Patient/only',
      {},
      patient({ id: 'only', identifier: [{ system: 's', value: 'o' }] }),
    )
    expect(only.status).toBe(201)
    const condition = { 'if-none-exist': 'identifier=s|o' }
    expect((await mine('POST', 'Patient', condition, patient())).status).toBe(201)
  })
})

const bundleOf = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'batch', entry })

describe('by a claim', () => {
  test('the token alone says which tenant it is', async () => {
    const { ask, authority, base } = await entered({ from: 'claim', claim: 'https://example.org/tenant' })
    for (const [tenant, language] of [
      ['mine', 'x'],
      ['other', secret],
    ]) {
      const headers = await authority.bearer('system/*.cruds', { claims: { 'https://example.org/tenant': tenant } })
      expect((await ask('GET', 'Patient/p0', { headers })).body.language).toBe(language)
      const made = await ask('POST', 'Patient', { headers, body: patient() })
      expect(made.headers.get('location')).toContain(`${base}/Patient/`)
    }
    const unknown = await authority.bearer('system/*.r', { claims: { 'https://example.org/tenant': 'none' } })
    expect((await ask('GET', 'Patient/p0', { headers: unknown })).status).toBe(404)
    const nameless = await authority.bearer('system/*.r', { claims: { tenant: 'mine' } })
    expectRefused(await ask('GET', 'Patient/p0', { headers: nameless }), 403, 'forbidden', 'insufficient_scope')
  })

  test('no path and no header says otherwise', async () => {
    const { ask, authority } = await entered({ from: 'claim', claim: 'tenant' })
    const headers = { ...(await authority.bearer('system/*.r', { claims: { tenant: 'mine' } })), 'x-tenant': 'other' }
    expect((await ask('GET', 'Patient/p0', { headers })).body.language).toBe('x')
    expect((await ask('GET', '/tenants/other/fhir/Patient/p0', { headers })).status).toBe(404)
  })

  test('binds a token also at the base of the tenant of the server', async () => {
    const { ask, authority } = await entered({ from: 'path', claim: 'tenant' })
    const own = await authority.bearer('system/*.r', { claims: { tenant: 'mine' } })
    expect((await ask('GET', 'Patient/p0', { headers: own })).body.language).toBe('x')
    const other = await authority.bearer('system/*.r', { claims: { tenant: 'other' } })
    expectRefused(await ask('GET', 'Patient/p0', { headers: other }), 403, 'forbidden', 'insufficient_scope')
  })

  test('there has to be a token', async () => {
    const store = await openStore('memory:')
    for (const tenancy of [
      { from: 'claim', claim: 'tenant' },
      { from: 'path', claim: 'tenant' },
    ] as const)
      await expect(fhirServer(store, { tenancy })).rejects.toMatchObject({ _tag: 'InvalidInput' })
    for (const wrong of [{ from: 'claim' }, { from: 'header' }, { from: 'header', header: 'a b' }, { from: 'nowhere' }])
      await expect(fhirServer(store, { tenancy: wrong as never })).rejects.toMatchObject({ _tag: 'InvalidInput' })
    await store.close()
  })
})

test('a header has to name one tenant', async () => {
  const server = await running({ tenancy: { from: 'header', header: 'X-Tenant' } })
  const { ask, store } = server
  await store.tenant('a')
  await store.tenant('a, a')
  expect((await ask('GET', 'Patient', { headers: { 'X-TENANT': 'a' } })).status).toBe(200)
  expect((await ask('GET', 'Patient', { headers: { 'x-tenant': 'none' } })).status).toBe(404)
  for (const headers of [{}, { 'x-tenant': '' }]) {
    const answer = await ask('GET', 'Patient', { headers: headers as Record<string, string> })
    expect([answer.status, ...codesOf(answer)]).toEqual([400, 'required'])
  }
  const twice = await askAsItIs(server, '/fhir/Patient', ['X-Tenant', 'a', 'x-tenant', 'a'])
  expect(twice.status).toBe(400)
  expect((await ask('GET', 'metadata')).status).toBe(200)
})

test(`no spelling of a path leads to another tenant, with seed ${seed}`, async () => {
  const server = await entered({ from: 'path', claim: 'tenant' })
  const { authorization } = await server.authority.bearer('system/*.r', { claims: { tenant: 'mine' } })
  const part = fc.constantFrom(
    'mine',
    'other',
    'OTHER',
    '..',
    '.',
    '',
    '%2e%2e',
    '%2f',
    '%5c',
    '%00',
    '%25',
    '?',
    '#',
    ';',
    '@',
    '%c3%a9',
    '%ff',
  )
  const letters = fc.constantFrom(...'other').map((letter) => `%${letter.charCodeAt(0).toString(16)}`)
  const segment = fc.array(fc.oneof(part, letters), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { minLength: 1, maxLength: 3 }), async (segments) => {
      const path = `/tenants/${segments.join('/')}/fhir/Patient/p0`
      const answer = await askAsItIs(server, path, ['Authorization', authorization])
      expect(answer.text).not.toContain(secret)
      expect([200, 400, 403, 404, 414]).toContain(answer.status)
      if (answer.status === 200) expect(answer.text).toContain('"language":"x"')
    }),
    {
      seed,
      numRuns: 500,
      examples: [[['mine']], [['other']], [['%6fther']], [['mine', '..', 'other']], [['mine%2f..%2fother']]],
    },
  )
})

describe('who writes', () => {
  test.each([
    ['the subject', { sub: 'ada', client_id: 'app' }, 'ada'],
    ['the client, of a token of its own', { sub: undefined, client_id: 'loader', azp: 'x' }, 'loader'],
    ['the authorized party', { sub: undefined, azp: 'portal' }, 'portal'],
  ])('is %s, in every event', async (_, claims, actor) => {
    const { ask, store, authority } = await guarded()
    const headers = await authority.bearer('system/*.cruds', { claims })
    await ask('PUT', 'Patient/a', { headers, body: patient({ id: 'a' }) })
    await ask('PATCH', 'Patient/a', {
      headers: { ...headers, 'content-type': 'application/json-patch+json' },
      body: [{ op: 'add', path: '/active', value: true }],
    })
    await ask('DELETE', 'Patient/a', { headers })
    const entry = { resource: patient(), request: { method: 'POST', url: 'Patient' } }
    await ask('POST', '', { headers, body: bundleOf(entry, entry) })
    await ask('POST', '', { headers, body: { ...bundleOf(entry), type: 'transaction' } })
    const { entries } = await (await store.tenant('default')).history()
    expect(entries.map((event) => event.actor)).toEqual(Array(6).fill(actor))
  })

  test('is nobody where nobody is asked', async () => {
    const { ask, store } = await running()
    const headers = { authorization: 'Bearer anything at all' }
    expect((await ask('PUT', 'Patient/a', { headers, body: patient({ id: 'a' }) })).status).toBe(201)
    const { entries } = await (await store.tenant('default')).history()
    expect(entries.map((event) => event.actor)).toEqual([undefined])
  })
})
