/** The resources of a type: those that a condition selects, or all of them by id, page by page; also as they were at an instant. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { encodePage, type PageEntry } from '../../../domain/fhir/bundle/response.js'
import { searchParametersOf } from '../../../domain/fhir/search-parameters.js'
import { parseInstant } from '../../../domain/instant.js'
import { orThrow } from '../../../domain/task.js'
import type { ResourceVersion, Tenant } from '../../index.js'
import { checkAccess } from '../access/caller.js'
import { baseOf, type Context, formatParameters, instantIn, queryOf, tenantOf, typeOf } from '../context.js'
import { parameterProblem } from '../failures.js'
import { checkAccept, formIn, sendJson } from '../formats.js'
import { lastUpdatedIn } from './last-updated.js'
import { checkParameters, countOf, linksOf } from './paging.js'

/** The largest form: as much as a URL may hold, several times over. */
const maxFormBytes = 64 * 1024

export function addSearches(app: FastifyInstance, context: Context): void {
  const bodyLimit = Math.min(maxFormBytes, context.settings.maxBodyBytes)
  app.get('/:type', (request, reply) => search(context, request, reply, queryOf(request)))
  app.post('/:type/_search', { bodyLimit }, (request, reply) => {
    const query = queryOf(request)
    const form = formIn(request)
    request.query = { ...formatIn(form), ...(request.query as object) }
    for (const [name, value] of form) query.append(name, value)
    return search(context, request, reply, query)
  })
}

/** Takes out of a form what is about the form of the answer. */
function formatIn(form: URLSearchParams): Record<string, string> {
  const said = formatParameters.flatMap((name) => form.getAll(name).map((value) => [name, value] as const))
  for (const name of formatParameters) form.delete(name)
  return Object.fromEntries(said)
}

const conditions = ['_id', 'identifier', 'url']
/** What is said of the answer. */
const resultParameters = ['_at', '_count', '_summary', '_total', '_page']

async function search(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  query: URLSearchParams,
): Promise<FastifyReply> {
  checkAccept(request)
  const type = typeOf(request)
  checkAccess(request, 's', type)
  // Of several criteria, each has to hold.
  const criteria = searchParametersOf(type, request.fhirVersion).map(({ name }) => name)
  checkParameters(request, query, new Set([...criteria, ...resultParameters]), new Set(criteria))
  const [summary, total] = [oneOf(query, '_summary', summaries), oneOf(query, '_total', totals)]
  const isCount = summary === 'count' || countOf(query) === 0
  const tenant = await tenantOf(context, request)
  const base = baseOf(context, request)
  const isLater = lastUpdatedIn(query.getAll('_lastUpdated'))
  const found = await matches(tenant, type, query, isLater, isCount, total === 'accurate')
  const entries = isCount ? [] : found.entries.filter(isLater)
  const counted = found.total ?? (found.cursor === undefined && found.isAll ? entries.length : undefined)
  const link = linksOf(request, `${base}/${type}`, query, isCount ? undefined : found.cursor)
  const encoded = entries.map(
    ({ type, id, body }): PageEntry => ({
      fullUrl: `${base}/${type}/${id}`,
      ...(body === undefined ? undefined : { resource: body }),
      search: { mode: 'match' },
    }),
  )
  return sendJson(
    request,
    reply,
    encodePage('searchset', { ...(counted === undefined ? undefined : { total: counted }), link }, encoded),
  )
}

const summaries = ['count', 'false']
const totals = ['none', 'estimate', 'accurate']

function oneOf(query: URLSearchParams, name: string, known: ReadonlyArray<string>): string | undefined {
  const value = query.get(name) ?? undefined
  if (value === undefined || known.includes(value)) return value
  throw parameterProblem(name, `it is one of ${known.join(', ')} here`, 'not-supported')
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
  isCounted: boolean,
): Promise<Matches> {
  const asOf = query.get('_at')
  const at = asOf === null ? {} : { at: instantIn('_at', asOf) }
  const condition = new URLSearchParams([...query].filter(([name]) => conditions.includes(name)))
  if (condition.size > 0) {
    const page = query.get('_page')
    const place = page === null ? { after: '', at: await settled(tenant, at.at) } : placeIn(page)
    return selected(tenant, type, condition.toString(), place, countOf(query), isLater)
  }
  if (isCount && !query.has('_lastUpdated')) return { entries: [], isAll: true, total: await tenant.count(type, at) }
  if (isCount) throw parameterProblem('_lastUpdated', 'what it selects is not counted', 'not-supported')
  const cursor = query.get('_page') ?? undefined
  const page = await tenant.list(type, { count: countOf(query), ...(cursor === undefined ? at : { cursor }) })
  const isAll = cursor === undefined && page.cursor === undefined
  const isWanted = isCounted && !isAll && cursor === undefined && !query.has('_lastUpdated')
  return { ...page, isAll, ...(isWanted ? { total: await tenant.count(type, at) } : undefined) }
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
