/** What requests ask of the storage: what the same calls of the library do, and no more. */
import { describe, expect, test } from 'vitest'
import type { Tenant } from '../../src/store.js'
import { makeWorld, type Site } from '../protocol/world.js'
import { running } from './server.js'

const patient = (id: string, more = {}): string => JSON.stringify({ resourceType: 'Patient', id, ...more })

/** A tenant whose writer has written before and does not look for a baton, behind a server. */
async function warm() {
  const world = makeWorld()
  const site = await world.open()
  const tenant = await site.store.tenant('t', { kind: 'fhir' })
  for (const id of ['warm', 'known']) await tenant.update('Patient', id, patient(id))
  const server = await running({ tenant: 't' }, site.store)
  // The workers on exports and submissions have looked once, and sleep.
  world.clock.byHand()
  while (world.clock.sleepers < 2) await new Promise((resolve) => setImmediate(resolve))
  spent(site)
  return { site, tenant, server }
}

type Place = Awaited<ReturnType<typeof warm>>

/** The calls since the last look, as `port.method` with how often. */
function spent({ blobs, pointers }: Site): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [port, script] of Object.entries({ blobs, pointers })) {
    for (const { method } of script.calls) counts[`${port}.${method}`] = (counts[`${port}.${method}`] ?? 0) + 1
    script.reset()
  }
  return counts
}

interface Asked {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

async function ask({ server, site }: Place, { method, path, headers = {}, body }: Asked) {
  const answer = await server.ask(method, path, { headers, body })
  expect(answer.status).toBeLessThan(300)
  return { ...answer, cost: spent(site) }
}

const jsonPatch = JSON.stringify([{ op: 'add', path: '/active', value: true }])
const patched = { headers: { 'content-type': 'application/json-patch+json' }, body: jsonPatch }

type Row = readonly [what: string, asked: Asked, library: (tenant: Tenant) => Promise<unknown>]

const rows: ReadonlyArray<Row> = [
  [
    'a create',
    { method: 'POST', path: 'Patient', body: patient('x') },
    (tenant) => tenant.create('Patient', patient('x')),
  ],
  [
    'an update of what is not there yet',
    { method: 'PUT', path: 'Patient/new', body: patient('new') },
    (tenant) => tenant.update('Patient', 'new', patient('new')),
  ],
  [
    'an update of an expected version',
    { method: 'PUT', path: 'Patient/warm', headers: { 'if-match': 'W/"1"' }, body: patient('warm') },
    (tenant) => tenant.update('Patient', 'warm', patient('warm'), { expect: 1 }),
  ],
  [
    'a patch',
    { method: 'PATCH', path: 'Patient/warm', ...patched },
    (tenant) => tenant.patch('Patient', 'warm', jsonPatch),
  ],
  ['a deletion', { method: 'DELETE', path: 'Patient/warm' }, (tenant) => tenant.delete('Patient', 'warm')],
  ['a read', { method: 'GET', path: 'Patient/warm' }, (tenant) => tenant.read('Patient', 'warm')],
  [
    'a read of a version',
    { method: 'GET', path: 'Patient/warm/_history/1' },
    (tenant) => tenant.read('Patient', 'warm', { version: 1 }),
  ],
  [
    'a history',
    { method: 'GET', path: 'Patient/warm/_history' },
    (tenant) => tenant.history({ type: 'Patient', id: 'warm' }),
  ],
]

describe('over HTTP', () => {
  test.each(rows)('%s asks for what it asks for in the library', async (_, asked, library) => {
    const { tenant, site } = await warm()
    await library(tenant)
    expect((await ask(await warm(), asked)).cost).toEqual(spent(site))
  })

  test('a create is one object, one batch of pointers and one advance of the head', async () => {
    const { cost } = await ask(await warm(), { method: 'POST', path: 'Patient', body: patient('x') })
    expect(cost).toEqual({ 'blobs.createIfAbsent': 1, 'pointers.putAll': 1, 'pointers.advance': 1 })
  })

  test('the representation of what was written is what is stored, though it is not read', async () => {
    const place = await warm()
    const writes: Asked[] = [
      { method: 'POST', path: 'Patient', body: ' { "resourceType" : "Patient",\n "multipleBirthInteger":1.0e0 }' },
      { method: 'PUT', path: 'Patient/warm', body: patient('warm', { meta: { versionId: '7', tag: [] } }) },
      { method: 'PATCH', path: 'Patient/known', ...patched },
    ]
    for (const asked of writes) {
      const { headers, text, body } = await ask(place, asked)
      const { id, meta } = body
      expect(text).toBe((await place.tenant.read('Patient', id))?.text())
      expect(headers.get('etag')).toBe(`W/"${meta.versionId}"`)
    }
  })

  test('a read of what is in memory asks for no object', async () => {
    const place = await warm()
    await ask(place, { method: 'GET', path: 'Patient/warm' })
    const { cost } = await ask(place, { method: 'GET', path: 'Patient/warm' })
    expect(cost).toEqual({ 'pointers.query': 1, 'pointers.get': 1 })
  })

  test('a transaction of a hundred entries is one object', async () => {
    const entry = Array.from({ length: 100 }, (_, n) => ({
      fullUrl: `urn:uuid:${n}`,
      resource: { resourceType: 'Patient', link: [{ other: { reference: `urn:uuid:${(n + 1) % 100}` } }] },
      request: { method: 'POST', url: 'Patient' },
    }))
    const body = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })
    const { cost } = await ask(await warm(), {
      method: 'POST',
      path: '',
      body,
      headers: { prefer: 'return=representation' },
    })
    expect(cost).toEqual({ 'blobs.createIfAbsent': 1, 'pointers.putAll': 1, 'pointers.advance': 1 })
  })
})
