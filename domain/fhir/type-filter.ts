/** Type filters of bulk exports: `Type?query`, of which several for one type mean any of them. (Bulk Data Access, _typeFilter) */
import * as E from 'fp-ts/lib/Either.js'
import { scanBody } from '../body/index.js'
import { type AnnalsError, annalsError } from '../error.js'
import { type Condition, readCondition, searchParameters, selects } from './condition.js'
import { foundBy } from './found-by.js'
import { readLastUpdated, type Within } from './last-updated.js'

export interface TypeFilter {
  readonly type: string
  readonly within: ReadonlyArray<Within>
  readonly condition: Condition | undefined
}

const maxFilters = 100
const supported: ReadonlyArray<string> = [...searchParameters, '_lastUpdated']
/** What is about the answer of a search, and not about what it finds. */
const ofAnswers = ['_sort', '_count', '_include', '_revinclude', '_summary', '_elements', '_total', '_contained']

/** By type. `what`, in errors, says where they stand. */
export function readTypeFilters(
  what: string,
  said: ReadonlyArray<string>,
): E.Either<AnnalsError, ReadonlyMap<string, ReadonlyArray<TypeFilter>>> {
  const byType = new Map<string, TypeFilter[]>()
  if (said.length > maxFilters)
    return E.left(annalsError('LimitExceeded', { what, limit: maxFilters, actual: said.length, unit: 'filters' }))
  for (const text of said) {
    const filter = readTypeFilter(what, text)
    if (E.isLeft(filter)) return filter
    byType.set(filter.right.type, [...(byType.get(filter.right.type) ?? []), filter.right])
  }
  return E.right(byType)
}

function readTypeFilter(what: string, text: string): E.Either<AnnalsError, TypeFilter> {
  const [, type, query] = /^([A-Z][A-Za-z]{0,63})\?(.+)$/s.exec(text) ?? []
  if (type === undefined || query === undefined)
    return refuse('InvalidInput', what, `a filter is Type?query, such as Patient?_lastUpdated=ge2026-01-01`)
  const within: Within[] = []
  const rest: [string, string][] = []
  for (const [name, value] of new URLSearchParams(query)) {
    if (ofAnswers.includes(name.split(':')[0] as string))
      return refuse('InvalidInput', what, `${name.slice(0, 40)} is about the answer of a search, and none of a filter`)
    if (!supported.includes(name))
      return refuse(
        'NotSupported',
        what,
        `a filter of ${type} may use ${supported.join(', ')}; nothing else is indexed`,
      )
    if (name !== '_lastUpdated') rest.push([name, value])
    else {
      const read = readLastUpdated(what, value)
      if (E.isLeft(read)) return read
      within.push(read.right)
    }
  }
  const condition = rest.length === 0 ? undefined : readCondition(what, type, new URLSearchParams(rest).toString())
  if (condition !== undefined && E.isLeft(condition)) return condition
  if (condition === undefined && within.length === 0) return refuse('InvalidInput', what, 'a filter says nothing')
  return E.right({ type, within, condition: condition?.right })
}

/** What can be said without the body. `ask`: the body has to be looked at. */
export function filterByHeader(filters: ReadonlyArray<TypeFilter>, id: string, at: number): 'yes' | 'no' | 'ask' {
  let answer: 'no' | 'ask' = 'no'
  for (const { within, condition } of filters) {
    if (!within.every((holds) => holds(at))) continue
    const criteria = condition?.criteria ?? []
    if (criteria.some((each) => each.parameter === '_id' && !each.values.includes(id))) continue
    if (criteria.every(({ parameter }) => parameter === '_id')) return 'yes'
    answer = 'ask'
  }
  return answer
}

/** The rest, of a body that is acceptable JSON. `at`: unknown where it does not matter any more. */
export function filterByBody(
  filters: ReadonlyArray<TypeFilter>,
  id: string,
  at: number | undefined,
  body: Uint8Array,
): boolean {
  const scanned = scanBody(body)
  if (E.isLeft(scanned)) return false
  const found = foundBy(body, scanned.right)
  return filters.some(
    ({ within, condition }) =>
      (at === undefined || within.every((holds) => holds(at))) &&
      (condition === undefined || selects(condition, id, found)),
  )
}

const refuse = (tag: 'InvalidInput' | 'NotSupported', what: string, problem: string): E.Either<AnnalsError, never> =>
  E.left(annalsError(tag, { what, problem }))
