/**
 * Conditions: searches by what is indexed (`_id`, `identifier`, `url`), as conditional interactions and references name them.
 * They select resources of one type; every criterion has to hold, each by one of its alternatives. (FHIR R4, Search: token, uri)
 */
import * as E from 'fp-ts/lib/Either.js'
import { type AnnalsError, annalsError } from '../error.js'
import { type FoundBy, type Identifier, identifierKey, urlKey } from './found-by.js'

/** An alternative of `identifier`. No system: any; an empty one: none. */
export interface Token {
  readonly system?: string
  readonly value: string
}

export type Criterion =
  | { readonly parameter: '_id'; readonly values: ReadonlyArray<string> }
  | { readonly parameter: 'url'; readonly values: ReadonlyArray<string> }
  | { readonly parameter: 'identifier'; readonly values: ReadonlyArray<Token> }

export interface Condition {
  readonly type: string
  readonly criteria: ReadonlyArray<Criterion>
}

/** Where to look for what a condition selects: these ids, or whatever was stated under these keys. */
export type Candidates = { readonly ids: ReadonlyArray<string> } | { readonly keys: ReadonlyArray<string> }

export const searchParameters = ['_id', 'identifier', 'url'] as const

/** Alternatives of a whole condition. */
const maxValues = 100

/** Reads a query such as `identifier=http://example.org/mrn|123`. `what`, in errors, says where it stands: they never quote it. */
export function readCondition(what: string, type: string, query: string): E.Either<AnnalsError, Condition> {
  const criteria: Criterion[] = []
  let values = 0
  for (const [parameter, text] of new URLSearchParams(query)) {
    const alternatives = split(text, ',')
    values += alternatives.length
    if (alternatives.some((each) => each === '')) return invalid(what, `the parameter ${name(parameter)} has no value`)
    if (parameter === 'identifier') {
      const tokens = alternatives.map(tokenOf)
      if (tokens.some(({ value }) => value === ''))
        return unsupported(
          what,
          'identifiers of a system, whatever their value, cannot be searched for; give the value',
        )
      criteria.push({ parameter, values: tokens })
    } else if (parameter === '_id' || parameter === 'url') {
      criteria.push({ parameter, values: alternatives.map(unescaped) })
    } else {
      const known = searchParameters.join(', ')
      return unsupported(what, `the search parameter ${name(parameter)} is not supported here; use ${known}`)
    }
  }
  if (criteria.length === 0) return invalid(what, `the condition says nothing; use ${searchParameters.join(', ')}`)
  if (values > maxValues)
    return E.left(annalsError('LimitExceeded', { what, limit: maxValues, actual: values, unit: 'values' }))
  return E.right({ type, criteria })
}

/** Those of the narrowest kind of criterion: what any of them does not hold is not selected. */
export function candidatesOf({ criteria }: Condition): Candidates {
  const narrowest = criteria.find((each) => each.parameter === '_id') ?? (criteria[0] as Criterion)
  switch (narrowest.parameter) {
    case '_id':
      return { ids: [...new Set(narrowest.values)] }
    case 'url':
      return { keys: narrowest.values.map(urlKey) }
    default:
      return { keys: narrowest.values.map(({ value }) => identifierKey(value)) }
  }
}

/** Whether a condition selects a resource that is not deleted. */
export const selects = ({ criteria }: Condition, id: string, { identifiers, url }: FoundBy): boolean =>
  criteria.every((criterion) => {
    switch (criterion.parameter) {
      case '_id':
        return criterion.values.includes(id)
      case 'url':
        return url !== undefined && criterion.values.includes(url)
      default:
        return criterion.values.some((token) => identifiers.some((each) => isMeant(token, each)))
    }
  })

const isMeant = (token: Token, { system = '', value }: Identifier): boolean =>
  token.value === value && (token.system === undefined || token.system === system)

function tokenOf(text: string): Token {
  const [first = '', ...rest] = split(text, '|')
  if (rest.length === 0) return { value: unescaped(first) }
  return { system: unescaped(first), value: unescaped(rest.join('|')) }
}

/** At separators that no backslash stands before. */
function split(text: string, separator: string): string[] {
  const parts = ['']
  for (let i = 0; i < text.length; i++) {
    if (text[i] === separator) parts.push('')
    else parts.push(`${parts.pop()}${text[i] === '\\' ? `\\${text[++i] ?? ''}` : text[i]}`)
  }
  return parts
}

const unescaped = (text: string): string => text.replace(/\\([\\,|$])/g, '$1')

const name = (parameter: string): string => (/^[\w:.-]{1,40}$/.test(parameter) ? `'${parameter}'` : 'that stands there')

const invalid = (what: string, problem: string) => E.left(annalsError('InvalidInput', { what, problem }))
const unsupported = (what: string, problem: string) => E.left(annalsError('NotSupported', { what, problem }))
