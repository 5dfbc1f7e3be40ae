/** Who may submit, and whose a submission is. */
import type { FastifyRequest } from 'fastify'
import type { SubmissionName, SubmissionStatus, Tenant } from '../../index.js'
import { checkAccess } from '../access/caller.js'
import { HttpProblem } from '../failures.js'
import { inBody } from '../places.js'

/** Files hold resources of whatever types, which are created, updated and deleted, unless the scope is that of submissions itself. */
export function checkSubmitter(request: FastifyRequest): void {
  if (request.caller.maySubmit === true) return
  for (const permission of ['c', 'u', 'd'] as const) checkAccess(request, permission, '*')
}

/** A submission is for whoever has begun it, and for nobody else there. */
export async function ownSubmission(
  { caller }: FastifyRequest,
  { submissions }: Tenant,
  name: SubmissionName,
): Promise<SubmissionStatus> {
  const found = await submissions.status(name)
  if (found !== undefined && found.options.actor === caller.actor) return found
  throw new HttpProblem(404, 'not-found', 'there is no such submission', {}, inBody)
}
