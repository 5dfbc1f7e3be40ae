/** Failures as OperationOutcomes, whatever fails: the store, the protocol, or a defect, of which nothing is told. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type AnnalsError, annalsError, isAnnalsError } from '../../domain/error.js'
import { placeOf } from '../../domain/fhir/bundle/read.js'
import { type Outcome, outcomeOf, statusOf } from '../../domain/fhir/outcome.js'
import { challenge } from './access/challenge.js'
import { fhirJson } from './formats.js'
import { inBody, inHeader, inParameter, inUrl, type Place, placeOfError } from './places.js'

/** What is wrong with a request as such. `code`: of the value set issue-type. */
export class HttpProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    readonly place: Place = inUrl,
  ) {
    super(message)
  }
}

export const parameterProblem = (name: string, problem: string, code = 'value'): HttpProblem =>
  new HttpProblem(400, code, `${name}: ${problem}`, {}, inParameter(name))

/** Seconds after which a client that was turned away for now should come again. */
const retryAfter = '1'

/** Of a Bundle, each issue names its entry. */
export function sendBundleFailure(error: AnnalsError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const outcome = located(
    outcomeOf(error, (operation) => placeOf(operation)),
    placeOfError(error, 'Bundle'),
  )
  return send({ status: statusOf(error), outcome, headers: headersOf(error) }, error, request, reply)
}

/** Of what is taken back, as `place` has named it: each issue tells of a resource that others have changed since. */
export const sendConflicts = (
  error: AnnalsError,
  place: Place,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => send({ status: 409, outcome: located(outcomeOf(error), place), headers: {} }, error, request, reply)

export const sendFailure = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  send(answerTo(error, request), error, request, reply)

function send(
  { status, outcome, headers }: ReturnType<typeof answerTo>,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  request.exchange.failure = isAnnalsError(error) ? error.code : outcome.issue[0]?.code
  if (status === 500) request.log.error({ err: error }, 'a request failed')
  else if (status > 500 && isAnnalsError(error)) request.log.warn({ err: error }, 'the store did not answer a request')
  if (status === 503) reply.header('retry-after', retryAfter)
  return reply.code(status).headers(headers).header('content-type', fhirJson).send(JSON.stringify(outcome))
}

function answerTo(
  error: unknown,
  request: FastifyRequest,
): { status: number; outcome: Outcome; headers: Readonly<Record<string, string>> } {
  if (isAnnalsError(error)) {
    const { type = 'Bundle' } = request.params as { type?: string }
    return {
      status: statusOf(error),
      outcome: located(outcomeOf(byItself(error)), placeOfError(error, type)),
      headers: headersOf(error),
    }
  }
  if (error instanceof HttpProblem) {
    const { status, code, message, headers, place } = error
    return { status, outcome: issueOf(code, message, place), headers }
  }
  // Of Fastify: a body over its bound, a header that cannot be read, a URL that cannot be decoded.
  const { statusCode, code } = error as { statusCode?: number; code?: string }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return known(413, 'too-long', 'the body is over the limit of this server', inBody)
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return known(415, 'not-supported', 'it is no media type', inHeader('Content-Type'))
  if (code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH')
    return known(400, 'value', 'it is not the length of the body', inHeader('Content-Length'))
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return known(statusCode, 'invalid', 'the request is not acceptable HTTP', inUrl)
  return known(500, 'exception', 'the server failed; its log says why')
}

const headersOf = ({ _tag }: AnnalsError) => (_tag === 'Forbidden' ? challenge('insufficient_scope') : {})

const known = (status: number, code: string, message: string, place?: Place) => ({
  status,
  outcome: issueOf(code, message, place),
  headers: {},
})

export const issueOf = (code: string, diagnostics: string, place?: Place): Outcome => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: code === 'exception' ? 'fatal' : 'error', code, diagnostics, ...place }],
})

/** What fails for reasons of the server has no place in the request. */
export function located(outcome: Outcome, place: Place): Outcome {
  const isPart = place.location?.[0].startsWith('http.') === true || place.expression?.[0].includes('.') === true
  const issue = outcome.issue.map((each) => {
    if (each.expression !== undefined || serverCodes.has(each.code)) return each
    return { ...each, ...(each.code === 'invalid' && isPart ? { code: 'value' } : undefined), ...place }
  })
  return { ...outcome, issue }
}

const serverCodes: ReadonlySet<string> = new Set(['exception', 'transient', 'lock-error', 'no-store', 'incomplete'])

/** An interaction is processed as the only entry of a Bundle; its caller knows of no Bundle. */
function byItself(error: AnnalsError): AnnalsError {
  const { what, path } = error.data as { readonly what?: string; readonly path?: string }
  const data = {
    ...error.data,
    ...(what === undefined ? undefined : { what: outside(what) }),
    ...(path === undefined ? undefined : { path: outside(path) }),
  }
  return annalsError(error._tag, data as never)
}

const headerNames: Readonly<Record<string, string>> = {
  url: 'the URL',
  method: 'the method',
  ifMatch: 'If-Match',
  ifNoneMatch: 'If-None-Match',
  ifNoneExist: 'If-None-Exist',
}

const outside = (place: string): string =>
  place
    .replace(/^Bundle\.entry\[0\]\.request\.(\w+)/, (_, member: string) => headerNames[member] ?? member)
    .replace(/^Bundle\.entry\[0\]\.request\b/, 'the request')
    .replace(/^Bundle\.entry\[0\]\.resource\.(?=data\b)/, '')
    .replace(/^Bundle\.entry\[0\]\.resource(\.?)/, (_, dot: string) => (dot === '' ? 'the resource' : 'the resource '))
    .trim()
