/**
 * What the scopes of a token grant. (SMART App Launch 2: scopes for requesting clinical data, with the spellings of version 1)
 *
 * A scope that cannot be enforced as it is meant grants nothing: that of a patient's compartment (`patient/…`), and one that a query
 * narrows (`system/Observation.rs?category=…`).
 */
import type { Permission } from '../../index.js'

/** `type`: `*` for all types together. */
export type Grants = (permission: Permission, type: string) => boolean

/** Interactions in the order of SMART: `.read` is no `.rd`. */
const clinical = /^(?:system|user)\/([A-Z][A-Za-z]*|\*)\.(?:(?=.)(c?r?u?d?s?)|(read|write|\*))$/

/** Whoever has it submits in bulk, whatever the types, and may nothing else by it. (Bulk Data Access 4.0.0-ballot, submit) */
export const submitScope = 'system/bulk-submit'

const firstVersion: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' }

/** `undefined`: they grant nothing. */
export function grantsOf(scopes: ReadonlyArray<string>): Grants | undefined {
  const granted = new Map<string, string>()
  for (const scope of scopes) {
    const [, type, letters, word = ''] = clinical.exec(scope) ?? []
    if (type !== undefined) granted.set(type, (granted.get(type) ?? '') + (letters ?? firstVersion[word]))
  }
  if (granted.size === 0 && !scopes.includes(submitScope)) return undefined
  return (permission, type) =>
    granted.get(type)?.includes(permission) === true || granted.get('*')?.includes(permission) === true
}

/** A text with spaces between them (RFC 9068), or a list of texts; anything else is none. */
export function scopesIn(claims: Readonly<Record<string, unknown>>): ReadonlyArray<string> {
  const claim = claims.scope ?? claims.scp
  if (typeof claim === 'string') return claim.split(' ')
  return Array.isArray(claim) ? claim.filter((each) => typeof each === 'string') : []
}
