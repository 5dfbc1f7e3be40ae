/** What a client prefers of an answer: the Prefer header. (RFC 7240; FHIR R4, RESTful API: managing return content) */
import type { FastifyReply, FastifyRequest } from 'fastify'

export type Return = 'minimal' | 'representation' | 'OperationOutcome'

const returns: ReadonlySet<string> = new Set(['minimal', 'representation', 'OperationOutcome'] satisfies Return[])

/** Preferences by their names in lower case. Of several of one name the first counts; parameters are passed over. */
function preferencesOf({ headers }: FastifyRequest): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const preference of [headers.prefer ?? []].flat().join(',').split(',')) {
    const [said = ''] = preference.split(';', 1)
    const [name = '', value = ''] = said.split('=', 2).map((part) => part.trim())
    if (/^[\w-]+$/.test(name) && !found.has(name.toLowerCase()))
      found.set(name.toLowerCase(), value.replace(/^"(.*)"$/, '$1'))
  }
  return found
}

/** What is to be answered to a write; `undefined`: the client does not say, or says what nobody knows. */
export function returnIn(request: FastifyRequest): Return | undefined {
  const wanted = preferencesOf(request).get('return')
  return wanted !== undefined && returns.has(wanted) ? (wanted as Return) : undefined
}

/** Whether parameters that are not known are passed over. */
export const isLenient = (request: FastifyRequest): boolean => preferencesOf(request).get('handling') === 'lenient'

/** Whether the client wants to hear where the answer will be, instead of waiting for it. (RFC 7240, 4.1) */
export const prefersAsync = (request: FastifyRequest): boolean => preferencesOf(request).has('respond-async')

/** Whether polls are answered with 200 whatever becomes of the job, whose status a header says. (Bulk Data Access 3) */
export const prefersSeparateStatus = (request: FastifyRequest): boolean =>
  preferencesOf(request).has('separate-export-status')

/** Says that a preference was honoured. */
export function applied(reply: FastifyReply, preference: string): void {
  const before = reply.getHeader('preference-applied')
  reply.header('preference-applied', before === undefined ? preference : `${before}, ${preference}`)
}
