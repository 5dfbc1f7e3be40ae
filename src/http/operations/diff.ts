/** `$diff`: what leads from one version of a resource to another, as a FHIRPath Patch or a JSON Patch. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { fhirPathPatchBetween } from '../../../domain/fhir/patch/between.js'
import { jsonPatchBetween } from '../../../domain/patch/between.js'
import { orThrow } from '../../../domain/task.js'
import type { ResourceVersion, Tenant } from '../../index.js'
import { checkAccess } from '../access/caller.js'
import { type Context, tenantOf, typeOf } from '../context.js'
import { HttpProblem } from '../failures.js'
import { sendJson, wantedOf } from '../formats.js'
import { diff as operation } from './definitions.js'
import { type Input, inputOf } from './input.js'
import { restamped } from './restamped.js'

const jsonPatch = 'application/json-patch+json'

export function addDiff(app: FastifyInstance, context: Context): void {
  for (const method of ['GET', 'POST'] as const)
    app.route({ method, url: '/:type/:id/$diff', handler: (request, reply) => diff(context, request, reply) })
}

async function diff(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const format = wantedOf(request, [jsonPatch])
  const type = typeOf(request)
  checkAccess(request, 'r', type)
  const { id } = request.params as { id: string }
  const input = inputOf(request, operation)
  const tenant = await tenantOf(context, request)
  const to = await versionOf(tenant, type, id, input, 'to', input.count('to'))
  const from = await versionOf(tenant, type, id, input, 'from', input.count('from') ?? to.version - 1)
  const [before, after] = [from.body as Uint8Array, restamped(to.body as Uint8Array, from)]
  return format === jsonPatch
    ? reply.header('content-type', jsonPatch).send(jsonPatchBetween(before, after))
    : sendJson(request, reply, orThrow(fhirPathPatchBetween(before, after, request.fhirVersion)))
}

/** A version with content. `version`: `undefined` for the last one. */
async function versionOf(
  tenant: Tenant,
  type: string,
  id: string,
  input: Input,
  name: 'from' | 'to',
  version: number | undefined,
): Promise<ResourceVersion> {
  if (version === 0) throw input.problem(name, `there is no version before the first`, 'not-found', 404)
  const found = await tenant.read(type, id, version === undefined ? {} : { version })
  if (found === undefined && version === undefined) throw new HttpProblem(404, 'not-found', `there is no ${type}/${id}`)
  if (found === undefined) throw input.problem(name, `${type}/${id} has no version ${version}`, 'not-found', 404)
  if (!found.deleted) return found
  const problem = `version ${found.version} of ${type}/${id} is its deletion: say versions that have content, by from and to`
  throw input.problem(name, problem, 'deleted', 410)
}
