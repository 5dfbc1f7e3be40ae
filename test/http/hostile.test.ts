/** Hostile and broken requests: an answer of 4xx with an outcome, never a 500, nothing written, and the server goes on. */
import { randomInt } from 'node:crypto'
import { connect } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Running, running } from './server.js'

const seed = Number(process.env.ANNALS_MODEL_SEED ?? randomInt(2 ** 31))

/** Bytes as they are, on a socket of their own; the beginning of what comes back. */
const raw = ({ root }: Running, bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(root)
    const socket = connect(Number(port), hostname, () => socket.end(bytes))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('close', () => resolve(text))
    socket.on('error', (error) => (text === '' ? reject(error) : resolve(text)))
  })

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

  test('a Bundle of more entries than a transaction has', async () => {
    const server = await running()
    const entry = '{"request":{"method":"DELETE","url":"Patient/a"}}'
    const body = `{"resourceType":"Bundle","type":"transaction","entry":[${Array(100_001).fill(entry).join(',')}]}`
    const answer = await server.ask('POST', '', { body })
    expect([answer.status, answer.body.issue[0].code]).toEqual([413, 'too-long'])
    await expectAlive(server, 0)
  })

  test('broken HTTP, and headers without end', async () => {
    const server = await running()
    const flood = Array.from({ length: 5_000 }, (_, n) => `X-${n}: ${'x'.repeat(50)}`).join('\r\n')
    for (const bytes of [
      'nonsense\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET /fhir/metadata HTTP/1.1\r\nHost: a\r\n${flood}\r\n\r\n`,
      'POST /fhir/Patient HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
      'POST /fhir/Patient HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      `GET /fhir/Patient/${'a'.repeat(100_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    ])
      expect(await raw(server, bytes)).toMatch(/^(HTTP\/1\.1 4\d\d|$)/)
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
      const answer = await raw(server, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      expect(answer, path).toMatch(/^HTTP\/1\.1 40[04]/)
    }
    await expectAlive(server, 0)
  })
})

test(`no request makes the server fail, with seed ${seed}`, async () => {
  const server = await running()
  const id = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.string({ maxLength: 12 }).map(encodeURIComponent))
  const type = fc.constantFrom('Patient', 'Observation', 'Nonsense', '_history', 'metadata', '$x', 'Bundle')
  const query = fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    fc
      .array(
        fc.tuple(
          fc.constantFrom(
            '_count',
            '_since',
            '_at',
            '_page',
            '_id',
            'identifier',
            'url',
            '_lastUpdated',
            '_format',
            '_pretty',
            '_summary',
            'x',
          ),
          fc.oneof(
            fc.constantFrom('1', '0', 'json', 'true', 'count', '2026-01-01', 's|v', 'ge2026'),
            fc.string({ maxLength: 10 }),
          ),
        ),
        { maxLength: 3 },
      )
      .map((pairs) => `?${new URLSearchParams(pairs)}`),
  )
  const path = fc.oneof(
    type,
    fc.tuple(type, id).map((parts) => parts.join('/')),
    fc
      .tuple(type, id, fc.constantFrom('_history', '_history/1', '_history/x', '$diff'))
      .map((parts) => parts.join('/')),
    fc.constant(''),
  )
  const resource = fc.record(
    {
      resourceType: fc.constantFrom('Patient', 'Observation', 'Bundle', 'Parameters', 'Binary'),
      id: fc.constantFrom('a', 'b', 'c', '', 'a b'),
      type: fc.constantFrom('transaction', 'batch', 'history'),
      identifier: fc.constant([{ system: 's', value: 'v' }]),
      entry: fc.array(
        fc.record(
          {
            fullUrl: fc.constantFrom('urn:uuid:1', 'x'),
            resource: fc.constantFrom({ resourceType: 'Patient' }, { resourceType: 'Patient', id: 'a' }, {}, []),
            request: fc.record(
              {
                method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'X'),
                url: fc.constantFrom('Patient', 'Patient/a', 'Patient?identifier=s|v', 'x', ''),
                ifNoneExist: fc.constantFrom('identifier=s|v', 'name=x', ''),
                ifMatch: fc.constantFrom('W/"1"', 'x'),
              },
              { requiredKeys: [] },
            ),
          },
          { requiredKeys: [] },
        ),
        { maxLength: 3 },
      ),
      parameter: fc.constantFrom([], [{ name: 'operation' }], {}),
    },
    { requiredKeys: [] },
  )
  const body = fc.oneof(
    resource.map((value) => JSON.stringify(value)),
    fc.json({ maxDepth: 3 }),
    fc.constantFrom('', '[', '[{"op":"remove","path":"/id"}]', '[{"op":"add","path":"/x","value":1}]'),
  )
  const headers = fc.record(
    {
      'content-type': fc.constantFrom(
        'application/fhir+json',
        'application/json-patch+json',
        'text/plain',
        'application/json',
      ),
      accept: fc.constantFrom('*/*', 'application/json', 'text/html', ';;', 'q=1'),
      prefer: fc.constantFrom('return=minimal', 'return=OperationOutcome', 'handling=lenient', ','),
      'if-match': fc.constantFrom('W/"1"', '"2"', '*', 'x', ''),
      'if-none-match': fc.constantFrom('W/"1"', '*', 'x'),
      'if-modified-since': fc.constantFrom('Thu, 01 Jan 2015 00:00:00 GMT', 'x'),
      'if-none-exist': fc.constantFrom('identifier=s|v', '?identifier=s|v', 'x', ''),
      'idempotency-key': fc.constantFrom('k', 'l'),
      traceparent: fc.constantFrom('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x'),
      'x-request-id': fc.constantFrom('r', 'x'.repeat(300)),
    },
    { requiredKeys: [] },
  )
  const methods = fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')
  const seen = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(methods, path, query, headers, body, async (method, path, query, headers, body) => {
      const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH'
      const answer = await server.ask(method, `${path}${query}`, { headers, ...(hasBody ? { body } : undefined) })
      seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1)
      expect(answer.status, answer.text).toBeLessThan(500)
      if (answer.status < 400 || method === 'HEAD') return
      expect(answer.body?.resourceType).toBe('OperationOutcome')
      for (const { expression, location } of answer.body.issue)
        expect(expression ?? location, answer.text).toHaveLength(1)
    }),
    { seed, numRuns: 3_000, interruptAfterTimeLimit: 60_000 },
  )
  for (const status of [200, 204, 400, 404, 406, 415]) expect(seen.has(status), `${status}`).toBe(true)
  expect((await server.store.verify('default')).differences).toBe(0)
}, 120_000)
