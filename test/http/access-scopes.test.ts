/** Scopes: what each of them grants, for interactions by themselves and for entries of Bundles. */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { expectRefused, type Guarded, guarded } from './guarded.js'

const seed = Number(process.env.ANNALS_MODEL_SEED ?? randomInt(2 ** 31))

const identifiedBy = (value: string) => [{ system: 's', value }]
const patient = (more: object = {}) => ({ resourceType: 'Patient', ...more })
const bundle = (type: string, ...entry: object[]) => ({ resourceType: 'Bundle', type, entry })
const post = (resource: object, more: object = {}) => ({
  resource,
  request: { method: 'POST', url: 'Patient', ...more },
})

async function withPatient(): Promise<Guarded & { seq(): Promise<number> }> {
  const server = await guarded()
  const tenant = await server.store.tenant('default')
  await tenant.update('Patient', 'p', patient({ id: 'p', active: true, identifier: identifiedBy('p') }))
  return { ...server, seq: async () => (await tenant.head()).seq }
}

describe('a scope grants nothing', () => {
  test.each([
    ['of a compartment', 'patient/Patient.cruds patient/*.read patient/*.*'],
    ['that a query narrows', 'system/Patient.rs?active=true user/*.cruds?_id=p'],
    ['whose letters are in another order', 'system/Patient.sr system/Patient.dus'],
    ['whose letters are none', 'system/Patient. system/Patient.x system/Patient.rr system/Patient.READ'],
    ['of another case', 'System/Patient.r system/patient.r'],
    ['that is incomplete', 'system/ Patient.r system.Patient.r system/Patient /Patient.r'],
    ['with more in it', 'system/Patient.r, system/Patient.r\nx "system/Patient.r" xsystem/Patient.r'],
    ['of another kind', 'openid fhirUser launch launch/patient offline_access'],
    ['that is not there', ''],
  ])('%s', async (_, scope) => {
    const { ask, authority } = await withPatient()
    const headers = await authority.bearer(scope)
    for (const [method, path, body] of [
      ['GET', 'Patient/p'],
      ['GET', 'Patient'],
      ['GET', '_history'],
      ['POST', '', bundle('batch')],
    ] as const)
      expectRefused(await ask(method, path, { headers, body }), 403, 'forbidden', 'insufficient_scope')
  })

  test('where the claim is neither a text nor a list', async () => {
    const { ask, authority } = await withPatient()
    for (const scope of [7, true, null, { 'system/*.cruds': true }, [['system/*.cruds']]]) {
      const headers = await authority.bearer('', { claims: { scope } })
      expectRefused(await ask('GET', 'Patient/p', { headers }), 403, 'forbidden', 'insufficient_scope')
    }
  })
})

test('scopes come as a text or as a list, under either name', async () => {
  const { ask, authority } = await withPatient()
  for (const claims of [
    { scope: 'openid system/Patient.r' },
    { scope: ['openid', 'system/Patient.r'] },
    { scope: undefined, scp: ['system/Patient.r'] },
    { scope: undefined, scp: 'system/Patient.r' },
  ]) {
    const headers = { authorization: `Bearer ${await authority.token({ claims })}` }
    expect((await ask('GET', 'Patient/p', { headers })).status).toBe(200)
    expectRefused(await ask('GET', 'Patient', { headers }), 403, 'forbidden', 'insufficient_scope')
  }
})

describe('what is refused', () => {
  test('says what is missing, and where', async () => {
    const { ask, authority } = await withPatient()
    const headers = { ...(await authority.bearer('system/Patient.cr')), 'if-none-exist': 'identifier=s|p' }
    const condition = await ask('POST', 'Patient', { headers, body: patient() })
    expectRefused(condition, 403, 'forbidden', 'insufficient_scope')
    expect(condition.body.issue[0].diagnostics).toBe('If-None-Exist: no permission to search Patient')
    const search = await ask('GET', 'Patient', { headers })
    expect(search.body.issue[0].diagnostics).toBe('no permission to search Patient')
    const system = await ask('GET', '_history', { headers })
    expect(system.body.issue[0].diagnostics).toBe('no permission to search resources of all types')
  })

  test('of a transaction is the whole, and nothing is written', async () => {
    const { ask, authority, seq } = await withPatient()
    const headers = await authority.bearer('system/Patient.c')
    const before = await seq()
    const body = bundle('transaction', post(patient()), { request: { method: 'GET', url: 'Patient/p' } })
    const answer = await ask('POST', '', { headers, body })
    expectRefused(answer, 403, 'forbidden', 'insufficient_scope')
    expect(answer.body.issue[0].expression).toEqual(['Bundle.entry[1].request'])
    expect(await seq()).toBe(before)
  })

  test('of a batch is the entry, and the others go on', async () => {
    const { ask, authority } = await withPatient()
    const headers = await authority.bearer('system/Patient.c')
    const answer = await ask('POST', '', {
      headers,
      body: bundle(
        'batch',
        post(patient()),
        { request: { method: 'GET', url: 'Patient/p' } },
        post(patient(), { ifNoneExist: 'identifier=s|p' }),
      ),
    })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('www-authenticate')).toBeNull()
    const entries = answer.body.entry as { response: { status: string; outcome?: object } }[]
    expect(entries.map(({ response }) => response.status.slice(0, 3))).toEqual(['201', '403', '403'])
    expect(entries[1]?.response.status).toBe('403 Forbidden')
    expect(entries[1]?.response.outcome).toMatchObject({ issue: [{ code: 'forbidden' }] })
  })

  test('is not told from what is not there, where a condition would tell', async () => {
    const { ask, authority } = await withPatient()
    const headers = await authority.bearer('system/Observation.cruds')
    const refers = (value: string) => ({
      resource: { resourceType: 'Observation', subject: { reference: `Patient?identifier=s|${value}` } },
      request: { method: 'POST', url: 'Observation' },
    })
    const [there, missing] = await Promise.all(
      ['p', 'none'].map((value) => ask('POST', '', { headers, body: bundle('transaction', refers(value)) })),
    )
    expect(there?.status).toBe(403)
    expect([missing?.status, missing?.text]).toEqual([there?.status, there?.text])
  })
})

test('a patch is answered by the resource to those only who may read it', async () => {
  const { ask, authority } = await withPatient()
  const body = [{ op: 'add', path: '/gender', value: 'other' }]
  for (const prefer of [undefined, 'return=representation']) {
    const asked = { 'content-type': 'application/json-patch+json', ...(prefer && { prefer }) }
    const blind = await ask('PATCH', 'Patient/p', {
      headers: { ...(await authority.bearer('user/*.u')), ...asked },
      body,
    })
    expect([blind.status, blind.text, blind.headers.get('preference-applied')]).toEqual([200, '', null])
    const seen = await ask('PATCH', 'Patient/p', {
      headers: { ...(await authority.bearer('user/*.ru')), ...asked },
      body,
    })
    expect([seen.status, seen.body.active]).toEqual([200, true])
  }
})

// The model: every spelling of every scope that grants something, written out.

const letters = ['c', 'r', 'u', 'd', 's'] as const
type Letter = (typeof letters)[number]
const types = ['Patient', 'Observation'] as const
interface Needed {
  readonly letter: Letter
  readonly type: string
}

const spellings = Array.from({ length: 31 }, (_, n) => letters.filter((_, bit) => ((n + 1) >> bit) & 1).join(''))
const firstVersion = { read: 'rs', write: 'cud', '*': 'cruds' }

function grantedByModel(scopes: ReadonlyArray<string>, { letter, type }: Needed): boolean {
  const endings = [
    ...spellings.filter((spelling) => spelling.includes(letter)),
    ...Object.entries(firstVersion).flatMap(([word, means]) => (means.includes(letter) ? [word] : [])),
  ]
  return ['system', 'user'].some((who) =>
    [type, '*'].some((of) => endings.some((ending) => scopes.includes(`${who}/${of}.${ending}`))),
  )
}

const anything = (scopes: ReadonlyArray<string>): boolean =>
  [...types, '*', 'Encounter'].some((type) => letters.some((letter) => grantedByModel(scopes, { letter, type })))

const arbitraryScope = fc
  .oneof(
    { weight: 8, arbitrary: fc.tuple(fc.constantFrom('system', 'user'), fc.constantFrom(...types, '*')) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom('patient', 'launch'), fc.constantFrom(...types, '*')) },
  )
  .chain(([who, type]) =>
    fc
      .oneof(
        { weight: 6, arbitrary: fc.constantFrom(...spellings) },
        { weight: 3, arbitrary: fc.constantFrom('read', 'write', '*') },
        { weight: 2, arbitrary: fc.constantFrom('', 'sr', 'dus', 'rs?active=true', 'cruds?', 'Read', 'r.s') },
      )
      .map((ending) => `${who}/${type}.${ending}`),
  )

interface Interaction {
  readonly method: string
  readonly url: string
  readonly needs: ReadonlyArray<Needed>
  readonly body?: object
  readonly condition?: string
  /** Only by itself: a Bundle has none of it. */
  readonly isAlone?: boolean
}

/** One that succeeds for whoever may do it. `n`: what it is about is no other's. */
function interactionsOf(type: string, n: number): ReadonlyArray<Interaction> {
  const need = (...wanted: Letter[]) => wanted.map((letter) => ({ letter, type }))
  const resource = (more: object = {}) => ({ resourceType: type, ...more })
  const none = `identifier=s|none${n}`
  const there = `there${n}`
  const refersTo = { subject: { reference: `Patient?identifier=s|${there}` } }
  return [
    { method: 'GET', url: `${type}/${there}`, needs: need('r') },
    { method: 'GET', url: `${type}/${there}/_history/1`, needs: need('r') },
    { method: 'GET', url: `${type}?identifier=s|${there}`, needs: need('s') },
    { method: 'POST', url: type, body: resource(), needs: need('c') },
    { method: 'POST', url: type, body: resource(), condition: `identifier=s|${there}`, needs: need('c', 's') },
    { method: 'PUT', url: `${type}/put${n}`, body: resource({ id: `put${n}` }), needs: need('u') },
    { method: 'PUT', url: `${type}?${none}`, body: resource(), needs: need('u', 's') },
    { method: 'DELETE', url: `${type}/gone${n}`, needs: need('d') },
    { method: 'DELETE', url: `${type}?${none}`, needs: need('d', 's') },
    {
      method: 'POST',
      url: 'Observation',
      body: { resourceType: 'Observation', ...refersTo },
      needs: [
        { letter: 'c', type: 'Observation' },
        { letter: 's', type: 'Patient' },
      ],
    },
    { method: 'GET', url: type, needs: need('s'), isAlone: true },
    { method: 'GET', url: `${type}/${there}/_history`, needs: need('r'), isAlone: true },
    { method: 'GET', url: `${type}/_history`, needs: need('s'), isAlone: true },
    { method: 'GET', url: '_history', needs: [{ letter: 's', type: '*' }], isAlone: true },
  ]
}

test(`scopes agree with a model of SMART, with seed ${seed}`, async () => {
  const { ask, store, authority } = await guarded()
  const tenant = await store.tenant('default')
  const places = [0, 1, 2]
  for (const type of types)
    for (const n of places)
      await tenant.update(type, `there${n}`, {
        resourceType: type,
        id: `there${n}`,
        identifier: identifiedBy(`there${n}`),
      })
  const kinds = interactionsOf('Patient', 0).length
  const arbitraryChoice = fc.tuple(fc.constantFrom(...types), fc.nat(kinds - 1))
  const choose = ([type, place]: readonly [string, number], n: number) => interactionsOf(type, n)[place] as Interaction
  const seen = new Map<string, number>()

  async function expectByItself(headers: object, scopes: string[], interaction: Interaction): Promise<void> {
    const { method, url, body, condition, needs } = interaction
    const answer = await ask(method, encodeURI(url), {
      headers: { ...headers, ...(condition === undefined ? undefined : { 'if-none-exist': condition }) },
      ...(body === undefined ? undefined : { body }),
    })
    const isGranted = needs.every((need) => grantedByModel(scopes, need))
    const what = `${method} ${url} by ${scopes.join(' ')}: ${answer.text.slice(0, 200)}`
    if (isGranted) expect(Math.floor(answer.status / 100), what).toBe(2)
    else expect(answer.status, what).toBe(403)
    seen.set(`alone ${isGranted}`, (seen.get(`alone ${isGranted}`) ?? 0) + 1)
  }

  async function expectTogether(headers: object, scopes: string[], type: string, all: Interaction[]): Promise<void> {
    const entry = all.map(({ method, url, body, condition }) => ({
      request: { method, url, ...(condition === undefined ? undefined : { ifNoneExist: condition }) },
      ...(body === undefined ? undefined : { resource: body }),
    }))
    const { seq } = await tenant.head()
    const answer = await ask('POST', '', { headers: { ...headers }, body: bundle(type, ...entry) })
    const granted = all.map(({ needs }) => needs.every((need) => grantedByModel(scopes, need)))
    const what = `${type} of ${JSON.stringify(entry)} by ${scopes.join(' ')}: ${answer.text.slice(0, 300)}`
    const isDone = type === 'batch' ? anything(scopes) : anything(scopes) && granted.every((each) => each)
    expect(answer.status, what).toBe(isDone ? 200 : 403)
    if (!isDone) expect((await tenant.head()).seq, what).toBe(seq)
    const statuses = ((answer.body.entry ?? []) as { response: { status: string } }[]).map(({ response }) =>
      Number(response.status.slice(0, 3)),
    )
    if (isDone)
      expect(
        statuses.map((status) => status < 300),
        what,
      ).toEqual(granted)
    for (const status of statuses) if (status >= 300) expect(status, what).toBe(403)
    seen.set(`${type} ${isDone}`, (seen.get(`${type} ${isDone}`) ?? 0) + 1)
  }

  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryScope, { maxLength: 4 }),
      fc.constantFrom('alone', 'batch', 'transaction'),
      fc.array(arbitraryChoice, { minLength: 1, maxLength: places.length }),
      async (scopes, how, choices) => {
        const headers = await authority.bearer(scopes.join(' '))
        // Only a transaction takes conditional references.
        const interactions = choices
          .map(choose)
          .filter(({ body }) => how === 'transaction' || !('subject' in (body ?? {})))
        const [first] = interactions
        if (how === 'alone') return first && expectByItself(headers, scopes, first)
        const entries = interactions.filter(({ isAlone }) => isAlone !== true)
        await expectTogether(headers, scopes, how, entries)
      },
    ),
    { seed, numRuns: 1_500, interruptAfterTimeLimit: 60_000 },
  )
  for (const way of ['alone', 'batch', 'transaction'])
    for (const end of [true, false]) expect(seen.get(`${way} ${end}`), `${way} ${end}`).toBeGreaterThan(10)
}, 120_000)
