/** One line for each exchange: who asked for what and what became of it. Never an id, a value of a query, or content. */
import type { FastifyRequest } from 'fastify'
import { isResourceType } from '../../../domain/fhir/resource-types.js'
import { exportParameters } from '../bulk/export-parameters.js'
import { traceOf } from '../context.js'
import { operations } from '../operations/definitions.js'
import type { Exchange } from './exchange.js'

/** Names of parameters come from clients, too: only those that the server knows are repeated. */
const parameters = new Set([
  ...['_id', 'identifier', 'url', '_lastUpdated', '_count', '_sort', '_summary', '_since', '_at', '_page'],
  ...['_format', '_pretty'],
  ...exportParameters,
  ...operations.flatMap(({ takes }) => takes.map(({ name }) => name)),
])

export function logExchange(exchange: Exchange, request: FastifyRequest): void {
  const { status, method, route, ms, bytesIn, bytesOut, isCut, tenant, failure, span } = exchange
  const level = status >= 500 ? 'warn' : isQuiet(route) ? 'debug' : 'info'
  // A URL that cannot be decoded has neither.
  const { type } = (request.params ?? {}) as { type?: string }
  const query = parametersOf(request)
  request.log[level](
    {
      method,
      route,
      type: type !== undefined && isResourceType(type, request.fhirVersion) ? type : undefined,
      query: query.length === 0 ? undefined : query,
      status,
      ms: Math.round(ms * 1_000) / 1_000,
      bytesIn,
      bytesOut,
      tenant,
      actor: request.caller?.actor,
      trace: span?.spanContext().traceId ?? traceOf(request),
      failure,
      cut: isCut || undefined,
    },
    'answered',
  )
}

/** Asked for every few seconds, by machines. */
const isQuiet = (route: string | undefined): boolean => route === '/metrics' || route?.startsWith('/health/') === true

function parametersOf({ url, query }: FastifyRequest): ReadonlyArray<string> {
  if (!url.includes('?')) return []
  const names = Object.keys((query ?? {}) as object)
  const known = names.filter((name) => parameters.has(name))
  return known.length === names.length ? known : [...known, '…']
}
