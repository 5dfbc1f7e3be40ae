/**
 * Dates and instants as parameters of FHIR have them. Each stands for all the time that it does not tell apart: `2026-11` for a
 * month, `2026-11-22T10:15Z` for a minute. Without a zone it is UTC. (FHIR R4, Search: date; data types: dateTime)
 */

/** In microseconds since 1970. */
export interface Period {
  readonly from: number
  /** The first instant behind it. */
  readonly until: number
}

const time = /([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60)(?:\.(\d{1,9}))?)?/
// A plus that was not percent-encoded has become a space on its way.
const zone = /Z|[+ -](?:0\d|1[0-3]):[0-5]\d|[+ -]14:00/
const pattern = new RegExp(
  `^(?!0000)(\\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\\d|3[01])(?:T${time.source}(${zone.source})?)?)?)?$`,
)

const minute = 60_000_000
const second = 1_000_000

/** `undefined` for what is none, such as the 30th of February. */
export function readPeriod(text: string): Period | undefined {
  const [whole, ...parts] = pattern.exec(text) ?? []
  if (whole === undefined) return undefined
  const [year, month, day, hour, minutes, seconds, fraction, offset = 'Z'] = parts
  const at = (y: number, m: number, d: number): number => {
    const date = new Date(0)
    date.setUTCFullYear(y, m - 1, d)
    return date.getTime() * 1_000
  }
  const [y, m, d] = [Number(year), Number(month ?? 1), Number(day ?? 1)]
  const from = at(y, m, d)
  if (month === undefined) return within(from, at(y + 1, 1, 1))
  if (day === undefined) return within(from, at(y, m + 1, 1))
  if (new Date(from / 1_000).getUTCDate() !== d) return undefined
  if (hour === undefined) return within(from, at(y, m, d + 1))
  const start = from + (Number(hour) * 60 + Number(minutes)) * minute - offsetOf(offset)
  if (seconds === undefined) return within(start, start + minute)
  const exact = start + Number(seconds) * second + Number((fraction ?? '').padEnd(6, '0').slice(0, 6))
  return within(exact, exact + 10 ** Math.max(0, 6 - (fraction ?? '').length))
}

function offsetOf(text: string): number {
  if (text === 'Z') return 0
  const [hours, minutes] = text.slice(1).split(':').map(Number) as [number, number]
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * minute
}

/** What is before the year 1685 or after 2255 cannot be counted exactly, and nothing is stored there. */
const within = (from: number, until: number): Period => ({ from: counted(from), until: counted(until) })

const counted = (micros: number): number => Math.max(Number.MIN_SAFE_INTEGER, Math.min(micros, Number.MAX_SAFE_INTEGER))
