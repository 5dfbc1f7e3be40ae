/** What `_lastUpdated` selects: a prefix, and a date or instant that stands for all of its time. (FHIR R4, Search: prefixes, date) */
import type { Period } from '../../../domain/fhir/period.js'
import { parseCanonicalInstant } from '../../../domain/instant.js'
import type { ResourceVersion } from '../../index.js'
import { periodIn } from '../context.js'
import { parameterProblem } from '../failures.js'

/** An instant has no length, so that what overlaps a range lies in it. */
const comparisons: Readonly<Record<string, (at: number, period: Period) => boolean>> = {
  eq: (at, { from, until }) => at >= from && at < until,
  ne: (at, { from, until }) => at < from || at >= until,
  ge: (at, { from }) => at >= from,
  gt: (at, { until }) => at >= until,
  le: (at, { until }) => at < until,
  lt: (at, { from }) => at < from,
  sa: (at, { until }) => at >= until,
  eb: (at, { from }) => at < from,
}

/** `texts`: each has to hold, by one of its alternatives. */
export function lastUpdatedIn(texts: ReadonlyArray<string>): (version: ResourceVersion) => boolean {
  const criteria = texts.map((text) => text.split(',').map(alternative))
  return ({ at }) => {
    const instant = parseCanonicalInstant(at) as number
    return criteria.every((alternatives) => alternatives.some((holds) => holds(instant)))
  }
}

function alternative(text: string): (at: number) => boolean {
  const [, prefix = 'eq', date = ''] = /^([a-z]{2})?(.*)$/s.exec(text) ?? []
  const compare = comparisons[prefix]
  if (compare === undefined) {
    const known = Object.keys(comparisons).join(', ')
    throw parameterProblem('_lastUpdated', `its prefix is one of ${known}`, prefix === 'ap' ? 'not-supported' : 'value')
  }
  const period = periodIn('_lastUpdated', date)
  return (at) => compare(at, period)
}
