/** How histories are named in cursors, and where in them an entry stands. */
import { absurd, annalsError } from '../../domain/error.js'
import { typeIndexSk, versionSk } from '../../domain/keys.js'
import type { VersionPointer } from '../../domain/pointer.js'
import { type ResourceRef, refKey } from '../../domain/resource.js'

/** Which history: of one resource, of a type, or of the whole tenant. */
export type Scope =
  | { readonly level: 'instance'; readonly ref: ResourceRef }
  | { readonly level: 'type'; readonly type: string }
  | { readonly level: 'system' }

export function scopeName(scope: Scope): string {
  switch (scope.level) {
    case 'instance':
      return `instance/${refKey(scope.ref)}`
    case 'type':
      return `type/${scope.type}`
    case 'system':
      return 'system'
    default:
      return absurd(scope)
  }
}

/** The place of an entry in its history: the next page begins beyond it. */
export function placeOf(
  scope: Scope,
  { version, seq, index }: Pick<VersionPointer, 'version' | 'seq' | 'index'>,
): string {
  switch (scope.level) {
    case 'instance':
      return versionSk(version)
    case 'type':
      return typeIndexSk(seq, index)
    case 'system':
      return `${seq}-${index}`
    default:
      return absurd(scope)
  }
}

/** The greatest sort key below another: keys end in digits, and no key has more of them. */
export const below = (sk: string): string =>
  `${sk.slice(0, -1)}${String.fromCharCode(sk.charCodeAt(sk.length - 1) - 1)}~`

/** The least one above another. */
export const above = (sk: string): string => `${sk}!`

/** The commit and the index in it of an entry of the system's history. */
export function logPlace(place: string): { readonly seq: number; readonly index: number } {
  const [seq = Number.NaN, index = Number.NaN] = place.split('-').map(Number)
  if (Number.isSafeInteger(seq) && Number.isSafeInteger(index)) return { seq, index }
  throw annalsError('InvalidInput', { what: 'cursor', problem: 'it was not made by this store' })
}
