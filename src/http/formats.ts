/** Content types: what clients send and take is JSON. (FHIR R4, RESTful API: content types and encodings, FHIR version parameter) */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { parse, stringify } from 'lossless-json'
import { HttpProblem } from './failures.js'
import { type MediaRange, preferredOf, readAccept, readMediaType } from './negotiation.js'
import { inHeader, inParameter } from './places.js'

const fhirType = 'application/fhir+json'
export const fhirJson = `${fhirType}; charset=utf-8`

/** What the files of bulk data are called. */
export const ndjsonTypes: ReadonlySet<string> = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson'])

/** What resources are written as: the general types as they are asked for, the formal one before them. */
const written = [fhirType, 'application/json', 'text/json']
/** The formal type as it was before STU3. */
const earlierType = 'application/json+fhir'
const taken: ReadonlySet<string> = new Set([...written, earlierType])

const inContentType = inHeader('Content-Type')

/** Resources, and nothing else. */
export const checkAccept = (request: FastifyRequest): void => void wantedOf(request)

/** What is accepted most, of other formats and of resources (`undefined`). `_format` goes before Accept. */
export function wantedOf(request: FastifyRequest, others: ReadonlyArray<string> = []): string | undefined {
  const wanted = negotiated(request, [...written, ...others])
  if (wanted !== undefined) return written.includes(wanted) ? undefined : wanted
  const place = formatIn(request) === undefined ? inHeader('Accept') : inParameter('_format')
  const known = [fhirType, ...others].join(' or ')
  const problem = `what is asked for is written as ${known}, of FHIR ${request.fhirVersion}`
  throw new HttpProblem(406, 'not-supported', problem, {}, place)
}

/** The content type of a resource in an answer. */
function contentTypeOf(request: FastifyRequest): string {
  const { accept } = request.headers
  if (formatIn(request) === undefined && (accept === undefined || accept === '*/*')) return fhirJson
  const type = negotiated(request, written) ?? fhirType
  const named = rangesOf(request).some((range) => range.type === type && range.parameters.has(versionParameter))
  return `${type};${named ? ` fhirVersion=${request.fhirVersion};` : ''} charset=utf-8`
}

/** Of these types, the one that is accepted most. */
export const negotiated = (request: FastifyRequest, types: ReadonlyArray<string>): string | undefined =>
  preferredOf(rangesOf(request), types)

const versionParameter = 'fhirversion'

function rangesOf(request: FastifyRequest): MediaRange[] {
  const format = formatIn(request)
  const asked = format ?? request.headers.accept ?? ''
  return readAccept(asked === '' ? '*/*' : asked)
    .filter(({ parameters }) => isServed(request, parameters))
    .map((range) => {
      const isFormal = range.type === earlierType || (format !== undefined && range.type === 'json')
      return isFormal ? { ...range, type: fhirType } : range
    })
}

/** A plus in a URL that is not percent-encoded has become a space. */
function formatIn({ query }: FastifyRequest): string | undefined {
  const { _format: format } = query as { _format?: string | string[] }
  return format === undefined ? undefined : String(format).replace(/(\w) (?=\w)/g, '$1+')
}

const isServed = ({ fhirVersion }: FastifyRequest, parameters: ReadonlyMap<string, string>): boolean =>
  (parameters.get(versionParameter) ?? fhirVersion) === fhirVersion

export function checkContentType(request: FastifyRequest, others: ReadonlyArray<string> = []): void {
  const { type, parameters } = readMediaType(request.headers['content-type'] ?? '')
  if (!taken.has(type) && !others.includes(type)) throw unsupported(`as ${[fhirType, ...others].join(' or ')}`)
  if (!isServed(request, parameters)) throw unsupported(`as FHIR ${request.fhirVersion}`)
  if ((parameters.get('charset') ?? 'utf-8') !== 'utf-8') throw unsupported('as UTF-8')
}

/** Resources in any format of FHIR: what is sent as something else can be the content of a Binary. */
export function isOfFhir(contentType: string): boolean {
  const { type } = readMediaType(contentType)
  return taken.has(type) || /^application\/(?:fhir\+\w+|xml\+fhir)$/.test(type) || !/^[\w.+-]+\/[\w.+-]+$/.test(type)
}

const formType = 'application/x-www-form-urlencoded'

/** The parameters of a search that are sent as a form. */
export function formIn({ headers, body }: FastifyRequest): URLSearchParams {
  const text = String(body ?? '')
  if (text !== '' && readMediaType(headers['content-type'] ?? '').type !== formType) throw unsupported(`as ${formType}`)
  return new URLSearchParams(text)
}

const unsupported = (how: string): HttpProblem =>
  new HttpProblem(415, 'not-supported', `a body is sent ${how} here`, {}, inContentType)

/** What is sent compressed could become any number of bytes. (RFC 9110, 12.5.3: with what would be taken) */
export function checkContentEncoding({ headers }: FastifyRequest): void {
  const { 'content-encoding': encoding = 'identity' } = headers
  if (encoding.toLowerCase() === 'identity') return
  const taken = { 'accept-encoding': 'identity' }
  throw new HttpProblem(415, 'not-supported', 'a body is sent as it is', taken, inHeader('Content-Encoding'))
}

/** Of a 304, too: it stands for an answer that does. (RFC 9110, 15.4.5) */
export function variesByAccept(reply: FastifyReply): FastifyReply {
  const vary = reply.getHeader('vary')
  return reply.header('vary', vary === undefined ? 'accept' : `${vary}, accept`)
}

/** The largest answer that is laid out: it takes a second for ten megabytes, in which nobody else is answered. */
const maxPrettyBytes = 2 * 1024 * 1024

/** Bytes as they are stored; with `_pretty` the same values on lines of their own, every digit kept. */
export function sendJson(request: FastifyRequest, reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  const { _pretty: pretty } = request.query as { _pretty?: string }
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  variesByAccept(reply).header('content-type', contentTypeOf(request))
  const isPretty = pretty === 'true' && body.length <= maxPrettyBytes
  return reply.send(isPretty ? `${stringify(parse(body.toString()), null, 2)}\n` : body)
}
