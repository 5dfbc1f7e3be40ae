/** Content negotiation: what clients send and take is JSON. (FHIR R4, RESTful API: content types and encodings) */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { parse, stringify } from 'lossless-json'
import { HttpProblem } from './failures.js'
import { inHeader, inParameter } from './places.js'

export const fhirJson = 'application/fhir+json; charset=utf-8'

const inContentType = inHeader('Content-Type')

const taken = new Set(['application/fhir+json', 'application/json', 'application/json+fhir', 'text/json'])
const formats = new Set([...taken, 'json', '*/*', 'application/*'])

/** `_format` goes before Accept. */
export function checkAccept({ headers, query }: FastifyRequest): void {
  const { _format: format } = query as { _format?: string | string[] }
  // A plus in a URL is a space.
  const asked = format === undefined ? (headers.accept ?? '*/*') : String(format).replaceAll(' ', '+')
  const isTaken = asked.split(',').some((each) => {
    const [type = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase())
    return formats.has(type) && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })
  if (isTaken) return
  const place = format === undefined ? inHeader('Accept') : inParameter('_format')
  throw new HttpProblem(406, 'not-supported', 'resources are written as application/fhir+json only', {}, place)
}

export function checkContentType({ headers }: FastifyRequest, others: ReadonlyArray<string> = []): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').split(';').map((part) => part.trim().toLowerCase())
  if (!taken.has(type) && !others.includes(type)) {
    const known = ['application/fhir+json', ...others].join(' or ')
    throw new HttpProblem(415, 'not-supported', `a body is sent as ${known}`, {}, inContentType)
  }
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '')
  if (charset !== undefined && charset !== 'utf-8')
    throw new HttpProblem(415, 'not-supported', 'a body is sent as UTF-8', {}, inContentType)
}

/** What is sent compressed could become any number of bytes. (RFC 9110, 12.5.3: with what would be taken) */
export function checkContentEncoding({ headers }: FastifyRequest): void {
  const { 'content-encoding': encoding = 'identity' } = headers
  if (encoding.toLowerCase() === 'identity') return
  const taken = { 'accept-encoding': 'identity' }
  throw new HttpProblem(415, 'not-supported', 'a body is sent as it is', taken, inHeader('Content-Encoding'))
}

/** Bytes as they are stored; with `_pretty` the same values on lines of their own, every digit kept. */
export function sendJson(request: FastifyRequest, reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  const { _pretty: pretty } = request.query as { _pretty?: string }
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  reply.header('content-type', fhirJson)
  return reply.send(pretty === 'true' ? `${stringify(parse(body.toString()), null, 2)}\n` : body)
}
