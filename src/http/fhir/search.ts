/** The resources of a type: those that a condition selects, or all of them by id, page by page; also as they were at an instant. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { encodePage, type PageEntry } from '../../../domain/fhir/bundle/response.js'
import { parseInstant } from '../../../domain/instant.js'
import { orThrow } from '../../../domain/task.js'
import type { ResourceVersion, Tenant } from '../../index.js'
import { checkAccess } from '../access/caller.js'
import { baseOf, type Context, instantIn, queryOf, tenantOf, typeOf } from '../context.js'
import { parameterProblem } from '../failures.js'
import { checkAccept, checkContentType, sendJson } from '../formats.js'
import { lastUpdatedIn } from './last-updated.js'
import { checkParameters, countOf, linksOf } from './paging.js'

export function addSearches(app: FastifyInstance, context: Context): void {
  app.get('/:type', (request, reply) => search(context, request, reply, queryOf(request)))
  app.post('/:type/_search', (request, reply) => {
    checkContentType(request, ['application/x-www-form-urlencoded'])
    const query = queryOf(request)
    for (const [name, value] of new URLSearchParams(String(request.body ?? ''))) query.append(name, value)
    return search(context, request, reply, query)
  })
}

const searchParameters = new Set([
  '_id',
  'identifier',
  'url',
  '_lastUpdated',
  '_at',
  '_count',
  '_summary',
  '_total',
  '_page',
])
const conditions = ['_id', 'identifier', 'url']
/** Each of them has to hold. */
const criteria = new Set([...conditions, '_lastUpdated'])

async function search(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  query: URLSearchParams,
): Promise<FastifyReply> {
  checkAccept(request)
  const type = typeOf(request)
  checkAccess(request, 's', type)
  checkParameters(request, query, searchParameters, criteria)
  const summary = query.get('_summary')
  if (summary !== null && summary !== 'count' && summary !== 'false')
    throw parameterProblem('_summary', "it is 'count' here", 'not-supported')
  const tenant = await tenantOf(context, request)
  const base = baseOf(context, request)
  const isLater = lastUpdatedIn(query.getAll('_lastUpdated'))
  const found = await matches(tenant, type, query, isLater, summary === 'count')
  const entries = found.entries.filter(isLater)
  const total = found.total ?? (found.cursor === undefined && found.isAll ? entries.length : undefined)
  const link = linksOf(`${base}/${type}`, query, found.cursor)
  const shown = summary === 'count' ? [] : entries
  const encoded = shown.map(
    ({ type, id, body }): PageEntry => ({
      fullUrl: `${base}/${type}/${id}`,
      ...(body === undefined ? undefined : { resource: body }),
      search: { mode: 'match' },
    }),
  )
  return sendJson(
    request,
    reply,
    encodePage('searchset', { ...(total === undefined ? undefined : { total }), link }, encoded),
  )
}

interface Matches {
  readonly entries: ReadonlyArray<ResourceVersion>
  readonly cursor?: string
  /** Whether these are all there are. */
  readonly isAll: boolean
  readonly total?: number
}

async function matches(
  tenant: Tenant,
  type: string,
  query: URLSearchParams,
  isLater: (version: ResourceVersion) => boolean,
  isCount: boolean,
): Promise<Matches> {
  const count = countOf(query)
  const asOf = query.get('_at')
  const at = asOf === null ? {} : { at: instantIn('_at', asOf) }
  const condition = new URLSearchParams([...query].filter(([name]) => conditions.includes(name)))
  if (condition.size > 0) {
    const page = query.get('_page')
    const place = page === null ? { after: '', at: await settled(tenant, at.at) } : placeIn(page)
    return selected(tenant, type, condition.toString(), place, count, isLater)
  }
  if (isCount && !query.has('_lastUpdated')) return { entries: [], isAll: true, total: await tenant.count(type, at) }
  if (isCount) throw parameterProblem('_summary', 'what _lastUpdated selects is not counted', 'not-supported')
  const cursor = query.get('_page') ?? undefined
  const page = await tenant.list(type, {
    count: Math.max(1, count),
    ...(cursor === undefined ? at : { cursor }),
  })
  const isAll = cursor === undefined && page.cursor === undefined
  return count === 0 ? { entries: [], isAll: false } : { ...page, isAll }
}

/** An instant that no later write moves: not beyond the head. */
async function settled(tenant: Tenant, at: string | undefined): Promise<string> {
  const head = (await tenant.head()).at
  return at !== undefined && orThrow(parseInstant(at)) < orThrow(parseInstant(head)) ? at : head
}

/** A page of what a condition selects, by id. All pages are of the instant of the first. */
async function selected(
  tenant: Tenant,
  type: string,
  condition: string,
  { after, at }: { readonly after: string; readonly at: string },
  count: number,
  isLater: (version: ResourceVersion) => boolean,
): Promise<Matches> {
  const all = (await tenant.match(type, condition, { at })).filter(isLater)
  const rest = all.filter(({ id }) => id > after)
  const entries = rest.slice(0, count)
  const last = entries.at(-1)
  const next = last !== undefined && rest.length > count ? { cursor: pageAfter(last.id, at) } : undefined
  return { entries, ...next, isAll: true, total: all.length }
}

const pageAfter = (after: string, at: string): string => Buffer.from(JSON.stringify([after, at])).toString('base64url')

function placeIn(page: string): { readonly after: string; readonly at: string } {
  const [, after, at] =
    /^\["([A-Za-z0-9\-.]{1,64})","([0-9TZ:.-]{1,40})"\]$/.exec(Buffer.from(page, 'base64url').toString()) ?? []
  if (after !== undefined && at !== undefined) return { after, at: instantIn('_page', at) }
  throw parameterProblem('_page', 'it was not made by this server')
}
