/** Histories at three levels, page by page. A link to the next page holds a cursor, which no write can move. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { encodePage, type PageEntry } from '../../../domain/fhir/bundle/response.js'
import type { Period } from '../../../domain/fhir/period.js'
import { formatInstant } from '../../../domain/instant.js'
import type { HistoryOrder, HistoryPage, ResourceVersion } from '../../index.js'
import { checkAccess } from '../access/caller.js'
import { baseOf, type Context, instantIn, periodIn, queryOf, tenantOf, typeOf } from '../context.js'
import { HttpProblem, parameterProblem } from '../failures.js'
import { checkAccept, sendJson } from '../formats.js'
import { checkParameters, countOf, linksOf } from './paging.js'

export function addHistories(app: FastifyInstance, context: Context): void {
  for (const url of ['/_history', '/:type/_history', '/:type/:id/_history'])
    app.get(url, (request, reply) => history(context, request, reply))
}

const historyParameters = new Set(['_count', '_since', '_at', '_sort', '_page'])

async function history(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  checkAccept(request)
  const query = queryOf(request)
  checkParameters(request, query, historyParameters)
  const { id } = request.params as { id?: string }
  const type = 'type' in (request.params as object) ? typeOf(request) : undefined
  checkAccess(request, id === undefined ? 's' : 'r', type ?? '*')
  const order = orderOf(query.get('_sort') ?? 'none')
  const [since, at] = [query.get('_since'), query.get('_at')]
  const asked = {
    order,
    ...(since === null ? undefined : { since: instantIn('_since', since) }),
    ...(at === null ? undefined : { during: duringOf(periodIn('_at', at)) }),
  }
  const tenant = await tenantOf(context, request)
  const cursor = query.get('_page') ?? undefined
  const scope = { ...(type === undefined ? undefined : { type }), ...(id === undefined ? undefined : { id }) }
  const count = countOf(query)
  const options = cursor === undefined ? asked : { cursor }
  const page = await tenant.history(scope, { count: Math.max(1, count), ...options })
  if (
    id !== undefined &&
    page.entries.length === 0 &&
    (await tenant.versions(type as string, id, { count: 1 })).entries.length === 0
  )
    throw new HttpProblem(404, 'not-found', `there is no ${type}/${id}`)
  const base = baseOf(context, request)
  const path = [type, id, '_history'].filter((part) => part !== undefined).join('/')
  const link = linksOf(request, `${base}/${path}`, query, count === 0 ? undefined : page.cursor)
  const entries = count === 0 ? [] : page.entries.map((entry) => historyEntry(base, entry))
  const total =
    cursor === undefined ? totalOf(page, id !== undefined && since === null && at === null, order) : undefined
  return sendJson(
    request,
    reply,
    encodePage('history', { ...(total === undefined ? undefined : { total }), link }, entries),
  )
}

/** Known where the first page is the last one, and where it begins with the last version of one resource. */
function totalOf({ entries, cursor }: HistoryPage, isWhole: boolean, order: HistoryOrder): number | undefined {
  if (cursor === undefined) return entries.length
  return isWhole && order === 'newest-first' ? entries[0]?.version : undefined
}

const duringOf = ({ from, until }: Period) => ({ from: formatInstant(from), until: formatInstant(until) })

function orderOf(sort: string): HistoryOrder {
  const order = orders.get(sort)
  if (order !== undefined) return order
  throw parameterProblem('_sort', `of a history, it is ${[...orders.keys()].join(', ')}`, 'not-supported')
}

const orders: ReadonlyMap<string, HistoryOrder> = new Map([
  ['-_lastUpdated', 'newest-first'],
  ['_lastUpdated', 'oldest-first'],
  ['none', 'newest-first'],
])

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
