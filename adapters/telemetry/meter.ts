/**
 * Spans and metrics by the OpenTelemetry API. Without its SDK in the process there is nobody to hear them, and nothing
 * is measured: the SDK has to be started before the store is opened.
 */
import {
  createNoopMeter,
  isSpanContextValid,
  type Meter,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'

const scope = 'annals'

export interface Instruments {
  readonly tracer: Tracer
  readonly meter: Meter
}

/** `undefined` when no SDK listens. */
export function instruments(): Instruments | undefined {
  const tracer = trace.getTracer(scope)
  const meter = metrics.getMeter(scope)
  return hears(tracer, meter) ? { tracer, meter } : undefined
}

/** The API's own stand-ins make spans without an id, and one and the same counter. */
function hears(tracer: Tracer, meter: Meter): boolean {
  if (meter.createCounter('annals.probe') !== createNoopMeter().createCounter('annals.probe')) return true
  const span = tracer.startSpan('annals.probe')
  span.end()
  return isSpanContextValid(span.spanContext())
}

/** Ends a span by what its step came to: a typed error's code, or `ok`. */
export function endSpan(span: Span, outcome: string): void {
  span.setAttribute('annals.outcome', outcome)
  if (outcome !== 'ok') span.setStatus({ code: SpanStatusCode.ERROR, message: outcome })
  span.end()
}

export const client = { kind: SpanKind.CLIENT }
