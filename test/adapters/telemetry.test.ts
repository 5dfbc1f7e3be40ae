/** Ports under OpenTelemetry: what is told, what is never told, and that nothing is measured when nobody hears. */
import { metrics, trace } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { afterEach, describe, expect, test } from 'vitest'
import { memoryBlobStore } from '../../adapters/memory/index.js'
import { instruments } from '../../adapters/telemetry/meter.js'
import { meteredBlobs } from '../../adapters/telemetry/ports.js'
import { annalsError } from '../../domain/error.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { defineProjection, openStore } from '../../src/index.js'

afterEach(() => {
  trace.disable()
  metrics.disable()
})

function startSdk() {
  const spans = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(provider)
  const points = async () => {
    await provider.forceFlush()
    return exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap((scope) => scope.metrics)
      .flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => ({ name: descriptor.name, attributes, value })),
      )
  }
  return { spans, points }
}

const heard = () => {
  const found = instruments()
  if (found === undefined) throw new Error('nobody hears')
  return found
}

describe('without an SDK', () => {
  test('nobody hears, so that ports stay as they are', () => {
    expect(instruments()).toBeUndefined()
  })
})

describe('with an SDK', () => {
  test('either half of it is enough', () => {
    trace.setGlobalTracerProvider(new BasicTracerProvider())
    expect(instruments()).toBeDefined()
    trace.disable()
    metrics.setGlobalMeterProvider(new MeterProvider())
    expect(instruments()).toBeDefined()
  })

  test('a call is a span and a duration, and its bytes are counted', async () => {
    const { spans, points } = startSdk()
    const blobs = meteredBlobs(memoryBlobStore(), heard())
    await run(blobs.put('secret-key', Buffer.from('secret-content')))
    await run(blobs.get('secret-key', { start: 0, end: 6 }))
    expect(spans.getFinishedSpans().map(({ name, attributes }) => [name, attributes])).toEqual([
      ['annals.blobs.put', { 'annals.outcome': 'ok' }],
      ['annals.blobs.get', { 'annals.outcome': 'ok' }],
    ])
    const told = await points()
    expect(told.filter(({ name }) => name === 'annals.port.bytes')).toEqual([
      { name: 'annals.port.bytes', attributes: { port: 'blobs', operation: 'put', direction: 'sent' }, value: 14 },
      { name: 'annals.port.bytes', attributes: { port: 'blobs', operation: 'get', direction: 'received' }, value: 6 },
    ])
    expect(told.filter(({ name }) => name === 'annals.port.duration').map(({ attributes }) => attributes)).toEqual([
      { port: 'blobs', operation: 'put', outcome: 'ok' },
      { port: 'blobs', operation: 'get', outcome: 'ok' },
    ])
    expect(
      JSON.stringify([told, spans.getFinishedSpans().map(({ name, attributes }) => [name, attributes])]),
    ).not.toContain('secret')
  })

  test('a failure is an outcome of its own, and reaches the caller as it is', async () => {
    const { spans } = startSdk()
    const failure = annalsError('Unavailable', { operation: 'get', key: 'k', cause: 'down' })
    const blobs = meteredBlobs({ ...memoryBlobStore(), get: () => TE.left(failure) } as BlobStore, heard())
    expect(await blobs.get('k')()).toEqual({ _tag: 'Left', left: failure })
    expect(spans.getFinishedSpans()[0]?.attributes).toEqual({ 'annals.outcome': 'ANNALS_UNAVAILABLE' })
  })

  test('a defect stays a rejection', async () => {
    const { spans } = startSdk()
    const blobs = meteredBlobs(
      { ...memoryBlobStore(), get: () => () => Promise.reject(new TypeError('bug')) } as BlobStore,
      heard(),
    )
    await expect(blobs.get('k')()).rejects.toThrow('bug')
    expect(spans.getFinishedSpans()[0]?.attributes).toEqual({ 'annals.outcome': 'defect' })
  })

  test('making a step calls nothing', async () => {
    const { spans } = startSdk()
    meteredBlobs(memoryBlobStore(), heard()).get('k')
    expect(spans.getFinishedSpans()).toEqual([])
  })
})

test('projections tell what they handle and where they fail, and never of whom', async () => {
  const { points } = startSdk()
  const store = await openStore('memory:')
  const tenant = await store.tenant('secret-name', { kind: 'json' })
  await tenant.create('Note', '{}', { id: 'a' })
  await tenant.create('Note', '{}', { id: 'b' })
  let failures = 1
  const flaky = defineProjection({
    name: 'flaky',
    version: 1,
    apply: async () => {
      if (failures-- > 0) throw new Error('not now')
    },
  })
  await store.projections.run('secret-name', [flaky])
  const told = await points()
  const attributes = { projection: 'flaky' }
  expect(told).toContainEqual({ name: 'annals.projection.events', attributes, value: 2 })
  expect(told).toContainEqual({ name: 'annals.projection.failures', attributes, value: 1 })
  expect(told.filter(({ name }) => name === 'annals.projection.lag')).toMatchObject([{ value: { max: 0 } }])
  expect(JSON.stringify(told)).not.toContain('secret-name')
  await store.close()
})
