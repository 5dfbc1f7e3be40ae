/** A logger that is safe by itself: whatever is handed to it, no header, URL, content or message of a defect gets into a line. */
import type { FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify'
import { type DestinationStream, type LoggerOptions, stdTimeFunctions } from 'pino'
import { isAnnalsError } from '../../index.js'

/** `false`: no log. What pino takes, and where its lines go (default: stdout). */
export type LoggerOption = boolean | (LoggerOptions & { readonly stream?: DestinationStream })

/** Headers that hold secrets, or content of resources. */
const secretHeaders = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-provenance',
  'idempotency-key',
  'if-none-exist',
]

export function safeLogger(given: LoggerOption): FastifyServerOptions['logger'] {
  if (given === false) return false
  const { serializers, redact, ...options } = given === true ? {} : given
  const own = Array.isArray(redact) ? redact : (redact?.paths ?? [])
  const safe: LoggerOptions = {
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    ...options,
    redact: { paths: [...own, ...secretHeaders.map((name) => `headers["${name}"]`)], remove: true },
    serializers: { ...serializers, req: requestFields, res: replyFields, err: failureFields },
  }
  return safe as FastifyServerOptions['logger']
}

const requestFields = ({ method, routeOptions }: FastifyRequest): object => ({ method, route: routeOptions?.url })

const replyFields = ({ statusCode }: FastifyReply): object => ({ status: statusCode })

/** A commit, a large body by its hash, or what says that there is a tenant. */
const isNoResource = (key: unknown): boolean =>
  /(^|\/)(log\/\d+\/\d+\.ndjson|blobs\/\w+|tenant\.json)$/.test(String(key))

const resourceName = /\b[A-Z][A-Za-z]{0,63}\/[A-Za-z0-9\-.]{1,64}/g

/**
 * A typed error says what failed, and its key and its problem may name a resource. The message of any other may quote what was being
 * read: its type and the places of its stack say where to look.
 */
function failureFields(error: unknown): object {
  if (isAnnalsError(error)) {
    const { operation, key, cause, problem, log, seq } = error.data as Readonly<Record<string, unknown>>
    const said = typeof problem === 'string' ? problem.replace(resourceName, '…') : problem
    return { code: error.code, operation, key: isNoResource(key) ? key : undefined, cause, problem: said, log, seq }
  }
  if (!(error instanceof Error)) return { type: typeof error }
  const { code } = error as { readonly code?: unknown }
  const stack = error.stack?.split('\n').filter((line) => /^\s+at /.test(line))
  return { type: error.name, code: typeof code === 'string' ? code : undefined, stack: stack?.join('\n') }
}
