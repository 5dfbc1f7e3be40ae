/** What a caller may: asked for every interaction and for every condition, before anything is looked up or written. */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BundleOptions,
  type InteractionRequest,
  isAnnalsError,
  outcomeOf,
  type Permission,
  statusOf,
  type Tenant,
} from '../../src/index.js'
import { add, parameters, replace } from '../fhir/patches.js'
import { makeWorld } from './world.js'

const seed = Number(process.env.ANNALS_MODEL_SEED ?? randomInt(2 ** 31))

const known = 'identifier=s|known'
const twice = 'identifier=s|twice'
const identifiedBy = (value: string) => [{ system: 's', value }]

/** Patients `a` and `b` that one condition selects, and `k` that is known by another. */
async function enter(): Promise<Tenant> {
  const tenant = await (await makeWorld().open()).store.tenant('t')
  for (const [id, value] of [
    ['a', 'twice'],
    ['b', 'twice'],
    ['k', 'known'],
  ] as const)
    await tenant.update('Patient', id, { resourceType: 'Patient', id, active: true, identifier: identifiedBy(value) })
  await tenant.update('Observation', 'o', { resourceType: 'Observation', id: 'o', status: 'final' })
  return tenant
}

/** Such as `Patient.c`, separated by spaces. */
const allowing =
  (text: string) =>
  (permission: Permission, type: string): boolean =>
    text.split(' ').some((each) => each.split('.')[0] === type && each.split('.')[1]?.includes(permission) === true)

const refusalOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'done'
  } catch (error) {
    if (!isAnnalsError(error)) throw error
    return error._tag === 'Forbidden' ? `${error.data.what}: ${error.data.type}.${error.data.permission}` : error._tag
  }
}

const patient = { resourceType: 'Patient' }
const refers = (reference: string, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  subject: { reference },
  ...more,
})
const transaction = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'transaction', entry })
const batch = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'batch', entry })
const creating = (resource: object) => ({ resource, request: { method: 'POST', url: 'Observation' } })
const referring = creating(refers(`Patient?${twice}`))

/** An interaction, or a Bundle as text. */
const asks = (tenant: Tenant, request: InteractionRequest | string, options: BundleOptions): Promise<unknown> =>
  typeof request === 'string' ? tenant.bundle(request, options) : tenant.interact(request, options)

describe('an interaction needs', () => {
  test.each([
    ['create', 'Patient.c', { method: 'POST', url: 'Patient', body: patient }],
    ['read', 'Patient.r', { method: 'GET', url: 'Patient/k' }],
    ['read, of a version', 'Patient.r', { method: 'GET', url: 'Patient/k/_history/1' }],
    ['update', 'Patient.u', { method: 'PUT', url: 'Patient/k', body: { ...patient, id: 'k' } }],
    ['update, where it creates', 'Patient.u', { method: 'PUT', url: 'Patient/new', body: { ...patient, id: 'new' } }],
    ['update, of a patch', 'Patient.u', { method: 'PATCH', url: 'Patient/k', body: '[]' }],
    ['delete', 'Patient.d', { method: 'DELETE', url: 'Patient/k' }],
    ['search', 'Patient.s', { method: 'GET', url: `Patient?${known}` }],
    ['create and search', 'Patient.cs', { method: 'POST', url: 'Patient', body: patient, ifNoneExist: known }],
    ['update and search', 'Patient.us', { method: 'PUT', url: `Patient?${known}`, body: patient }],
    ['update and search, of a patch', 'Patient.us', { method: 'PATCH', url: `Patient?${known}`, body: '[]' }],
    ['delete and search', 'Patient.ds', { method: 'DELETE', url: `Patient?${known}` }],
    [
      'search of the type that a conditional reference names',
      'Observation.c Patient.s',
      JSON.stringify(transaction(creating(refers(`Patient?${known}`)))),
    ],
  ] as const)('permission to %s', async (_, needed, request) => {
    const tenant = await enter()
    const { seq } = await tenant.head()
    const each = needed.split(' ').flatMap((grant) => {
      const [type, letters = ''] = grant.split('.')
      return [...letters].map((letter) => `${type}.${letter}`)
    })
    for (const missing of each) {
      const others = 'Patient.cruds Observation.cruds'.replace(
        new RegExp(`${missing.split('.')[0]}.cruds`),
        `${missing.split('.')[0]}.${'cruds'.replace(missing.split('.')[1] ?? '', '')}`,
      )
      const refused = await refusalOf(asks(tenant, request, { permit: allowing(others) }))
      expect(refused).toMatch(new RegExp(`^Bundle\\.entry\\[0\\].*: ${missing}$`))
    }
    expect((await tenant.head()).seq).toBe(seq)
    expect(await refusalOf(asks(tenant, request, { permit: allowing(needed) }))).toBe('done')
  })
})

describe('before anything is looked up', () => {
  test.each([
    ['If-None-Exist', 'Patient.c', { method: 'POST', url: 'Patient', body: patient, ifNoneExist: twice }],
    ['a conditional update', 'Patient.u', { method: 'PUT', url: `Patient?${twice}`, body: patient }],
    ['a conditional patch', 'Patient.u', { method: 'PATCH', url: `Patient?${twice}`, body: '[]' }],
    ['a conditional delete', 'Patient.d', { method: 'DELETE', url: `Patient?${twice}` }],
    ['a conditional reference', 'Observation.cu', JSON.stringify(transaction(referring))],
    [
      'a conditional reference whose question mark is escaped',
      'Observation.cu',
      JSON.stringify(transaction(referring)).replace('?', '\\u003f'),
    ],
    [
      'a conditional reference that a patch brings in',
      'Observation.u',
      JSON.stringify(
        transaction({
          resource: parameters(add('Observation', 'subject', { valueReference: { reference: `Patient?${twice}` } })),
          request: { method: 'PATCH', url: 'Observation/o' },
        }),
      ),
    ],
  ] as const)('%s is refused', async (_, permitted, request) => {
    const tenant = await enter()
    expect(await refusalOf(asks(tenant, request, { permit: allowing(permitted) }))).toMatch(/: Patient\.s$/)
    expect(await refusalOf(asks(tenant, request, { permit: allowing(`${permitted} Patient.s`) }))).toBe(
      'MultipleMatches',
    )
  })

  test('what a request key stands for is refused', async () => {
    const tenant = await enter()
    const request = { method: 'POST', url: 'Patient', body: patient, ifNoneExist: known } as const
    const first = await tenant.interact(request, { request: 'k', permit: allowing('Patient.cs') })
    expect(first).toMatchObject({ status: 200, id: 'k' })
    expect(await refusalOf(asks(tenant, request, { request: 'k', permit: allowing('Patient.c') }))).toMatch(/\.s$/)
    const bundle = transaction({ ...referring, resource: refers(`Patient?${known}`) })
    await tenant.bundle(bundle, { request: 'l' })
    const again = tenant.bundle(bundle, { request: 'l', return: 'representation', permit: allowing('Observation.c') })
    expect(await refusalOf(again)).toMatch(/: Patient\.s$/)
  })
})

test('a transaction is refused as a whole, and names the entry', async () => {
  const tenant = await enter()
  const { seq } = await tenant.head()
  const bundle = transaction(
    { resource: { ...patient, id: 'new' }, request: { method: 'PUT', url: 'Patient/new' } },
    { request: { method: 'DELETE', url: 'Observation/o' } },
  )
  const refused = await tenant.fp.bundle(bundle, { permit: allowing('Patient.cruds Observation.crus') })()
  expect(refused).toMatchObject({ _tag: 'Left', left: { _tag: 'Forbidden' } })
  if (refused._tag === 'Left') {
    expect(statusOf(refused.left)).toBe(403)
    expect(outcomeOf(refused.left).issue).toEqual([
      {
        severity: 'error',
        code: 'forbidden',
        diagnostics: 'Bundle.entry[1].request: no permission to delete Observation',
        expression: ['Bundle.entry[1].request'],
      },
    ])
  }
  expect((await tenant.head()).seq).toBe(seq)
})

test('a batch is refused entry by entry', async () => {
  const tenant = await enter()
  const { entries } = await tenant.bundle(
    batch(
      { request: { method: 'GET', url: 'Patient/k' } },
      { request: { method: 'DELETE', url: 'Patient/k' } },
      { resource: patient, request: { method: 'POST', url: 'Patient' } },
      { request: { method: 'GET', url: `Patient?${known}` } },
    ),
    { permit: allowing('Patient.cr') },
  )
  expect(entries.map(({ status }) => status)).toEqual([200, 403, 201, 403])
  expect(entries[1]?.outcome?.issue[0]).toMatchObject({ code: 'forbidden', expression: ['Bundle.entry[1].request'] })
  expect((await tenant.read('Patient', 'k'))?.deleted).toBe(false)
})

test('what a patch has made is shown to those who may read it', async () => {
  const body = parameters(replace('Patient.active', { valueBoolean: false }))
  for (const [permitted, isShown] of [
    ['Patient.u', false],
    ['Patient.ru', true],
  ] as const) {
    const tenant = await enter()
    const request = { method: 'PATCH', url: 'Patient/k', body } as const
    const answer = await tenant.interact(request, { return: 'representation', permit: allowing(permitted) })
    expect([answer.status, answer.version, answer.resource !== undefined]).toEqual([200, 2, isShown])
    const own = { method: 'PUT', url: 'Patient/own', body: { ...patient, id: 'own' } } as const
    const written = await tenant.interact(own, { return: 'representation', permit: allowing(permitted) })
    expect(written.resource).toBeDefined()
  }
})

test(`a Bundle is done exactly where each of its entries is permitted, with seed ${seed}`, async () => {
  const types = ['Patient', 'Observation'] as const
  const arbitraryEntry = fc.record({
    type: fc.constantFrom(...types),
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
    isConditional: fc.boolean(),
    refersTo: fc.option(fc.constantFrom(...types), { nil: undefined }),
  })
  const arbitraryGrants = fc.uniqueArray(
    fc.tuple(fc.constantFrom(...types), fc.constantFrom('c', 'r', 'u', 'd', 's')).map((pair) => pair.join('.')),
  )
  const letters = { GET: 'r', POST: 'c', PUT: 'u', DELETE: 'd' } as const
  const seen = { done: 0, Forbidden: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryEntry, { maxLength: 4 }), arbitraryGrants, async (made, grants) => {
      const tenant = await (await makeWorld().open()).store.tenant('t')
      for (const type of types)
        await tenant.update(type, 'there', { resourceType: type, id: 'there', identifier: identifiedBy('there') })
      const { seq } = await tenant.head()
      const needed = new Set<string>()
      const entry = made.map(({ type, method, isConditional, refersTo }, n) => {
        const letter = method === 'GET' && isConditional ? 's' : letters[method]
        needed.add(`${type}.${letter}`)
        if (isConditional) needed.add(`${type}.s`)
        const hasBody = method === 'POST' || method === 'PUT'
        if (hasBody && refersTo !== undefined) needed.add(`${refersTo}.s`)
        const condition = `identifier=s|none${n}`
        const id = method === 'GET' ? 'there' : `new${n}`
        const isNamed = !isConditional && method !== 'POST'
        const url = isNamed ? `${type}/${id}` : isConditional && method !== 'POST' ? `${type}?${condition}` : type
        const subject = refersTo && { reference: `${refersTo}?identifier=s|there` }
        return {
          request: { method, url, ...(isConditional && method === 'POST' ? { ifNoneExist: condition } : undefined) },
          ...(hasBody ? { resource: { resourceType: type, subject, ...(isNamed ? { id } : undefined) } } : undefined),
        }
      })
      const isPermitted = [...needed].every((each) => grants.includes(each))
      const outcome = await refusalOf(tenant.bundle(transaction(...entry), { permit: allowing(grants.join(' ')) }))
      expect(outcome === 'done').toBe(isPermitted)
      if (!isPermitted) expect((await tenant.head()).seq).toBe(seq)
      seen[isPermitted ? 'done' : 'Forbidden']++
    }),
    { seed, numRuns: 300 },
  )
  expect(Math.min(seen.done, seen.Forbidden)).toBeGreaterThan(20)
})
