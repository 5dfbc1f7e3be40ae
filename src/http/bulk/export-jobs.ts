/** Exports that were asked for over HTTP: whose they are, and what their clients may have of them. */
import type { FastifyRequest } from 'fastify'
import { resourceTypesOf } from '../../../domain/fhir/resource-types.js'
import type { ExportPart, ExportStatus, Tenant } from '../../index.js'
import { type Caller, checkAccess, forbidden } from '../access/caller.js'
import { baseOf, type Context, tenantOf } from '../context.js'
import { HttpProblem } from '../failures.js'

/** What the server notes of an export: what its client has asked for. */
export interface Note {
  /** The URL. */
  readonly request: string
  /** Absent: all. */
  readonly types?: ReadonlyArray<string>
  readonly separateStatus?: true
}

export interface Job {
  readonly tenant: Tenant
  readonly status: ExportStatus
  readonly note: Note
}

export const statusUrl = (context: Context, request: FastifyRequest, id: string): string =>
  `${baseOf(context, request)}/$export/${id}`

/** Whoever exports reads what he finds. */
const mayExport = ({ may }: Caller, type: string): boolean => may('s', type) && may('r', type)

/** Before anything is looked at: whether there is any type that the client may export. */
export function checkMayExport({ caller, fhirVersion }: FastifyRequest): void {
  if (!resourceTypesOf(fhirVersion).some((type) => mayExport(caller, type)))
    throw forbidden('no permission to search and read resources')
}

export function checkTypes(request: FastifyRequest, types: ReadonlyArray<string> = ['*']): void {
  for (const type of types) for (const permission of ['s', 'r'] as const) checkAccess(request, permission, type)
}

/** Outcomes and deletions are of all types that were exported. */
export const mayHave =
  ({ caller }: FastifyRequest, { types = ['*'] }: Note) =>
  ({ kind, type = '*' }: Pick<ExportPart, 'kind' | 'type'>): boolean =>
    (kind === 'output' ? [type] : types).every((each) => mayExport(caller, each))

/** Of this client; whether somebody else has one of this id is not told. */
export async function jobOf(context: Context, request: FastifyRequest): Promise<Job> {
  checkMayExport(request)
  const { job } = request.params as { job: string }
  const tenant = await tenantOf(context, request)
  const status = /^[0-9a-f-]{36}$/.test(job) ? await tenant.exports.status(job) : undefined
  const note = status && noteIn(status)
  if (
    status === undefined ||
    note === undefined ||
    status.state === 'cancelled' ||
    status.actor !== request.caller.actor
  )
    throw new HttpProblem(404, 'not-found', 'there is no such export, or it was ended, or it has expired')
  return { tenant, status, note }
}

/** Others note what they like. */
function noteIn({ note = '' }: ExportStatus): Note | undefined {
  try {
    const said = JSON.parse(note) as Note | null
    return typeof said?.request === 'string' ? said : undefined
  } catch {
    return undefined
  }
}
