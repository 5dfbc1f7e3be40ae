/** What a caller may: asked for every interaction before anything is looked up or written. */
import { annalsError } from '../../domain/error.js'
import type { Need } from '../../domain/fhir/bundle/needs.js'
import type { BundleOptions } from './api.js'

export type Permit = NonNullable<BundleOptions['permit']>

export function checkNeeds(permit: Permit | undefined, needs: () => Iterable<Need>): void {
  if (permit === undefined) return
  for (const { permission, type, place } of needs())
    if (!permit(permission, type)) throw annalsError('Forbidden', { what: place, permission, type })
}
