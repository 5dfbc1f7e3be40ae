/** `$log`: the commits of a log as newline-delimited JSON, or as server-sent events that go on with new ones. */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { parsePosition } from '../../../domain/position.js'
import type { CommitsOptions, Tenant } from '../../index.js'
import { checkAccess, whileLetIn } from '../access/caller.js'
import { type Context, tenantOf } from '../context.js'
import { HttpProblem } from '../failures.js'
import { negotiated } from '../formats.js'
import { inHeader } from '../places.js'
import { eventId, events, lines } from './commit-stream.js'
import { log as operation } from './definitions.js'
import { type Input, inputOf } from './input.js'
import type { Readers } from './readers.js'

const eventStream = 'text/event-stream'
const formats = ['application/x-ndjson', 'application/ndjson', eventStream]

export function addLog(app: FastifyInstance, context: Context, readers: Readers): void {
  for (const method of ['GET', 'POST'] as const)
    app.route({ method, url: '/$log', handler: (request, reply) => log(context, readers, request, reply) })
}

async function log(
  context: Context,
  readers: Readers,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const format = negotiated(request, formats)
  if (format === undefined) {
    const problem = `the log is written as ${formats[0]} or ${eventStream}`
    throw new HttpProblem(406, 'not-supported', problem, {}, inHeader('Accept'))
  }
  // All there is, as it is and as it was.
  for (const permission of ['r', 's'] as const) checkAccess(request, permission, '*')
  const input = inputOf(request, operation)
  const tenant = logOf(await tenantOf(context, request), input)
  const isFollowing = format === eventStream
  const options = isFollowing ? await beginningOf(tenant, request, input) : await rangeOf(tenant, input)
  const what = { ...options, bodies: input.flag('bodies') !== false, headers: input.flag('headers') === true }
  reply.header('content-type', format)
  if (request.method === 'HEAD') return reply.send()
  const signal = readers.enter(reply.raw, isFollowing)
  if (isFollowing) {
    // Proxies that gather what they pass on would hold events back.
    reply.header('x-accel-buffering', 'no')
    const commits = tenant.commits({ ...what, follow: true, signal: whileLetIn(request, signal) })
    return reply.send(Readable.from(events(commits, context.settings.heartbeatMs), { objectMode: false }))
  }
  return reply.send(Readable.from(lines(tenant.commits({ ...what, signal }), signal), { objectMode: false }))
}

/** Of a tenant of several logs, the one that is asked for: each has a chain of its own. */
function logOf(tenant: Tenant, input: Input): Tenant {
  const { partitions } = tenant
  const partition = input.count('partition') ?? (partitions.length === 1 ? 0 : undefined)
  const found = partition === undefined ? undefined : partitions[partition]
  if (found !== undefined) return found
  throw input.problem(
    'partition',
    `it says which log is meant, from 0 to ${partitions.length - 1}`,
    partition === undefined ? 'required' : 'value',
  )
}

async function rangeOf(tenant: Tenant, input: Input): Promise<Pick<CommitsOptions, 'from' | 'to'>> {
  const [from = 1, to, count] = [input.count('from'), input.count('to'), input.count('_count')]
  await checkFrom(tenant, input, from)
  if (to !== undefined && to < from) throw input.problem('to', 'it comes before the first commit that is asked for')
  const last = Math.min(to ?? Number.MAX_SAFE_INTEGER, count === undefined ? Number.MAX_SAFE_INTEGER : from + count - 1)
  return { from, ...(last === Number.MAX_SAFE_INTEGER ? undefined : { to: last }) }
}

/** A client that comes again says what it had last, and goes on behind it. */
async function beginningOf(
  tenant: Tenant,
  request: FastifyRequest,
  input: Input,
): Promise<Pick<CommitsOptions, 'from'>> {
  for (const name of ['to', '_count'])
    if (input.count(name) !== undefined) throw input.problem(name, 'events have no end', 'not-supported')
  const { 'last-event-id': last } = request.headers
  if (typeof last === 'string' && last !== '') return { from: (await commitOf(tenant, last)) + 1 }
  const from = input.count('from') ?? 1
  await checkFrom(tenant, input, from)
  return { from }
}

async function checkFrom(tenant: Tenant, input: Input, from: number): Promise<void> {
  const { seq } = await tenant.head()
  if (from > seq + 1) throw input.problem('from', `the log has no commit ${from - 1} yet`)
}

/** The commit whose event has this id. Of any other id it is not known what comes behind it. */
async function commitOf(tenant: Tenant, id: string): Promise<number> {
  const position = parsePosition(id)
  if (position._tag === 'Right') {
    const { seq } = position.right
    const { seq: head } = await tenant.head()
    if (seq >= 1 && seq <= head)
      for await (const commit of tenant.commits({ from: seq, to: seq, bodies: false }))
        if (eventId(commit) === id) return seq
  }
  throw new HttpProblem(400, 'value', 'Last-Event-ID: no event of this log has this id', {}, inHeader('Last-Event-ID'))
}
