/** Spans of requests: in the trace that their headers name, with what the store does below them, and nothing that a client says. */
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, expect, test } from 'vitest'
import { annalsError } from '../../domain/error.js'
import { openStore, type Store } from '../../src/index.js'
import { running } from './server.js'

afterEach(() => {
  for (const api of [trace, context, propagation]) api.disable()
})

function startSdk(): InMemorySpanExporter {
  const spans = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  return spans
}

const [traceId, parentId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
const headers = { traceparent: `00-${traceId}-${parentId}-01` }

test('a request is a span of the trace of its client, and what the store does for it stands below', async () => {
  const exporter = startSdk()
  const { ask } = await running()
  const body = '{"resourceType":"Patient","id":"ada"}'
  expect((await ask('PUT', 'Patient/ada?_pretty=true', { headers, body })).status).toBe(201)
  expect((await ask('GET', 'Patient/ada', { headers })).status).toBe(200)
  const spans = () => exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId)
  const requests = () => spans().filter(({ kind }) => kind === SpanKind.SERVER)
  await expect.poll(() => requests().length).toBe(2)
  expect(
    requests().map(({ name, attributes, parentSpanContext }) => [name, attributes, parentSpanContext?.spanId]),
  ).toEqual(
    [
      ['PUT /fhir/:type/:id', 201],
      ['GET /fhir/:type/:id', 200],
    ].map(([name, status]) => [
      name,
      {
        'http.request.method': String(name).slice(0, 3),
        'http.route': '/fhir/:type/:id',
        'url.scheme': 'http',
        'network.protocol.version': '1.1',
        'http.response.status_code': status,
      },
      parentId,
    ]),
  )
  const below = requests().map((request) =>
    spans()
      .filter(({ parentSpanContext }) => parentSpanContext?.spanId === request.spanContext().spanId)
      .map(({ name }) => name),
  )
  expect(below[0]).toContain('annals.blobs.createIfAbsent')
  expect(below[1]).toContain('annals.pointers.query')
  expect(JSON.stringify(spans().map(({ name, attributes, events }) => [name, attributes, events]))).not.toContain('ada')
})

test('a request without a trace begins one, which its line of the log names', async () => {
  const exporter = startSdk()
  let text = ''
  const write = (line: string): void => {
    text += line
  }
  const { ask } = await running({ logger: { stream: { write } } })
  await ask('GET', 'Patient/ada')
  await expect.poll(() => exporter.getFinishedSpans().some(({ kind }) => kind === SpanKind.SERVER)).toBe(true)
  const request = exporter.getFinishedSpans().find(({ kind }) => kind === SpanKind.SERVER)
  expect(request?.parentSpanContext).toBeUndefined()
  await expect.poll(() => text).toContain(`"trace":"${request?.spanContext().traceId}"`)
})

test('what fails is an error of the server, and what is refused is none', async () => {
  const exporter = startSdk()
  const store = await openStore('memory:')
  const failing: Store = {
    ...store,
    tenant: async () => Promise.reject(annalsError('Unavailable', { operation: 'get', key: 'k', cause: 'c' })),
  }
  const { ask } = await running({}, failing)
  await ask('GET', 'Patient/a')
  await ask('GET', 'Nonsense/a')
  const requests = () => exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.SERVER)
  await expect.poll(() => requests().length).toBe(2)
  const [failed, refused] = requests()
  expect(failed?.status).toEqual({ code: SpanStatusCode.ERROR })
  expect(failed?.attributes).toMatchObject({ 'http.response.status_code': 503, 'error.type': 'ANNALS_UNAVAILABLE' })
  expect(refused?.status).toEqual({ code: SpanStatusCode.UNSET })
  expect(refused?.attributes).not.toHaveProperty('error.type')
})
