/** The files of an export: whole or in ranges, piece by piece as the client takes them. (RFC 9110, 14: range requests) */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ExportPart } from '../../index.js'
import { forbidden } from '../access/caller.js'
import type { Context } from '../context.js'
import { HttpProblem } from '../failures.js'
import { inHeader } from '../places.js'
import { type Job, jobOf, mayHave } from './export-jobs.js'

/** How much of a file is in memory at a time, for each client that reads. */
const pieceBytes = 4 * 1024 * 1024

interface Range {
  readonly start: number
  /** The first byte behind it. */
  readonly end: number
}

export function addFiles(scope: FastifyInstance, context: Context): void {
  scope.get('/$export/:job/*', (request, reply) => download(context, request, reply))
}

async function download(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const job = await jobOf(context, request)
  const { '*': name } = request.params as { readonly '*': string }
  const part = job.status.state === 'complete' ? job.status.parts.find((each) => each.name === name) : undefined
  if (part === undefined) throw new HttpProblem(404, 'not-found', 'the export has no such file')
  if (!mayHave(request, job.note)(part)) throw forbidden(`no permission to search and read what is in the file`)
  const { bytes } = part
  const range = rangeIn(request, bytes)
  const { start, end } = range ?? { start: 0, end: bytes }
  reply.headers({
    'content-type': 'application/fhir+ndjson',
    'content-length': end - start,
    'accept-ranges': 'bytes',
    vary: 'accept-encoding',
  })
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${bytes}`)
  // Of a stream Fastify would read all of it, and of nothing it would say that it has no bytes.
  if (request.method === 'HEAD') return reply.send(Readable.from([], { objectMode: false }))
  const pieces = piecesOf(job, part, { start, end })
  // What fails at once is answered as a failure.
  const first = await pieces.next()
  return reply.send(Readable.from(after(first, pieces), { objectMode: false }))
}

async function* piecesOf({ tenant, status }: Job, { name }: ExportPart, { start, end }: Range) {
  for (let at = start; at < end; at += pieceBytes)
    yield await tenant.exports.read(status.id, name, { start: at, end: Math.min(at + pieceBytes, end) })
}

async function* after(first: IteratorResult<Uint8Array, void>, rest: AsyncGenerator<Uint8Array, void>) {
  if (first.done === true) return
  yield first.value
  yield* rest
}

/**
 * The range that is asked for; `undefined`: all of it, as also where there are several, or a validator (If-Range), of which the server
 * has made none.
 */
function rangeIn({ headers }: FastifyRequest, size: number): Range | undefined {
  if (headers['if-range'] !== undefined) return undefined
  const [, from, to, last] = /^bytes=(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))$/.exec(headers.range ?? '') ?? []
  if (from !== undefined) return checked(Number(from), to === undefined ? size : Number(to) + 1, size)
  if (last === undefined) return undefined
  return checked(Number(last) === 0 ? size : Math.max(0, size - Number(last)), size, size)
}

function checked(start: number, end: number, size: number): Range | undefined {
  // Ends before it begins: no range at all. (RFC 9110, 14.1.1)
  if (start < size && end <= start) return undefined
  if (start < size) return { start, end: Math.min(end, size) }
  const headers = { 'content-range': `bytes */${size}` }
  throw new HttpProblem(416, 'value', `the file has ${size} bytes`, headers, inHeader('Range'))
}
