/** `_lastUpdated`: a prefix and a date or an instant, which stands for all of its year, month, day, second or moment. (FHIR R4, Search: date) */
import * as E from 'fp-ts/lib/Either.js'
import { type AnnalsError, annalsError } from '../error.js'
import { parseInstant } from '../instant.js'

/** Whether an instant, in microseconds since 1970, is meant. */
export type Within = (at: number) => boolean

/** `from`: the first microsecond that is meant, `to`: the first behind it. */
const comparisons: Readonly<Record<string, (at: number, from: number, to: number) => boolean>> = {
  eq: (at, from, to) => at >= from && at < to,
  ne: (at, from, to) => at < from || at >= to,
  ge: (at, from) => at >= from,
  gt: (at, _, to) => at >= to,
  le: (at, _, to) => at < to,
  lt: (at, from) => at < from,
  sa: (at, _, to) => at >= to,
  eb: (at, from) => at < from,
}

export function readLastUpdated(what: string, text: string): E.Either<AnnalsError, Within> {
  const [, prefix = 'eq', said = ''] = /^([a-z]{2})?(.*)$/s.exec(text) ?? []
  const compare = comparisons[prefix]
  const range = compare && rangeOf(said)
  if (compare !== undefined && range !== undefined) return E.right((at) => compare(at, range.from, range.to))
  const problem = `_lastUpdated is a date or an instant, after one of ${Object.keys(comparisons).join(', ')} or nothing`
  return E.left(annalsError('InvalidInput', { what, problem }))
}

function rangeOf(said: string): { readonly from: number; readonly to: number } | undefined {
  const [, year, month] = /^(\d{4})(?:-(\d{2}))?$/.exec(said) ?? []
  if (year !== undefined) {
    const from = Date.UTC(Number(year), month === undefined ? 0 : Number(month) - 1)
    const to = month === undefined ? Date.UTC(Number(year) + 1, 0) : Date.UTC(Number(year), Number(month))
    return month !== undefined && !(Number(month) >= 1 && Number(month) <= 12)
      ? undefined
      : { from: from * 1000, to: to * 1000 }
  }
  const parsed = parseInstant(said)
  if (E.isLeft(parsed)) return undefined
  return { from: parsed.right, to: parsed.right + lengthOf(said) }
}

/** In microseconds, by how it is written. */
function lengthOf(said: string): number {
  const [, time, second, fraction] = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(?:\.(\d+))?)?)?/.exec(said) ?? []
  if (time === undefined) return 86_400_000_000
  if (second === undefined) return 60_000_000
  return fraction === undefined ? 1_000_000 : 10 ** Math.max(0, 6 - fraction.length)
}
