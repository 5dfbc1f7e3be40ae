/** Histories and lists, page by page. A link to the next page holds a cursor, which no write can move. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { annalsError } from '../../domain/error.js'
import { encodePage, type PageEntry } from '../../domain/fhir/bundle/response.js'
import type { ResourceVersion, Tenant } from '../index.js'
import { baseOf, type Context, isLenient, queryOf, tenantOf, typeOf } from './context.js'
import { HttpProblem } from './failures.js'
import { checkAccept, checkContentType, sendJson } from './formats.js'
import { instantIn } from './resources.js'

const defaultCount = 50
const largestCount = 1_000

export function addPages(app: FastifyInstance, context: Context): void {
  for (const url of ['/_history', '/:type/_history', '/:type/:id/_history'])
    app.get(url, (request, reply) => history(context, request, reply))
  app.get('/:type', (request, reply) => search(context, request, reply, queryOf(request)))
  app.post('/:type/_search', (request, reply) => {
    checkContentType(request, ['application/x-www-form-urlencoded'])
    const query = queryOf(request)
    for (const [name, value] of new URLSearchParams(String(request.body ?? ''))) query.append(name, value)
    return search(context, request, reply, query)
  })
}

const historyParameters = new Set(['_count', '_since', '_at', '_sort', '_page'])

async function history(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  checkAccept(request)
  const query = queryOf(request)
  checkParameters(request, query, historyParameters)
  const { id } = request.params as { id?: string }
  const type = 'type' in (request.params as object) ? typeOf(request) : undefined
  const sort = query.get('_sort')
  if (sort !== null && sort !== '-_lastUpdated')
    throw annalsError('NotSupported', { what: '_sort', problem: 'a history comes newest first (-_lastUpdated)' })
  const [since, at] = ['_since', '_at'].map((name) => {
    const text = query.get(name)
    return text === null ? undefined : instantIn(name, text)
  })
  const tenant = await tenantOf(context, request)
  const cursor = query.get('_page') ?? undefined
  const scope = { ...(type === undefined ? undefined : { type }), ...(id === undefined ? undefined : { id }) }
  const count = countOf(query)
  const options = cursor === undefined ? { since, at } : { cursor }
  const page = await tenant.history(scope, { count: Math.max(1, count), ...options })
  if (
    id !== undefined &&
    page.entries.length === 0 &&
    (await tenant.versions(type as string, id, { count: 1 })).entries.length === 0
  )
    throw new HttpProblem(404, 'not-found', `there is no ${type}/${id}`)
  const base = baseOf(context, request)
  const path = [type, id, '_history'].filter((part) => part !== undefined).join('/')
  const link = linksOf(`${base}/${path}`, query, page.cursor)
  const entries = count === 0 ? [] : page.entries.map((entry) => historyEntry(base, entry))
  return sendJson(request, reply, encodePage('history', { link }, entries))
}

function historyEntry(base: string, { type, id, version, op, method, at, body }: ResourceVersion): PageEntry {
  const url = method === 'POST' ? type : `${type}/${id}`
  const status = op === 'delete' ? '204 No Content' : op === 'create' ? '201 Created' : '200 OK'
  return {
    fullUrl: `${base}/${type}/${id}`,
    ...(body === undefined ? undefined : { resource: body }),
    request: { method, url },
    response: { status, etag: `W/"${version}"`, lastModified: at },
  }
}

const searchParameters = new Set(['_id', 'identifier', 'url', '_lastUpdated', '_count', '_summary', '_total', '_page'])
const conditions = ['_id', 'identifier', 'url']

async function search(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  query: URLSearchParams,
): Promise<FastifyReply> {
  checkAccept(request)
  const type = typeOf(request)
  checkParameters(request, query, searchParameters)
  const summary = query.get('_summary')
  if (summary !== null && summary !== 'count' && summary !== 'false')
    throw annalsError('NotSupported', { what: '_summary', problem: "it is 'count' here" })
  const tenant = await tenantOf(context, request)
  const base = baseOf(context, request)
  const isLater = withinOf(query.getAll('_lastUpdated'))
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
  const condition = new URLSearchParams([...query].filter(([name]) => conditions.includes(name)))
  if (condition.size > 0) return selected(tenant, type, condition.toString(), query.get('_page'), count, isLater)
  if (isCount && !query.has('_lastUpdated')) return { entries: [], isAll: true, total: await tenant.count(type) }
  if (isCount)
    throw annalsError('NotSupported', { what: '_summary', problem: 'what _lastUpdated selects is not counted' })
  const cursor = query.get('_page') ?? undefined
  const page = await tenant.list(type, {
    count: Math.max(1, count),
    ...(cursor === undefined ? undefined : { cursor }),
  })
  const isAll = cursor === undefined && page.cursor === undefined
  return count === 0 ? { entries: [], isAll: false } : { ...page, isAll }
}

/** A page of what a condition selects, by id. All pages are of the instant of the first. */
async function selected(
  tenant: Tenant,
  type: string,
  condition: string,
  page: string | null,
  count: number,
  isLater: (version: ResourceVersion) => boolean,
): Promise<Matches> {
  const { after, at } = page === null ? { after: '', at: (await tenant.head()).at } : placeIn(page)
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
  throw annalsError('InvalidInput', { what: '_page', problem: 'it was not made by this server' })
}

const comparisons: Readonly<Record<string, (at: number, from: number, to: number) => boolean>> = {
  eq: (at, from, to) => at >= from && at < to,
  ne: (at, from, to) => at < from || at >= to,
  ge: (at, from) => at >= from,
  gt: (at, _, to) => at >= to,
  le: (at, _, to) => at < to,
  lt: (at, from) => at < from,
  sa: (at, _, to) => at >= to,
  eb: (at, from) => at < from,
}

/** What `_lastUpdated` says, once or more: a prefix and a date or instant, which stands for all of its day, second or moment. */
function withinOf(texts: ReadonlyArray<string>): (version: ResourceVersion) => boolean {
  const criteria = texts.map((text) => {
    const [, prefix = 'eq', instant = ''] = /^([a-z]{2})?(.*)$/.exec(text) ?? []
    const compare = comparisons[prefix]
    const from = Date.parse(instantIn('_lastUpdated', instant))
    if (compare === undefined)
      throw annalsError('InvalidInput', { what: '_lastUpdated', problem: 'its prefix is none' })
    const length = /T/.test(instant) ? (/\.\d/.test(instant) ? 1 : 1_000) : 86_400_000
    return (at: number) => compare(at, from, from + length)
  })
  return ({ at }) => criteria.every((holds) => holds(Date.parse(at)))
}

function checkParameters(request: FastifyRequest, query: URLSearchParams, known: ReadonlySet<string>): void {
  for (const name of new Set(query.keys())) {
    if (known.has(name)) continue
    if (!isLenient(request)) {
      const problem = `it is none of ${[...known].filter((each) => each !== '_page').join(', ')}; with 'Prefer: handling=lenient' it is passed over`
      throw annalsError('NotSupported', {
        what: `the parameter ${/^[\w:.-]{1,40}$/.test(name) ? name : 'there'}`,
        problem,
      })
    }
    query.delete(name)
  }
}

function countOf(query: URLSearchParams): number {
  const text = query.get('_count')
  if (text === null) return defaultCount
  if (!/^\d{1,9}$/.test(text))
    throw annalsError('InvalidInput', { what: '_count', problem: 'a whole number is needed' })
  return Math.min(Number(text), largestCount)
}

function linksOf(url: string, query: URLSearchParams, cursor: string | undefined) {
  const at = (relation: string, page: string | null | undefined) => {
    const own = new URLSearchParams(query)
    own.delete('_page')
    if (page !== null && page !== undefined) own.set('_page', page)
    const text = own.toString()
    return { relation, url: text === '' ? url : `${url}?${text}` }
  }
  return [at('self', query.get('_page')), at('first', undefined), ...(cursor === undefined ? [] : [at('next', cursor)])]
}
