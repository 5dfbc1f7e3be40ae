/** Resources: what may be a tenant's name, a type and an id. */
import * as E from 'fp-ts/lib/Either.js'
import { type AnnalsError, annalsError } from './error.js'
import { encodeSegment, encodeType } from './keys.js'

/** What a tenant holds: FHIR resources, which the store stamps, or any JSON documents, which it leaves as they are. */
export type Kind = 'fhir' | 'json'

export interface ResourceRef {
  readonly type: string
  readonly id: string
}

/** One resource as one text, for maps and messages. Unambiguous, because both segments are encoded. */
export const refKey = (ref: ResourceRef): string => `${encodeType(ref.type)}/${encodeSegment(ref.id)}`

/** Longest encoded tenant, type or id, in bytes: with it every object key stays under the 255 bytes of a file name. */
export const maxSegmentBytes = 160

const fhirType = /^[A-Z][A-Za-z]{0,63}$/
const fhirId = /^[A-Za-z0-9\-.]{1,64}$/

export const checkTenant = (tenant: string): E.Either<AnnalsError, string> => checkSegment('tenant', tenant)

export function checkType(kind: Kind, type: unknown): E.Either<AnnalsError, string> {
  if (kind === 'fhir' && typeof type === 'string' && !fhirType.test(type))
    return invalid('type', `'${clip(type)}' is no FHIR resource type; a type is letters only, such as Patient`)
  return checkSegment('type', type)
}

export function checkId(kind: Kind, id: unknown): E.Either<AnnalsError, string> {
  if (kind === 'fhir' && typeof id === 'string' && !fhirId.test(id))
    return invalid('id', `'${clip(id)}' is no FHIR id; an id is 1 to 64 of the characters A-Z a-z 0-9 - .`)
  return checkSegment('id', id)
}

/** What any name has to be: the segment of a key. */
export function checkSegment(what: string, text: unknown): E.Either<AnnalsError, string> {
  if (typeof text !== 'string') return invalid(what, `a text is needed, not ${text === null ? 'null' : typeof text}`)
  if (text === '') return invalid(what, 'it is empty')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (/[\u0000-\u001f\u007f]/.test(text)) return invalid(what, 'it holds a control character')
  if (!text.isWellFormed()) return invalid(what, 'it holds half of a surrogate pair')
  if (encodeSegment(text).length > maxSegmentBytes)
    return invalid(what, `it is longer than ${maxSegmentBytes} bytes once percent-encoded`)
  return E.right(text)
}

const clip = (text: string): string => (text.length > 64 ? `${text.slice(0, 64)}…` : text)

const invalid = (what: string, problem: string): E.Either<AnnalsError, never> =>
  E.left(annalsError('InvalidInput', { what, problem }))
