/** Interactions with one resource: read, vread, create, update, patch, delete, and their conditional forms. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { EntryResponse } from '../../../domain/fhir/bundle/response.js'
import type { InteractionRequest, ResourceVersion } from '../../index.js'
import { checkAccess, permitOf } from '../access/caller.js'
import { auditOf, baseOf, type Context, instantIn, queryOf, tenantOf, typeOf } from '../context.js'
import { isUnchanged } from '../entity-tags.js'
import { HttpProblem, parameterProblem } from '../failures.js'
import { checkAccept, checkContentType, sendJson, variesByAccept } from '../formats.js'
import { inBody, inHeader } from '../places.js'
import { applied, isLenient, type Return, returnIn } from '../preferences.js'
import { binaryOfContent, isContent, sendContent, wantedContent } from './binary.js'
import { provenanceOf } from './provenance.js'

type Method = InteractionRequest['method']

const permissions = { POST: 'c', PUT: 'u', PATCH: 'u', DELETE: 'd' } as const

export function addResources(app: FastifyInstance, context: Context): void {
  app.get('/:type/:id', (request, reply) => read(context, request, reply))
  app.get('/:type/:id/_history/:version', (request, reply) => read(context, request, reply))
  app.post('/:type', (request, reply) => write(context, 'POST', request, reply))
  for (const method of ['PUT', 'PATCH', 'DELETE'] as const) {
    const handler = (request: FastifyRequest, reply: FastifyReply) => write(context, method, request, reply)
    app.route({ method, url: '/:type/:id', handler })
    app.route({ method, url: '/:type', handler })
  }
}

async function read(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const type = typeOf(request)
  // Of a Binary, its content may be wanted.
  if (type !== 'Binary') checkAccept(request)
  checkAccess(request, 'r', type)
  const { id, version } = request.params as { id: string; version?: string }
  const query = queryOf(request)
  checkWhole(request, query)
  const asOf = query.get('_at')
  if (query.getAll('_at').length > 1) throw parameterProblem('_at', 'it may be there once only')
  if (asOf !== null && version !== undefined)
    throw parameterProblem('_at', 'a version is what it was, whenever; leave it out', 'not-supported')
  const at = asOf === null ? undefined : instantIn('_at', asOf)
  const tenant = await tenantOf(context, request)
  const found =
    version === undefined
      ? await tenant.read(type, id, at === undefined ? {} : { at })
      : /^[1-9]\d{0,14}$/.test(version)
        ? await tenant.read(type, id, { version: Number(version) })
        : undefined
  if (found === undefined) {
    const of = version === undefined ? '' : ' of this version'
    throw new HttpProblem(404, 'not-found', `there is no ${type}/${id}${of}`)
  }
  const headers = headersOf(found)
  if (found.deleted) throw new HttpProblem(410, 'deleted', `${type}/${id} is deleted`, headers)
  const body = found.body as Uint8Array
  const content = type === 'Binary' ? wantedContent(request, body) : undefined
  reply.headers({ ...headers, 'content-location': placeOf(baseOf(context, request), found) })
  if (isUnchanged(request, headers.etag, found.at)) return variesByAccept(reply).code(304).send()
  return content === undefined ? sendJson(request, reply, body) : sendContent(reply, content)
}

/** Who asks for a part of a resource, and gets all of it, could take it for less than it is. */
function checkWhole(request: FastifyRequest, query: URLSearchParams): void {
  for (const name of ['_summary', '_elements'])
    if (query.has(name) && query.get(name) !== 'false' && !isLenient(request))
      throw parameterProblem(
        name,
        "a resource is answered whole; 'Prefer: handling=lenient' takes that",
        'not-supported',
      )
}

const headersOf = ({ version, at }: Pick<ResourceVersion, 'version' | 'at'>) => ({
  etag: `W/"${version}"`,
  'last-modified': new Date(at).toUTCString(),
})

/** The URL of a version. */
const placeOf = (base: string, { type, id, version }: Pick<EntryResponse, 'type' | 'id' | 'version'>): string =>
  `${base}/${type}/${id}/_history/${version}`

async function write(
  context: Context,
  method: Exclude<Method, 'GET'>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  checkAccept(request)
  const preference = returnIn(request)
  checkAccess(request, permissions[method], typeOf(request))
  const interaction = interactionOf(method, request)
  const provenance = provenanceOf(request)
  if ('provenance' in provenance) checkAccess(request, 'c', 'Provenance')
  const tenant = await tenantOf(context, request)
  const isShown = method !== 'DELETE' && (preference ?? 'representation') === 'representation'
  const answer = await tenant.interact(interaction, {
    ...auditOf(request),
    ...permitOf(request),
    ...provenance,
    return: isShown ? 'representation' : 'minimal',
  })
  const { status, version, at } = answer
  reply.code(status)
  if (version !== undefined && at !== undefined) reply.headers(headersOf({ version, at }))
  else if (version !== undefined) reply.header('etag', `W/"${version}"`)
  const place = placeOf(baseOf(context, request), answer)
  if (status === 201 || (method === 'POST' && version !== undefined)) reply.header('location', place)
  if (answer.resource !== undefined) reply.header('content-location', place)
  return sendAnswer(request, reply, answer, preference)
}

/** What was written, unless the client prefers something else. Only who asks for an outcome gets one. */
function sendAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, type, id, version, resource }: EntryResponse,
  preference: Return | undefined,
): FastifyReply {
  if (preference === 'OperationOutcome') {
    applied(reply, 'return=OperationOutcome')
    const diagnostics = id === undefined ? 'there was nothing to delete' : `${type}/${id} is at version ${version}`
    const issue = [{ severity: 'information', code: 'informational', diagnostics }]
    // A 204 has no content.
    reply.code(status === 204 ? 200 : status)
    return sendJson(request, reply, Buffer.from(JSON.stringify({ resourceType: 'OperationOutcome', issue })))
  }
  if (preference === 'minimal') applied(reply, 'return=minimal')
  if (preference === 'minimal' || resource === undefined) return reply.send()
  if (preference === 'representation') applied(reply, 'return=representation')
  return sendJson(request, reply, resource)
}

/** What is asked for, as the entry of a Bundle says it. */
function interactionOf(method: Exclude<Method, 'GET'>, request: FastifyRequest): InteractionRequest {
  const type = typeOf(request)
  const { id } = request.params as { id?: string }
  const query = queryOf(request).toString()
  const body = bodyOf(method, request)
  const isConditional = method !== 'POST' && id === undefined
  if (isConditional && query === '') throw new HttpProblem(400, 'required', 'the URL: an id is needed, or a condition')
  if (!isConditional && query !== '')
    throw new HttpProblem(400, 'value', 'the URL: what is written by its type or id has no parameters')
  return {
    method,
    // What was percent-encoded stays so: a question mark in an id is none of a condition.
    url: isConditional ? `${type}?${query}` : id === undefined ? type : `${type}/${encodeURIComponent(id)}`,
    ...(body === undefined ? undefined : { body }),
    ...conditionsOf(request),
  }
}

const onlyTags = 'If-Unmodified-Since: what is written goes by If-Match, since a second may hold several versions'

function conditionsOf({
  headers,
}: FastifyRequest): Pick<InteractionRequest, 'ifMatch' | 'ifNoneMatch' | 'ifNoneExist'> {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch, 'if-none-exist': ifNoneExist } = headers
  if (headers['if-unmodified-since'] !== undefined)
    throw new HttpProblem(400, 'not-supported', onlyTags, {}, inHeader('If-Unmodified-Since'))
  return {
    ...(ifMatch === undefined ? undefined : { ifMatch }),
    ...(ifNoneMatch === undefined ? undefined : { ifNoneMatch }),
    ...(ifNoneExist === undefined ? undefined : { ifNoneExist: String(ifNoneExist) }),
  }
}

function bodyOf(method: Method, request: FastifyRequest): Uint8Array | undefined {
  if (method === 'DELETE') return undefined
  const isBinary = method !== 'PATCH' && typeOf(request) === 'Binary' && isContent(request)
  if (!isBinary) checkContentType(request, method === 'PATCH' ? ['application/json-patch+json'] : [])
  const body = request.body as Buffer | undefined
  if (body === undefined || body.length === 0) throw new HttpProblem(400, 'required', 'a body is needed', {}, inBody)
  return isBinary ? binaryOfContent(request, body) : body
}
