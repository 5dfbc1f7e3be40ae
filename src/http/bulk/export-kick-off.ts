/** Begins bulk exports of the system, of all patients, or of those of a group. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AnnalsError } from '../../../domain/error.js'
import { type ExportOptions, outcomeOf, statusOf } from '../../index.js'
import { checkAccess } from '../access/caller.js'
import { baseOf, type Context, tenantOf } from '../context.js'
import { HttpProblem } from '../failures.js'
import { checkAccept } from '../formats.js'
import { inHeader, inUrl } from '../places.js'
import { sendAccepted, tooOften } from '../polling.js'
import { applied, prefersAsync, prefersSeparateStatus } from '../preferences.js'
import { checkMayExport, checkTypes, type Note, statusUrl } from './export-jobs.js'
import { type Asked, askedOf, type Level } from './export-parameters.js'

/** Seconds after which a client comes again that has found too many exports waiting. */
const busyFor = 60

export function addKickOffs(scope: FastifyInstance, context: Context): void {
  const levels = { '/$export': 'system', '/Patient/$export': 'patient', '/Group/:id/$export': 'group' } as const
  // A HEAD would begin one, too.
  for (const [url, level] of Object.entries(levels))
    for (const method of ['GET', 'POST'] as const)
      scope.route({
        method,
        url,
        exposeHeadRoute: false,
        handler: (request, reply) => kickOff(context, request, reply, level),
      })
}

async function kickOff(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  level: Level,
): Promise<FastifyReply> {
  checkMayExport(request)
  checkAccept(request)
  if (!prefersAsync(request)) {
    const problem = "an export is begun with 'Prefer: respond-async'"
    throw new HttpProblem(400, 'required', problem, {}, inHeader('Prefer'))
  }
  const asked = askedOf(request, level)
  const { types, patients } = asked.options
  checkTypes(request, types)
  if (level === 'group') checkAccess(request, 'r', 'Group')
  if (patients !== undefined) checkAccess(request, 'r', 'Patient')
  const tenant = await tenantOf(context, request)
  const base = baseOf(context, request)
  const separateStatus = prefersSeparateStatus(request)
  const note: Note = {
    request: base + pathOf(request),
    ...(types === undefined ? undefined : { types }),
    ...(separateStatus ? { separateStatus } : undefined),
  }
  const { actor } = request.caller
  const begun = await tenant.fp.export({
    ...asked.options,
    level: levelOf(request, level),
    base,
    ...(actor === undefined ? undefined : { actor }),
    note: JSON.stringify(note),
  })()
  if (begun._tag === 'Left') throw refusal(begun.left, asked)
  applied(reply, 'respond-async')
  if (separateStatus) applied(reply, 'separate-export-status')
  return sendAccepted(reply, statusUrl(context, request, begun.right.id))
}

function levelOf(request: FastifyRequest, level: Level): NonNullable<ExportOptions['level']> {
  const { id = '' } = request.params as { readonly id?: string }
  return level === 'group' ? { group: id } : level
}

/** With its query, below the base. */
const pathOf = ({ url }: FastifyRequest): string => url.replace(/^.*?\/fhir(?=\/)/, '')

/** What the store calls it, and which parameter has said it. */
const parameters: Readonly<Record<string, string>> = {
  types: '_type',
  typeFilters: '_typeFilter',
  elements: '_elements',
  since: '_since',
  until: '_until',
  patients: 'patient',
}

function refusal(error: AnnalsError, { problem }: Asked): Error {
  const { what = '' } = error.data as { readonly what?: string }
  if (error._tag === 'LimitExceeded' && error.data.unit === 'exports')
    return tooOften('too many exports wait already', busyFor)
  const said = parameters[what]
  const text = error._tag === 'InvalidInput' || error._tag === 'NotSupported' ? error.data.problem : error.message
  if (what === 'group') return new HttpProblem(404, 'not-found', text, {}, inUrl)
  if (said === undefined) return error
  const code = outcomeOf(error).issue[0]?.code
  return problem(said, text, code === 'invalid' ? 'value' : code, statusOf(error))
}
