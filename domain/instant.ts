/**
 * Instants with microseconds: a number of microseconds since 1970 in code, `2026-11-22T10:15:30.123456Z` in text.
 * Numbers stay exact until the year 2255.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type AnnalsError, annalsError } from './error.js'

const pattern = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:\d{2}))?$/

let cachedSecond = -1
let cachedText = ''

/** Microseconds to text, always with six decimals, so that texts sort as the instants do. */
export function formatInstant(micros: number): string {
  const second = Math.floor(micros / 1_000_000)
  if (second !== cachedSecond) {
    cachedText = new Date(second * 1000).toISOString().slice(0, 20)
    cachedSecond = second
  }
  return `${cachedText}${String(micros - second * 1_000_000).padStart(6, '0')}Z`
}

/** Text in the canonical form to microseconds; `undefined` for any other text. */
export function parseCanonicalInstant(text: string): number | undefined {
  if (text.length !== 27 || text.charCodeAt(26) !== 90) return undefined
  const millis = Date.parse(`${text.slice(0, 19)}Z`)
  const micros = millis * 1000 + Number(text.slice(20, 26))
  if (Number.isNaN(micros)) return undefined
  // Date.parse is generous: it takes a space for the T, and the 30th of February for the 2nd of March.
  return formatInstant(micros) === text ? micros : undefined
}

/** A date or an ISO 8601 instant with an offset, as people write it. A date alone is its first instant in UTC. */
export function parseInstant(text: string): E.Either<AnnalsError, number> {
  const match = pattern.exec(text)
  if (match === null) return invalidInstant(text)
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match
  const millis = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`)
  if (Number.isNaN(millis) || !dayExists(Number(year), Number(month), Number(day))) return invalidInstant(text)
  return E.right(millis * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6)))
}

const dayExists = (year: number, month: number, day: number): boolean =>
  new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day

const invalidInstant = (text: string): E.Either<AnnalsError, never> =>
  E.left(
    annalsError('InvalidInput', {
      what: 'instant',
      problem: `'${text.slice(0, 64)}' is no date and no instant; write 2026-11-22 or 2026-11-22T10:15:30.123456Z`,
    }),
  )
