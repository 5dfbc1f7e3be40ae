/** Metrics: what they count, what their labels are made of, and who may see them. */
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { newStore } from '../cli/harness.js'
import { type Running, running } from './server.js'
import { open, sendRaw } from './wire.js'

const body = '{"resourceType":"Patient","id":"ada"}'

/** The values of all series of a metric, by their labels. */
async function series({ ask }: Pick<Running, 'ask'>, name: string): Promise<Record<string, number>> {
  const { text } = await ask('GET', '/metrics')
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(name.length, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  )
}

test('requests are counted and timed by method, route and status', async () => {
  const server = await running({ tenancy: { from: 'path' } })
  await server.ask('PUT', 'Patient/ada', { body })
  for (let n = 0; n < 3; n++) await server.ask('GET', 'Patient/ada')
  await server.ask('GET', 'Patient/bob')
  await server.ask('GET', '/tenants/x/fhir/Patient/ada')
  await server.ask('GET', '/nowhere')
  const counts = await series(server, 'annals_http_request_duration_seconds_count')
  expect(counts).toEqual({
    '{method="PUT",route="/fhir/:type/:id",status="201"}': 1,
    '{method="GET",route="/fhir/:type/:id",status="200"}': 3,
    '{method="GET",route="/fhir/:type/:id",status="404"}': 1,
    '{method="GET",route="/tenants/:tenant/fhir/:type/:id",status="404"}': 1,
    '{method="GET",route="none",status="404"}': 1,
  })
  const sums = Object.values(await series(server, 'annals_http_request_duration_seconds_sum'))
  for (const sum of sums) expect(sum).toBeGreaterThan(0)
  const bytes = await series(server, 'annals_http_bytes_total')
  expect(bytes['{direction="in"}']).toBeGreaterThan(7 * 50)
  expect(bytes['{direction="out"}']).toBeGreaterThan(7 * 150)
})

test('what is under way, and who was turned away', async () => {
  const server = await running({ maxRequestsInFlight: 1 })
  const raw = open(server.root)
  const head = ['POST /fhir/Patient HTTP/1.1', 'Host: a', 'Content-Type: application/json', 'Content-Length: 500']
  raw.socket.write([...head, 'Expect: 100-continue', '', ''].join('\r\n'))
  await expect.poll(raw.text).toMatch(/^HTTP\/1\.1 100/)
  expect((await server.ask('GET', 'metadata')).status).toBe(503)
  expect(await series(server, 'annals_http_requests_in_flight')).toEqual({ '': 1 })
  expect(await series(server, 'annals_http_body_bytes_in_flight')).toEqual({ '': 500 })
  expect((await series(server, 'annals_http_connections'))['']).toBeGreaterThanOrEqual(2)
  expect(await series(server, 'annals_http_refused_total')).toMatchObject({
    '{bound="requests"}': 1,
    '{bound="bodies"}': 0,
  })
  raw.socket.destroy()
  await expect.poll(() => series(server, 'annals_http_requests_in_flight')).toEqual({ '': 0 })
  expect(await series(server, 'annals_http_body_bytes_in_flight')).toEqual({ '': 0 })
  const gone = '{method="POST",route="/fhir/:type",status="499"}'
  expect((await series(server, 'annals_http_request_duration_seconds_count'))[gone]).toBe(1)
})

test('connections that are not accepted', async () => {
  const server = await running({ maxConnections: 1 })
  const held = open(server.root)
  await once(held.socket, 'connect')
  expect(await sendRaw(server.root, 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('')
  held.socket.destroy()
  const refusals = () => series(server, 'annals_http_refused_total')
  await expect
    .poll(async () => (await refusals().catch(() => undefined))?.['{bound="connections"}'])
    .toBeGreaterThanOrEqual(1)
})

test('what the store does: tenants, commits, events', async () => {
  const server = await running({ tenancy: { from: 'path' } })
  await server.store.tenant('other')
  const entry = { resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } }
  await server.ask('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry: [entry, entry, entry] } })
  await server.ask('PUT', '/tenants/other/fhir/Patient/ada', { body })
  expect(await series(server, 'annals_store_tenants')).toEqual({ '': 2 })
  expect(await series(server, 'annals_store_commits_total')).toEqual({ '': 2 })
  expect(await series(server, 'annals_store_events_total')).toEqual({ '': 4 })
  expect(await series(server, 'annals_store_waiting_transactions')).toEqual({ '': 0 })
  expect(await series(server, 'annals_store_waiting_bytes')).toEqual({ '': 0 })
})

test('writes that wait are counted, and their bytes', async () => {
  const store = await openStore(newStore(), { limits: { maxCommitEvents: 1 } })
  const tenant = await store.tenant('default', { partitions: 2 })
  const body = '{"resourceType":"Patient"}'
  const written = Promise.all(Array.from({ length: 200 }, () => tenant.create('Patient', body)))
  await expect.poll(() => store.activity().waiting, { interval: 1 }).toBeGreaterThan(0)
  const { waiting, waitingBytes } = store.activity()
  expect(waitingBytes).toBeGreaterThanOrEqual(waiting * body.length)
  await written
  expect(store.activity()).toEqual({ tenants: 1, waiting: 0, waitingBytes: 0, commits: 200, events: 200 })
  await store.close()
})

test('labels are made of nothing that a client could make up, and of no tenant', async () => {
  const server = await running({ tenancy: { from: 'path' } })
  const marker = 'zq7marker'
  for (const path of [
    `/tenants/${marker}/fhir/Patient/a`,
    `/fhir/${marker}`,
    `/${marker}`,
    `/fhir/Patient/${marker}?${marker}=1`,
  ])
    for (const method of ['GET', 'POST', 'DELETE']) await server.ask(method, path)
  await sendRaw(server.root, `GET /%ff${marker} HTTP/1.1\r\nHost: ${marker}\r\nConnection: close\r\n\r\n`)
  await sendRaw(server.root, `${marker} / HTTP/1.1\r\nHost: a\r\n\r\n`)
  const { text } = await server.ask('GET', '/metrics')
  expect(text.toLowerCase()).not.toContain(marker)
})

test('are for programs of this machine, not by way of a proxy, and only where they are wanted', async () => {
  const server = await running()
  const answer = await server.ask('GET', '/metrics')
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  for (const name of ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'])
    expect((await server.ask('GET', '/metrics', { headers: { [name]: '127.0.0.1' } })).status, name).toBe(404)
  expect((await (await running({ serveMetrics: false })).ask('GET', '/metrics')).status).toBe(404)
  const other = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')
  if (other === undefined) return
  const { app } = await running()
  const injected = await app.inject({ url: '/metrics', remoteAddress: other.address })
  expect(injected.statusCode).toBe(404)
})
