/** What histories and lists share: which parameters they take, how much a page holds, and where the next one is. */
import type { FastifyRequest } from 'fastify'
import { formatParameters } from '../context.js'
import { parameterProblem } from '../failures.js'
import { isLenient } from '../preferences.js'

const defaultCount = 50
const largestCount = 1_000

/** `repeatable`: those that may be there more than once. */
export function checkParameters(
  request: FastifyRequest,
  query: URLSearchParams,
  known: ReadonlySet<string>,
  repeatable: ReadonlySet<string> = new Set(),
): void {
  for (const name of new Set(query.keys())) {
    if (known.has(name)) {
      if (query.getAll(name).length > 1 && !repeatable.has(name))
        throw parameterProblem(name, 'it may be there once only')
      continue
    }
    if (!isLenient(request)) {
      const all = [...known].filter((each) => each !== '_page').join(', ')
      const problem = `it is none of ${all}; with 'Prefer: handling=lenient' it is passed over`
      throw parameterProblem(/^[\w:.-]{1,40}$/.test(name) ? name : 'parameter', problem, 'not-supported')
    }
    query.delete(name)
  }
}

export function countOf(query: URLSearchParams): number {
  const text = query.get('_count')
  if (text === null) return defaultCount
  if (!/^\d{1,9}$/.test(text)) throw parameterProblem('_count', 'a whole number is needed')
  return Math.min(Number(text), largestCount)
}

/** Links keep what the client says of the answer, too: it may have no other way to say it. */
export function linksOf(
  { query: said }: FastifyRequest,
  url: string,
  query: URLSearchParams,
  cursor: string | undefined,
) {
  const at = (relation: string, page: string | null | undefined) => {
    const own = new URLSearchParams(query)
    own.delete('_page')
    for (const name of formatParameters) {
      const value = (said as Record<string, unknown>)[name]
      if (typeof value === 'string') own.set(name, value)
    }
    if (page !== null && page !== undefined) own.set('_page', page)
    const text = own.toString()
    return { relation, url: text === '' ? url : `${url}?${text}` }
  }
  return [at('self', query.get('_page')), at('first', undefined), ...(cursor === undefined ? [] : [at('next', cursor)])]
}
