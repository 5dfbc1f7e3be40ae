/** Hostile and broken requests: an answer of 4xx with an outcome, never a 500, nothing written, and the server goes on. */
import { describe, expect, test } from 'vitest'
import { type Running, running } from './server.js'
import { send } from './wire.js'

async function expectAlive({ ask, store }: Running, commits: number): Promise<void> {
  expect((await ask('GET', 'metadata')).status).toBe(200)
  expect((await (await store.tenant('default')).head()).seq).toBe(commits)
}

describe('is refused', () => {
  test.each([
    ['deep nesting', `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`],
    ['deep lists', `{"resourceType":"Patient","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['half of a surrogate pair', '{"resourceType":"Patient","a":"\\ud800"}'],
    ['a byte order mark', '\ufeff{"resourceType":"Patient"}'],
    ['a name twice', '{"resourceType":"Patient","id":"a","id":"b"}'],
    ['a cut body', '{"resourceType":"Patient","a":"'],
    ['a list', '[1]'],
    ['nothing but spaces', '   '],
    ['null', 'null'],
    ['a prototype', '{"__proto__":{"resourceType":"Patient"}}'],
  ])('%s', async (_, body) => {
    const server = await running()
    for (const [method, path] of [
      ['POST', 'Patient'],
      ['PUT', 'Patient/a'],
      ['POST', ''],
      ['PATCH', 'Patient/a'],
    ] as const) {
      const answer = await server.ask(method, path, { body })
      expect([400, 413, 422], `${method} ${path}: ${answer.text.slice(0, 200)}`).toContain(answer.status)
      expect(answer.body.resourceType).toBe('OperationOutcome')
      expect(answer.text.length).toBeLessThan(2_000)
    }
    await expectAlive(server, 0)
  })

  test.each(['"?"', '["?"]', '[[]]', '7', 'null', '{}', '"\\\\"'])(
    'a patch that makes %s of a resource',
    async (value) => {
      const server = await running()
      await server.ask('PUT', 'Patient/a', { body: '{"resourceType":"Patient","id":"a"}' })
      const patch = `[{"op":"replace","path":"","value":${value}}]`
      const headers = { 'content-type': 'application/json-patch+json' }
      const answer = await server.ask('PATCH', 'Patient/a', { headers, body: patch })
      expect([400, 422], answer.text).toContain(answer.status)
      const resource = {
        resourceType: 'Binary',
        contentType: headers['content-type'],
        data: Buffer.from(patch).toString('base64'),
      }
      const entry = [
        { resource, request: { method: 'PATCH', url: 'Patient/a' } },
        { fullUrl: 'urn:uuid:1', resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } },
      ]
      for (const [type, status] of [
        ['transaction', answer.status],
        ['batch', 200],
      ] as const)
        expect((await server.ask('POST', '', { body: { resourceType: 'Bundle', type, entry } })).status).toBe(status)
      await expectAlive(server, 2)
    },
  )

  test.each(['transaction', 'batch'])('a %s of more entries than there may be', async (type) => {
    const entry = '{"request":{"method":"GET","url":"Patient/a"}}'
    const bundle = (entries: number): string =>
      `{"resourceType":"Bundle","type":"${type}","entry":[${Array(entries).fill(entry).join(',')}]}`
    const server = await running()
    const small = await running({ maxBundleEntries: 3 })
    for (const [{ ask }, entries] of [
      [server, 10_001],
      [server, 100_001],
      [small, 4],
    ] as const) {
      const { status, body } = await ask('POST', '', { body: bundle(entries) })
      expect([status, body.issue[0].code, body.issue[0].expression]).toEqual([422, 'too-costly', ['Bundle']])
    }
    expect((await small.ask('POST', '', { body: bundle(3) })).text).not.toContain('too-costly')
    await expectAlive(server, 0)
  })

  test('a path that tries to leave its place', async () => {
    const server = await running({ tenancy: { from: 'path' } })
    for (const path of [
      '/fhir/../../etc/passwd',
      '/fhir/Patient/..%2f..%2fannals.json',
      '/fhir/Patient/%2e%2e',
      '/fhir/Patient/a%00b',
      '/fhir/Patient/%ff',
      '/fhir//Patient//a',
      '/tenants/..%2f..%2f/fhir/metadata/x',
      '/tenants/%25sagas/fhir/Patient/a',
    ]) {
      const { answers } = await send(server.root, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      expect([400, 404], path).toContain(answers[0]?.status)
    }
    await expectAlive(server, 0)
  })
})
