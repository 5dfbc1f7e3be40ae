/**
 * What conditions select, decided inside the log's order: on the state at the head with what the batch has changed on it,
 * so that of two transactions that were planned on "nothing is selected" only the first is accepted.
 */
import { type Condition, candidatesOf, selects } from './fhir/condition.js'
import { type FoundBy, keysOf } from './fhir/found-by.js'

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
  /** Remembers what a resource can be found by from now on; `undefined`: by nothing, for it is deleted. */
  add(type: string, id: string, found: FoundBy | undefined): void
  /** What a condition selects, where without the changes it selects `stored`. Sorted. */
  select(condition: Condition, stored: ReadonlyArray<string>): ReadonlyArray<string>
}

export function makeOverlay(): Overlay {
  const changed = new Map<string, FoundBy | undefined>()
  const byKey = new Map<string, Set<string>>()

  function add(type: string, id: string, found: FoundBy | undefined): void {
    changed.set(`${type}/${id}`, found)
    const { all = [] } = (found && keysOf(found)) ?? {}
    for (const key of all) {
      const ids = byKey.get(`${type} ${key}`)
      if (ids === undefined) byKey.set(`${type} ${key}`, new Set([id]))
      else ids.add(id)
    }
  }

  function select(condition: Condition, stored: ReadonlyArray<string>): ReadonlyArray<string> {
    const { type } = condition
    const candidates = candidatesOf(condition)
    const near =
      'ids' in candidates ? candidates.ids : candidates.keys.flatMap((key) => [...(byKey.get(`${type} ${key}`) ?? [])])
    const added = near.filter((id) => {
      const found = changed.get(`${type}/${id}`)
      return found !== undefined && selects(condition, id, found)
    })
    const kept = stored.filter((id) => !changed.has(`${type}/${id}`))
    return [...new Set([...kept, ...added])].sort()
  }

  return { add, select }
}

export const sameIds = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i])
