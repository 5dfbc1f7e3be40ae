/**
 * What conditions select, decided inside the log's order: on the state at the head with what the batch has changed on it,
 * so that of two transactions that were planned on "nothing is selected" only the first is accepted.
 */
import type { Current } from './decide.js'
import type { Document } from './document.js'
import { type Condition, candidatesOf, selects } from './fhir/condition.js'
import { refKey } from './resource.js'

/** What a condition selected when operations were planned. */
export interface Selection {
  readonly condition: Condition
  /** Sorted. */
  readonly ids: ReadonlyArray<string>
  /** The head at which it did. */
  readonly seq: number
}

/** Resources that a batch or a bundle changes, as conditions see them. */
export interface Overlay {
  /** Remembers what a resource has become. */
  add(type: string, id: string, current: Pick<Current, 'deleted' | 'body'>): void
  /** What a condition selects, where without the changes it selects `stored`. Sorted. */
  select(condition: Condition, stored: ReadonlyArray<string>): ReadonlyArray<string>
}

export function makeOverlay(): Overlay {
  const changed = new Map<string, Pick<Current, 'deleted' | 'body'>>()
  const byKey = new Map<string, Set<string>>()

  function add(type: string, id: string, current: Pick<Current, 'deleted' | 'body'>): void {
    changed.set(refKey({ type, id }), current)
    for (const key of keysIn(current)) {
      const place = `${type} ${key}`
      const ids = byKey.get(place)
      if (ids === undefined) byKey.set(place, new Set([id]))
      else ids.add(id)
    }
  }

  function select(condition: Condition, stored: ReadonlyArray<string>): ReadonlyArray<string> {
    const { type } = condition
    const candidates = candidatesOf(condition)
    const near =
      'ids' in candidates ? candidates.ids : candidates.keys.flatMap((key) => [...(byKey.get(`${type} ${key}`) ?? [])])
    const added = near.filter((id) => {
      const current = changed.get(refKey({ type, id }))
      return current !== undefined && isSelected(condition, id, current)
    })
    const kept = stored.filter((id) => !changed.has(refKey({ type, id })))
    return [...new Set([...kept, ...added])].sort()
  }

  return { add, select }
}

export const sameIds = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i])

const documentOf = ({ body }: Pick<Current, 'body'>): Extract<Document, { kind: 'fhir' }> | undefined =>
  body === undefined || body instanceof Uint8Array || body.kind !== 'fhir' ? undefined : body

const keysIn = (current: Pick<Current, 'body'>): ReadonlyArray<string> => documentOf(current)?.keys?.all ?? []

function isSelected(condition: Condition, id: string, current: Pick<Current, 'deleted' | 'body'>): boolean {
  const document = documentOf(current)
  return !current.deleted && document !== undefined && selects(condition, id, document.foundBy)
}
