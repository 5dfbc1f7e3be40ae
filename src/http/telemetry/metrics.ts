/**
 * Metrics for Prometheus. Their labels are patterns of routes, methods, statuses and names of bounds: neither a tenant nor anything
 * else that a client could make up is among them.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Store } from '../../index.js'
import { HttpProblem } from '../failures.js'
import type { Load } from '../protection/load.js'
import type { Exchange, Observer } from './exchange.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Of this server and its store alone; others may be added. */
    readonly metrics: Registry
  }
}

export interface Metrics {
  readonly registry: Registry
  readonly observe: Observer
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function makeMetrics(store: Store, load: Load): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const durations = new Histogram({
    name: 'annals_http_request_duration_seconds',
    help: 'From the end of the head of a request to the end of its answer. Status 499: the client was gone before.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: seconds,
    registers,
  })
  const bytes = new Counter({
    name: 'annals_http_bytes_total',
    help: 'Bytes of requests and answers on the wire, heads included.',
    labelNames: ['direction'] as const,
    registers,
  })
  addLoadMetrics(registers, load)
  addStoreMetrics(registers, store)
  return {
    registry,
    observe: ({ method, route = 'none', status, ms, bytesIn, bytesOut }: Exchange) => {
      durations.observe({ method, route, status }, ms / 1_000)
      bytes.inc({ direction: 'in' }, bytesIn)
      bytes.inc({ direction: 'out' }, bytesOut)
    },
  }
}

function addLoadMetrics(registers: Registry[], load: Load): void {
  gauge(registers, 'annals_http_requests_in_flight', 'Requests of FHIR under way.', () => load.requests)
  gauge(registers, 'annals_http_body_bytes_in_flight', 'Bodies of requests in memory.', () => load.bodyBytes)
  gauge(registers, 'annals_http_connections', 'Connections, idle ones included.', () => load.connections.size)
  const refused = new Counter({
    name: 'annals_http_refused_total',
    help: 'Requests and connections turned away, by the bound that they were over.',
    labelNames: ['bound'] as const,
    registers,
    collect: () => {
      refused.reset()
      for (const [bound, times] of Object.entries(load.refused)) refused.inc({ bound }, times)
    },
  })
}

function addStoreMetrics(registers: Registry[], store: Store): void {
  const at = (read: keyof ReturnType<Store['activity']>) => () => store.activity()[read]
  gauge(registers, 'annals_store_tenants', 'Tenants that are open.', at('tenants'))
  gauge(registers, 'annals_store_waiting_transactions', 'Transactions that wait for their commit.', at('waiting'))
  gauge(registers, 'annals_store_waiting_bytes', 'Bodies that wait for their commit.', at('waitingBytes'))
  total(registers, 'annals_store_commits_total', 'Commits that this process has written.', at('commits'))
  total(registers, 'annals_store_events_total', 'Events in these commits.', at('events'))
}

function gauge(registers: Registry[], name: string, help: string, read: () => number): void {
  const metric: Gauge = new Gauge({ name, help, registers, collect: () => metric.set(read()) })
}

function total(registers: Registry[], name: string, help: string, read: () => number): void {
  const metric: Counter = new Counter({
    name,
    help,
    registers,
    collect: () => {
      metric.reset()
      metric.inc(read())
    },
  })
}

/** `/metrics` is for programs of this machine: nobody is asked who they are. */
export function addMetrics(app: FastifyInstance, { registry }: Metrics): void {
  app.get('/metrics', async (request, reply) => {
    if (!isOfThisMachine(request)) throw new HttpProblem(404, 'not-found', 'there is nothing here for other machines')
    return reply.header('content-type', registry.contentType).send(await registry.metrics())
  })
}

/** Not by way of a proxy on this machine, as far as proxies say so. */
function isOfThisMachine({ raw, headers }: FastifyRequest): boolean {
  const { remoteAddress = '' } = raw.socket
  const isLocal = /^(127\.|::1$|::ffff:127\.)/.test(remoteAddress)
  return isLocal && !proxyHeaders.some((name) => headers[name] !== undefined)
}

const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']
