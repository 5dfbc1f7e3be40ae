/** The URL of an entry: `Type`, `Type/id`, `Type/id/_history/version`, each relative to the base; and `Type?condition`. */
import * as E from 'fp-ts/lib/Either.js'
import { type AnnalsError, annalsError } from '../../error.js'
import { checkId, checkType } from '../../resource.js'

export interface Url {
  readonly type: string
  readonly id?: string
  readonly version?: number
  readonly query?: string
}

/** `what` names it in errors. Every write passes here: without pipes it takes a third of the time. */
export function readUrl(what: string, url: string): E.Either<AnnalsError, Url> {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const [type = '', id, history, version, ...more] = path.replace(/^\/|\/$/g, '').split('/')
  if (type.includes(':')) return invalid(what, 'it is below the base of this server, such as Patient/123')
  if (type.startsWith('$') || id?.startsWith('$') === true || type.startsWith('_'))
    return unsupported(what, 'operations, searches by POST and histories cannot be asked for in a Bundle')
  const query = mark < 0 ? undefined : url.slice(mark + 1)
  if (history !== undefined && (history !== '_history' || version === undefined || more.length > 0))
    return unsupported(what, 'it is Type, Type/id, Type/id/_history/version or Type?condition')
  const typed = checkType('fhir', type)
  if (E.isLeft(typed)) return E.left(named(what, typed.left))
  const identified = id === undefined ? E.right(undefined) : checkId('fhir', id)
  if (E.isLeft(identified)) return E.left(named(what, identified.left))
  const versioned = versionOf(what, version)
  return E.isLeft(versioned) ? versioned : E.right({ type, id, version: versioned.right, query })
}

const named = (what: string, error: AnnalsError): AnnalsError =>
  error._tag === 'InvalidInput' ? annalsError('InvalidInput', { ...error.data, what }) : error

function versionOf(what: string, text: string | undefined): E.Either<AnnalsError, number | undefined> {
  if (text === undefined) return E.right(undefined)
  return /^\d{1,15}$/.test(text) ? E.right(Number(text)) : invalid(what, 'a version is a number, such as 3')
}

const invalid = (what: string, problem: string): E.Either<AnnalsError, never> =>
  E.left(annalsError('InvalidInput', { what, problem }))
const unsupported = (what: string, problem: string): E.Either<AnnalsError, never> =>
  E.left(annalsError('NotSupported', { what, problem }))
