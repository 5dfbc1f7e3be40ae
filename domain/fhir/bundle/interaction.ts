/** What an entry asks for: its method, URL and conditions as one interaction. (FHIR R4, RESTful API: transaction entries) */
import * as E from 'fp-ts/lib/Either.js'
import { flow, pipe } from 'fp-ts/lib/function.js'
import { membersOf, textAt } from '../../body/index.js'
import type { Expectation } from '../../decide.js'
import { type AnnalsError, annalsError } from '../../error.js'
import { readJsonPatch } from '../../patch/json-patch.js'
import { type Condition, readCondition } from '../condition.js'
import { isParameters, type Patch, readPatch } from '../patch/index.js'
import { isResourceType } from '../resource-types.js'
import { type FhirVersion, releaseNames } from '../version.js'
import { checkPreconditions, expectationIn, type Had, hadIn } from './preconditions.js'
import { type Entry, placeOf } from './read.js'
import { readUrl, type Url } from './url.js'

/** A resource by its id, or by a condition that selects it. */
export type Target = { readonly id: string } | { readonly condition: Condition }

export type Interaction = { readonly index: number; readonly type: string } & (
  | { readonly kind: 'create'; readonly body: Uint8Array; readonly ifNoneExist?: Condition }
  | {
      readonly kind: 'update'
      readonly target: Target
      readonly body: Uint8Array
      readonly ifMatch?: Expectation
      /** `If-None-Match: *`: only if there is none yet. */
      readonly onlyCreate: boolean
    }
  | { readonly kind: 'patch'; readonly target: Target; readonly patch: Patch; readonly ifMatch?: Expectation }
  | { readonly kind: 'delete'; readonly target: Target; readonly ifMatch?: Expectation }
  | {
      readonly kind: 'read'
      readonly id: string
      readonly version?: number
      readonly had: Had
      readonly isHead: boolean
    }
  | { readonly kind: 'search'; readonly condition: Condition; readonly query: string; readonly isHead: boolean }
)

export type Write = Exclude<Interaction, { kind: 'read' | 'search' }>

export const isWrite = (interaction: Interaction): interaction is Write =>
  interaction.kind !== 'read' && interaction.kind !== 'search'

/** The order of a transaction, in which no result depends on the order of its entries. */
export const rankOf = ({ kind }: Interaction): number => ranks[kind]
export const rankOfReads = 3
const ranks = { delete: 0, create: 1, update: 2, patch: 2, read: rankOfReads, search: rankOfReads } as const

export function interactionOf(entry: Entry, fhirVersion: FhirVersion): E.Either<AnnalsError, Interaction> {
  const { index, request, resource } = entry
  const place = placeOf(index, 'request')
  const { method } = request
  return pipe(
    checkPreconditions(entry),
    E.chain(() => readUrl(`${place}.url`, request.url)),
    E.chainFirst(({ type }) =>
      isResourceType(type, fhirVersion) ? E.right(undefined) : unknownType(`${place}.url`, fhirVersion),
    ),
    E.chain((url): E.Either<AnnalsError, Interaction> => {
      if (method === 'GET' || method === 'HEAD') return readOf(entry, url)
      if (url.version !== undefined) return invalid(`${place}.url`, 'a version is never written; leave it out')
      if (method === 'DELETE') return deleteOf(entry, url)
      if (method !== 'POST' && method !== 'PUT' && method !== 'PATCH')
        return unsupported(`${place}.method`, 'it is GET, HEAD, POST, PUT, PATCH or DELETE')
      if (resource === undefined) return absent(placeOf(index, 'resource'), `${method} needs a resource`)
      if (method === 'PATCH') return patchOf(entry, url, resource)
      return method === 'POST' ? createOf(entry, url, resource) : updateOf(entry, url, resource)
    }),
  )
}

const deleteOf = (entry: Entry, url: Url): E.Either<AnnalsError, Interaction> =>
  pipe(
    E.Do,
    E.apS('target', targetOf(entry.index, url)),
    E.apS('ifMatch', expectationIn(entry)),
    E.map((rest) => ({ index: entry.index, type: url.type, kind: 'delete', ...rest })),
  )

const updateOf = (entry: Entry, url: Url, body: Uint8Array): E.Either<AnnalsError, Interaction> =>
  pipe(
    E.Do,
    E.apS('target', targetOf(entry.index, url)),
    E.apS('ifMatch', expectationIn(entry)),
    E.map((rest) => ({
      index: entry.index,
      type: url.type,
      kind: 'update',
      body,
      onlyCreate: entry.request.ifNoneMatch !== undefined,
      ...rest,
    })),
  )

const patchOf = (entry: Entry, url: Url, resource: Uint8Array): E.Either<AnnalsError, Interaction> =>
  pipe(
    E.Do,
    E.apS('target', targetOf(entry.index, url)),
    E.apS('ifMatch', expectationIn(entry)),
    E.apS('patch', patchIn(placeOf(entry.index, 'resource'), resource)),
    E.map((rest) => ({ index: entry.index, type: url.type, kind: 'patch', ...rest })),
  )

/** A JSON Patch comes as a Binary, a FHIRPath Patch as Parameters. */
function patchIn(what: string, resource: Uint8Array): E.Either<AnnalsError, Patch> {
  if (isParameters(resource)) return readPatch('fhir', what, resource)
  const texts = new Map([...membersOf(resource, 0)].map((member) => [member.name, textAt(resource, member)]))
  if (texts.get('resourceType') !== 'Binary' || texts.get('contentType') !== 'application/json-patch+json')
    return unsupported(what, 'a patch is Parameters, or a Binary with the contentType application/json-patch+json')
  const data = texts.get('data') ?? ''
  // One class of characters: what could end in several ways would be tried in all of them.
  if (!/^[A-Za-z0-9+/=\s]{2,}$/.test(data)) return invalid(`${what}.data`, 'it has to be there, in base64')
  return pipe(
    readJsonPatch(`${what}.data`, Buffer.from(data, 'base64')),
    E.map((operations): Patch => ({ language: 'json', operations })),
    E.mapLeft((error) =>
      error._tag === 'InvalidBody' ? annalsError('InvalidBody', { ...error.data, path: `${what}.data` }) : error,
    ),
  )
}

function createOf(
  { index, request }: Entry,
  { type, id, query }: Url,
  body: Uint8Array,
): E.Either<AnnalsError, Interaction> {
  if (id !== undefined || query !== undefined)
    return invalid(placeOf(index, 'request.url'), 'POST goes to a type; a resource with an id is written by PUT')
  if (request.ifNoneExist === undefined) return E.right({ index, type, kind: 'create', body })
  const place = placeOf(index, 'request.ifNoneExist')
  const [, of, condition = ''] = searchUrl.exec(request.ifNoneExist) ?? []
  if (of && !`/${of}`.endsWith(`/${type}`)) return invalid(place, `it is a condition of ${type}, which is created`)
  return pipe(
    readCondition(place, type, condition),
    E.map((ifNoneExist) => ({ index, type, kind: 'create', body, ifNoneExist })),
  )
}

function readOf(entry: Entry, { type, id, version, query }: Url): E.Either<AnnalsError, Interaction> {
  const { index, request } = entry
  const place = placeOf(index, 'request.url')
  const isHead = request.method === 'HEAD'
  if (id === undefined)
    return pipe(
      readCondition(place, type, query ?? ''),
      E.map((condition) => ({ index, type, kind: 'search', condition, query: query ?? '', isHead })),
    )
  if (query !== undefined) return unsupported(place, 'a read has no parameters here')
  return pipe(
    hadIn(entry),
    E.map((had) => ({ index, type, kind: 'read', id, version, had, isHead })),
  )
}

const targetOf = (index: number, { type, id, query }: Url): E.Either<AnnalsError, Target> =>
  id !== undefined && query === undefined
    ? E.right({ id })
    : id === undefined && query !== undefined
      ? pipe(
          readCondition(placeOf(index, 'request.url'), type, query),
          E.map((condition) => ({ condition })),
        )
      : invalid(placeOf(index, 'request.url'), 'it is Type/id, or Type?condition')

/** A condition may come with the type that it is of; behind its first parameter a question mark is one of a value. */
const searchUrl = /^(?:([^=?]*)\?)?(.*)$/s

const invalid: (what: string, problem: string) => E.Either<AnnalsError, never> = flow(
  (what, problem) => annalsError('InvalidInput', { what, problem }),
  E.left,
)
const absent: (what: string, problem: string) => E.Either<AnnalsError, never> = flow(
  (what, problem) => annalsError('InvalidInput', { what, problem, isAbsent: true }),
  E.left,
)
const unsupported: (what: string, problem: string) => E.Either<AnnalsError, never> = flow(
  (what, problem) => annalsError('NotSupported', { what, problem }),
  E.left,
)

const unknownType = (what: string, fhirVersion: FhirVersion) => {
  const problem = `there is no such type of resources in FHIR ${releaseNames[fhirVersion]}`
  return E.left(annalsError('NotSupported', { what, problem, isUnknownType: true }))
}
