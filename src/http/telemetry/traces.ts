/**
 * A span of OpenTelemetry for each request, within the trace that its headers name. What the store does for it are spans below it. Without
 * an SDK in the process there is nobody to hear of them.
 */
import {
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { FastifyRequest } from 'fastify'
import type { Observer } from './exchange.js'

const scope = 'annals'

/** Goes on with a request within its span, which ends with its exchange. */
export function withinSpan(request: FastifyRequest, goOn: () => void): void {
  const { exchange, method, protocol, raw } = request
  const parent = propagation.extract(ROOT_CONTEXT, request.headers)
  const name = exchange.route === undefined ? method : `${method} ${exchange.route}`
  const span = trace.getTracer(scope).startSpan(name, { kind: SpanKind.SERVER }, parent)
  const isHeard = isSpanContextValid(span.spanContext())
  if (isHeard) exchange.span = span
  if (span.isRecording())
    span.setAttributes({
      'http.request.method': method,
      'http.route': exchange.route,
      'url.scheme': protocol,
      'network.protocol.version': raw.httpVersion,
    })
  context.with(isHeard ? trace.setSpan(parent, span) : parent, goOn)
}

/** By the semantic conventions for HTTP: what is wrong with a request is no error of the server. */
export const endSpan: Observer = ({ span, status, failure }) => {
  if (span === undefined) return
  span.setAttribute('http.response.status_code', status)
  if (status >= 500) {
    span.setAttribute('error.type', failure ?? String(status))
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
  span.end()
}
