/** The base of the server: what it can do, and Bundles. */
import type { FastifyInstance } from 'fastify'
import { sha256 } from '../../../domain/commit.js'
import { permitOf } from '../access/caller.js'
import { securityOf } from '../access/smart.js'
import { auditOf, baseOf, type Context, tenantOf } from '../context.js'
import { isUnchanged } from '../entity-tags.js'
import { HttpProblem, sendBundleFailure } from '../failures.js'
import { checkAccept, checkContentType, sendJson, variesByAccept } from '../formats.js'
import { inBody } from '../places.js'
import { applied, returnIn } from '../preferences.js'
import { capabilityStatement } from './capability.js'
import { provenanceOf } from './provenance.js'

/**
 * Of the tenant of the server, where it has no other: of those that clients choose, it is not told whether they exist.
 * What cannot be asked for now is told as if it had one log, as nearly all have.
 */
async function isPartitioned({ store, settings }: Context): Promise<boolean> {
  if (settings.tenancy.from !== 'single') return false
  const found = await store.fp.tenant(settings.tenant, { fhirVersion: settings.fhirVersion })()
  return found._tag === 'Right' && found.right.partitions.length > 1
}

export function addBase(app: FastifyInstance, context: Context, version: string): void {
  app.get('/metadata', { config: { isOpen: true } }, async (request, reply) => {
    checkAccept(request)
    const bytes = Buffer.from(
      JSON.stringify(
        capabilityStatement({
          url: baseOf(context, request),
          version,
          fhirVersion: request.fhirVersion,
          security: securityOf(context.settings),
          isPartitioned: await isPartitioned(context),
        }),
      ),
    )
    const etag = `W/"${sha256(bytes).slice(0, 16)}"`
    reply.header('etag', etag)
    return isUnchanged(request, etag) ? variesByAccept(reply).code(304).send() : sendJson(request, reply, bytes)
  })
  app.post('/', { bodyLimit: context.settings.maxBundleBytes }, async (request, reply) => {
    checkAccept(request)
    checkContentType(request)
    const body = request.body as Buffer | undefined
    if (body === undefined || body.length === 0)
      throw new HttpProblem(400, 'required', 'a Bundle is needed', {}, inBody)
    const tenant = await tenantOf(context, request)
    const preference = returnIn(request)
    const how = { return: preference === 'representation' ? preference : 'minimal' } as const
    const base = baseOf(context, request)
    const maxEntries = context.settings.maxBundleEntries
    const options = { ...auditOf(request), ...permitOf(request), ...provenanceOf(request), ...how, base, maxEntries }
    const answer = await tenant.fp.bundle(body, options)()
    if (answer._tag === 'Left') return sendBundleFailure(answer.left, request, reply)
    if (preference === how.return) applied(reply, `return=${preference}`)
    return sendJson(request, reply, answer.right.bytes())
  })
}
