/** What a request is about: its tenant, its base, and what it says for the audit. */
import type { FastifyRequest } from 'fastify'
import { isAnnalsError } from '../../domain/error.js'
import { type Period, readPeriod } from '../../domain/fhir/period.js'
import { isResourceType } from '../../domain/fhir/resource-types.js'
import { type FhirVersion, releaseNames } from '../../domain/fhir/version.js'
import { formatInstant } from '../../domain/instant.js'
import type { Store, Tenant, WriteOptions } from '../index.js'
import { tenantNameOf } from './access/tenancy.js'
import { HttpProblem, parameterProblem } from './failures.js'
import type { HttpSettings } from './settings.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the server. */
    fhirVersion: FhirVersion
  }
}

export interface Context {
  readonly store: Store
  readonly settings: HttpSettings
  /** Aborts when the server stops accepting: whatever would go on for ever ends then. */
  readonly ending: AbortSignal
}

export async function tenantOf({ store, settings }: Context, request: FastifyRequest): Promise<Tenant> {
  const name = tenantNameOf(settings.tenancy, settings.tenant, request)
  const { fhirVersion } = settings
  try {
    const found = await store.tenant(name, { create: name === settings.tenant, fhirVersion })
    request.exchange.tenant = found.name
    return found
  } catch (error) {
    if (!isAnnalsError(error) || error._tag !== 'TenantMismatch' || name === settings.tenant) throw error
    throw new HttpProblem(404, 'not-found', `there is no tenant '${name}' of FHIR ${releaseNames[fhirVersion]}`)
  }
}

/** The base of the server for this tenant, such as `http://localhost:8080/fhir`. */
export function baseOf({ settings }: Context, request: FastifyRequest): string {
  const { tenant } = request.params as { tenant?: string }
  // Who has not said how it calls this server (HTTP/1.0) gets what is relative to it.
  const root = settings.baseUrl ?? (request.host === '' ? '' : `${request.protocol}://${request.host}`)
  return tenant === undefined ? `${root}/fhir` : `${root}/tenants/${encodeURIComponent(tenant)}/fhir`
}

export function typeOf(request: FastifyRequest): string {
  const { type = '' } = request.params as { type?: string }
  if (isResourceType(type, request.fhirVersion)) return type
  const problem = type.startsWith('$')
    ? 'there is no such operation'
    : type === '_search'
      ? 'a search is of one type, such as Patient/_search'
      : `there is no such type of resources in FHIR ${releaseNames[request.fhirVersion]}`
  throw new HttpProblem(404, 'not-supported', problem)
}

/** What is about the form of an answer, whatever is asked for. */
export const formatParameters = ['_format', '_pretty'] as const

/** The query without what is about the form of the answer. */
export function queryOf(request: FastifyRequest): URLSearchParams {
  const at = request.url.indexOf('?')
  const query = new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1))
  for (const name of formatParameters) query.delete(name)
  return query
}

const header = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** Zeros alone name nothing. (W3C Trace Context, 3.2.2) */
const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/

/** The trace that a W3C trace context is of. */
export const traceOf = (request: FastifyRequest): string | undefined =>
  traceparent.exec(header(request, 'traceparent') ?? '')?.[1]

/**
 * A request id is the causation of what is written, as the log and the answer call it; the trace of a W3C trace context its correlation,
 * and an idempotency key its request key.
 */
export function auditOf(request: FastifyRequest): WriteOptions {
  const causation = header(request, 'x-request-id')
  const correlation = traceOf(request)
  const key = header(request, 'idempotency-key')
  const { actor } = request.caller
  return {
    ...(actor === undefined ? undefined : { actor }),
    ...(causation === undefined ? undefined : { causation: request.id }),
    ...(correlation === undefined ? undefined : { correlation }),
    ...(key === undefined ? undefined : { request: key }),
  }
}

/** For queries: a date or an instant stands for all the time that it does not tell apart. */
export function periodIn(parameter: string, text: string): Period {
  const period = readPeriod(text)
  if (period !== undefined) return period
  throw parameterProblem(parameter, 'a date or an instant is needed, such as 2026-11-22 or 2026-11-22T10:15:00Z')
}

/** The beginning of a period, as the store has instants. */
export const instantIn = (parameter: string, text: string): string => formatInstant(periodIn(parameter, text).from)
