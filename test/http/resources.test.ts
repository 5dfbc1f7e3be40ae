/** What is true of requests for one resource beyond their rows in `conformance/`: those that race, that go back, and that leave their names. */
import { expect, test } from 'vitest'
import { type Answer, codesOf, type Running, running } from './server.js'

const patient = (more: object = {}) => ({ resourceType: 'Patient', ...more })

const refused = (answer: Answer, status: number, code: string): void => {
  expect([answer.status, answer.body?.resourceType], answer.text).toEqual([status, 'OperationOutcome'])
  expect(codesOf(answer)).toEqual([code])
  for (const { expression, location } of answer.body.issue) expect(expression ?? location, answer.text).toHaveLength(1)
  expect(answer.headers.get('content-type')).toContain('application/fhir+json')
  expect(answer.text).not.toMatch(/Bundle\.entry|node_modules|\.ts:/)
}

async function withPatient(): Promise<Running> {
  const server = await running()
  expect((await server.ask('PUT', 'Patient/p1', { body: patient({ id: 'p1', active: true }) })).status).toBe(201)
  return server
}

test('of creates under a condition that race, one makes the resource, and the others find it', async () => {
  const { ask } = await running()
  const body = patient({ identifier: [{ system: 'urn:mrn', value: '1' }] })
  const headers = { 'if-none-exist': 'identifier=urn:mrn|1' }
  const all = await Promise.all(Array.from({ length: 16 }, () => ask('POST', 'Patient', { body, headers })))
  expect(all.map(({ status }) => status).sort()).toEqual([...Array(15).fill(200), 201])
  expect(new Set(all.map(({ headers }) => headers.get('location'))).size).toBe(1)
})

test('a read as of an instant is of what was current then', async () => {
  const { ask } = await withPatient()
  const first = (await ask('GET', 'Patient/p1')).body.meta.lastUpdated
  await ask('PUT', 'Patient/p1', { body: patient({ id: 'p1', active: false }) })
  expect((await ask('GET', `Patient/p1?_at=${first}`)).body.active).toBe(true)
  refused(await ask('GET', 'Patient/p1?_at=2001-01-01'), 404, 'not-found')
  refused(await ask('GET', 'Patient/p1?_at=yesterday'), 400, 'value')
})

test('a request leaves its id, its trace and its key with what it writes', async () => {
  const { ask, store } = await running()
  const headers = {
    'x-request-id': 'req-1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'idempotency-key': 'once',
  }
  const first = await ask('POST', 'Patient', { body: patient(), headers })
  expect(first.headers.get('x-request-id')).toBe('req-1')
  expect((await ask('POST', 'Patient', { body: patient(), headers })).body.id).toBe(first.body.id)
  const commits = []
  for await (const { transactions } of (await store.tenant('default')).commits()) commits.push(...transactions)
  expect(commits).toMatchObject([
    { causation: 'req-1', correlation: '0af7651916cd43dd8448eb211c80319c', request: 'once' },
  ])
  refused(await ask('POST', 'Patient', { body: patient({ active: true }), headers }), 409, 'conflict')
})

test('what is written is traced to its request by the id that the log and the answer have, and to a trace that is one', async () => {
  const { ask, store } = await running()
  const none = { 'x-request-id': 'two words', traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` }
  const answer = await ask('POST', 'Patient', { body: patient(), headers: none })
  for await (const { transactions } of (await store.tenant('default')).commits()) {
    expect(transactions[0]?.causation).toBe(answer.headers.get('x-request-id'))
    expect(transactions[0]?.correlation).toBeUndefined()
  }
})

test('tenants stand beside each other, where the server is told so', async () => {
  const { ask, store, root } = await running({ tenancy: { from: 'path' } })
  await store.tenant('other')
  const put = await ask('PUT', '/tenants/other/fhir/Patient/p1', { body: patient({ id: 'p1' }) })
  expect(put.headers.get('location')).toBe(`${root}/tenants/other/fhir/Patient/p1/_history/1`)
  refused(await ask('GET', 'Patient/p1'), 404, 'not-found')
  refused(await ask('GET', '/tenants/nobody/fhir/Patient/p1'), 404, 'not-found')
  for (const trick of ['..%2fother', '%2e%2e', 'other%00', 'OTHER'])
    expect((await ask('GET', `/tenants/${trick}/fhir/Patient/p1`)).status).toBeGreaterThanOrEqual(400)
  const single = await running()
  refused(await single.ask('GET', '/tenants/other/fhir/Patient/p1'), 404, 'not-found')
})
