/** Ports that tell OpenTelemetry of every call: a span, its duration, its outcome and its bytes. Never a key or a content. */
import { context, trace } from '@opentelemetry/api'
import type { Either } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../../domain/error.js'
import type { BlobStore, PointerStore } from '../../domain/ports/index.js'
import { client, endSpan, type Instruments } from './meter.js'

const blobMethods: Methods<BlobStore> = {
  get: true,
  head: true,
  createIfAbsent: true,
  replaceIfMatch: true,
  put: true,
  list: true,
  delete: true,
}

const pointerMethods: Methods<PointerStore> = {
  get: true,
  getAll: true,
  query: true,
  scan: true,
  putAll: true,
  putNewer: true,
  compareAndSet: true,
  advance: true,
  transact: true,
  deleteByPrefix: true,
}

/** Every method of a port: one that is added to the port has to be added here. */
type Methods<P> = { readonly [M in keyof P]: true }

export const meteredBlobs = (blobs: BlobStore, instruments: Instruments): BlobStore =>
  metered(blobs, 'blobs', blobMethods, instruments)

export const meteredPointers = (pointers: PointerStore, instruments: Instruments): PointerStore =>
  metered(pointers, 'pointers', pointerMethods, instruments)

type Step = TaskEither<AnnalsError, unknown>

function metered<P extends object>(port: P, name: string, methods: Methods<P>, instruments: Instruments): P {
  const { tracer, meter } = instruments
  const durations = meter.createHistogram('annals.port.duration', {
    unit: 's',
    description: 'Duration of a call of a port, by operation and outcome.',
  })
  const bytes = meter.createCounter('annals.port.bytes', {
    unit: 'By',
    description: 'Bytes of objects handed over by a port, by operation and direction.',
  })

  const measure = async (operation: string, step: Step, sent: number): Promise<Either<AnnalsError, unknown>> => {
    const span = tracer.startSpan(`annals.${name}.${operation}`, client)
    const started = performance.now()
    let outcome = 'defect'
    try {
      const result = await context.with(trace.setSpan(context.active(), span), step)
      outcome = result._tag === 'Left' ? result.left.code : 'ok'
      const received = result._tag === 'Right' ? bytesIn(result.right) : 0
      if (sent > 0) bytes.add(sent, { port: name, operation, direction: 'sent' })
      if (received > 0) bytes.add(received, { port: name, operation, direction: 'received' })
      return result
    } finally {
      durations.record((performance.now() - started) / 1000, { port: name, operation, outcome })
      endSpan(span, outcome)
    }
  }

  const wrapped = { ...port }
  for (const operation of Object.keys(methods) as Array<keyof P & string>) {
    const call = (port[operation] as (...args: unknown[]) => Step).bind(port)
    const observed = (...args: unknown[]): Step => {
      const step = call(...args)
      return () => measure(operation, step, bytesIn(args[1]))
    }
    wrapped[operation] = observed as P[typeof operation]
  }
  return wrapped
}

/** Of an object's bytes, alone or in an answer. */
function bytesIn(value: unknown): number {
  if (value instanceof Uint8Array) return value.length
  const { bytes } = (value ?? {}) as { bytes?: unknown }
  return bytes instanceof Uint8Array ? bytes.length : 0
}
