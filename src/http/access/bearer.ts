/** The token of a request: from its Authorization header, and from nowhere else. (RFC 6750, section 2.1) */
import type { FastifyRequest } from 'fastify'
import { HttpProblem } from '../failures.js'
import { inHeader } from '../places.js'
import { challenge } from './challenge.js'

/** `undefined`: there is none. */
export function bearerTokenOf(request: FastifyRequest): string | undefined {
  const [header, ...others] = headersNamed(request, 'authorization')
  if (others.length > 0) throw malformed('there are several Authorization headers')
  const [, scheme = '', token = ''] = /^(\S*)\s*(.*)$/.exec(header ?? '') ?? []
  if (scheme.toLowerCase() !== 'bearer') return undefined
  if (!/^[\w.~+/-]+=*$/.test(token)) throw malformed('the Authorization header is not Bearer and a token')
  return token
}

/** As they came: Node keeps the first one only, or makes one of all. */
export const headersNamed = ({ raw: { rawHeaders } }: FastifyRequest, name: string): string[] =>
  rawHeaders.filter((_, place) => place % 2 === 1 && rawHeaders[place - 1]?.toLowerCase() === name)

const malformed = (problem: string): HttpProblem =>
  new HttpProblem(400, 'invalid', problem, challenge('invalid_request', problem), inHeader('Authorization'))
