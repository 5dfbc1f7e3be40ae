/** The log of the server: a line for each request, in which no content, no id and no secret ever stands. */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { annalsError } from '../../domain/error.js'
import { openStore, type Store } from '../../src/index.js'
import { type Running, running } from './server.js'
import { open, sendRaw } from './wire.js'

const seed = Number(process.env.ANNALS_MODEL_SEED ?? randomInt(2 ** 31))

type Line = Readonly<Record<string, unknown>>

async function logging(
  of?: Store,
): Promise<Running & { readonly text: () => string; readonly answered: () => Line[] }> {
  let text = ''
  const write = (line: string): void => {
    text += line
  }
  const server = await running({ tenancy: { from: 'path' }, logger: { level: 'trace', stream: { write } } }, of)
  const lines = (): Line[] => text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
  return { ...server, text: () => text, answered: () => lines().filter(({ msg }) => msg === 'answered') }
}

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

test('a line says who asked for what, what became of it, and what it took', async () => {
  const { ask, answered } = await logging()
  const headers = { 'x-request-id': 'r-1', traceparent }
  await ask('PUT', 'Patient/ada?_pretty=true', { headers, body: { resourceType: 'Patient', id: 'ada' } })
  await ask('GET', 'Patient/bob')
  await ask('GET', '/tenants/nobody/fhir/Patient/ada')
  await ask('GET', 'Patient?_count=1&name=x')
  await expect.poll(answered).toHaveLength(4)
  const [written, missing, nobody, unknown] = answered()
  expect(written).toMatchObject({
    level: 'info',
    requestId: 'r-1',
    method: 'PUT',
    route: '/fhir/:type/:id',
    type: 'Patient',
    query: ['_pretty'],
    status: 201,
    tenant: 'default',
    trace: '0af7651916cd43dd8448eb211c80319c',
  })
  for (const name of ['ms', 'bytesIn', 'bytesOut'] as const) expect(written?.[name]).toBeGreaterThan(0)
  expect(Date.parse(String(written?.time))).toBeGreaterThan(Date.parse('2020-01-01'))
  expect(missing).toMatchObject({ method: 'GET', status: 404, failure: 'not-found', tenant: 'default' })
  expect(missing?.requestId).toMatch(/^[0-9a-f-]{36}$/)
  expect(nobody).toMatchObject({ route: '/tenants/:tenant/fhir/:type/:id', status: 404 })
  expect(nobody).not.toHaveProperty('tenant')
  expect(unknown).toMatchObject({ route: '/fhir/:type', query: ['_count', '…'], status: 400 })
})

test('bytes are those of the wire, also where a connection is used again', async () => {
  const { root, answered } = await logging()
  const bodies = ['{"resourceType":"Patient"}', `{"resourceType":"Patient","language":"${'x'.repeat(5_000)}"}`]
  const requests = bodies.map(
    (body) =>
      `POST /fhir/Patient HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  const { socket, text } = open(root)
  let before = 0
  for (const [n, request] of requests.entries()) {
    socket.write(request)
    await expect.poll(answered).toHaveLength(n + 1)
    await expect.poll(() => text().length - before).toBe(answered()[n]?.bytesOut)
    before = text().length
    expect(answered()[n]?.bytesIn).toBe(request.length)
  }
  socket.destroy()
})

test('a request whose client went away has its line, too', async () => {
  const { root, answered } = await logging()
  const { socket } = open(root)
  socket.write('POST /fhir/Patient HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{')
  await expect.poll(() => socket.bytesWritten).toBeGreaterThan(0)
  socket.destroySoon()
  await expect.poll(answered).toMatchObject([{ method: 'POST', status: 499, cut: true }])
})

test('health is asked for by machines: at debug', async () => {
  const { ask, answered } = await logging()
  await ask('GET', '/health/live')
  await expect.poll(answered).toMatchObject([{ level: 'debug', route: '/health/live', status: 200 }])
})

test('a defect is told by its type and its place, a failure of the store by its code and its cause', async () => {
  const store = await openStore('memory:')
  const marker = 'the-quick-brown-fox'
  const failures = [
    new TypeError(`cannot read ${marker}`),
    annalsError('Unavailable', { operation: 'get', key: `V#default#Patient/${marker}`, cause: 'ECONNREFUSED' }),
    annalsError('Corrupt', {
      key: 'default/log/0/00000000000000000007.ndjson',
      problem: `the body of Patient/${marker} version 3 does not have its hash`,
    }),
  ]
  const failing: Store = { ...store, tenant: async () => Promise.reject(failures.shift()) }
  const { ask, text, answered } = await logging(failing)
  for (const status of [500, 503, 500]) expect((await ask('GET', `Patient/${marker}`)).status).toBe(status)
  await expect.poll(answered).toMatchObject([
    { level: 'warn', status: 500, failure: 'exception' },
    { level: 'warn', status: 503, failure: 'ANNALS_UNAVAILABLE' },
    { level: 'warn', status: 500, failure: 'ANNALS_CORRUPT' },
  ])
  expect(text()).toMatch(/"type":"TypeError","stack":" +at [^"]*log\.test\.ts/)
  expect(text()).toContain('"code":"ANNALS_UNAVAILABLE","operation":"get","cause":"ECONNREFUSED"')
  expect(text()).toContain('"key":"default/log/0/00000000000000000007.ndjson"')
  expect(text()).toContain('the body of … version 3 does not have its hash')
  expect(text()).not.toContain(marker)
})

test(`nothing that a client says gets into the log, with seed ${seed}`, async () => {
  const { ask, root, text, answered } = await logging()
  const marker = 'Zq7Marker'
  const part = fc.constantFrom(marker, `a${marker}`, 'ada', encodeURIComponent(`${marker} ö/?&`), `%ff${marker}`)
  const type = fc.constantFrom('Patient', 'Observation', marker, '_history', '$x')
  const path = fc.oneof(
    fc.tuple(type, part).map((parts) => parts.join('/')),
    fc.tuple(type, part, fc.constantFrom('_history', '_history/1', marker)).map((parts) => parts.join('/')),
    type,
    part.map((name) => `/${name}`),
    fc.tuple(part, type, part).map(([tenant, ...rest]) => `/tenants/${tenant}/fhir/${rest.join('/')}`),
    fc.constant(''),
  )
  const query = fc.constantFrom(
    '',
    `?identifier=s|${marker}`,
    `?${marker}=1`,
    `?_id=${marker}&_format=json`,
    `?_at=${marker}`,
  )
  const name = fc.constantFrom(
    'authorization',
    'cookie',
    'x-provenance',
    'idempotency-key',
    'if-none-exist',
    'if-match',
    'prefer',
    'accept',
    'content-type',
    'user-agent',
    'referer',
    'traceparent',
    'x-forwarded-for',
    'x-of-my-own',
  )
  const headers = fc.dictionary(name, fc.constantFrom(marker, `Bearer ${marker}`, `{"a":"${marker}"}`), { maxKeys: 4 })
  const entry = {
    resource: { resourceType: 'Patient', id: marker },
    request: { method: 'PUT', url: `Patient/${marker}` },
  }
  const body = fc.constantFrom(
    JSON.stringify({ resourceType: 'Patient', id: marker, language: marker }),
    JSON.stringify({ resourceType: 'Patient', identifier: [{ system: 's', value: marker }] }),
    JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: [entry, entry] }),
    JSON.stringify([{ op: 'test', path: `/${marker}`, value: marker }]),
    `{"${marker}":${marker}`,
    marker,
  )
  const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')
  let asked = 0
  await fc.assert(
    fc.asyncProperty(method, path, query, headers, body, async (method, path, query, headers, body) => {
      const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH'
      await ask(method, `${path}${query}`, { headers, ...(hasBody ? { body } : undefined) })
      asked += 1
    }),
    { seed, numRuns: 400, interruptAfterTimeLimit: 60_000 },
  )
  for (const bytes of [`${marker}\r\n\r\n`, `GET /${marker} HTTP/9.9\r\n\r\n`, `GET / HTTP/1.1\r\n${marker}\r\n\r\n`])
    await sendRaw(root, bytes)
  await expect.poll(() => answered().length).toBe(asked)
  expect(text().toLowerCase()).not.toContain(marker.toLowerCase())
  expect(new Set(answered().map(({ status }) => status)).size).toBeGreaterThan(5)
}, 120_000)
