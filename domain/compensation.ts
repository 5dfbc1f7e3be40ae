/**
 * Compensation: what takes events back. History only grows, so an event is answered by another one that brings back the
 * state before it, one for each resource, in the reverse order of what is answered.
 */
import type { VersionConflict } from './error.js'
import { type ResourceRef, refKey } from './resource.js'

/** A resource that has moved on since: nothing is written at all, it is left as it is, or what came after is taken back too. */
export type OnConflict = 'fail' | 'skip' | 'force'

/** The events of one resource that are to be taken back. */
export interface Undoing extends ResourceRef {
  readonly first: number
  /** The last of them that follows the first with none of others in between. */
  readonly last: number
}

/** A version, as far as compensation looks at it. */
export interface Standing {
  readonly version: number
  readonly deleted: boolean
  /** Of one that was written to take others back: the version that it stands for. */
  readonly standsFor?: number
}

export interface Compensation extends ResourceRef {
  /** The version that stands. */
  readonly version: number
  /** The version whose state comes back; 0: there was none. */
  readonly restores: number
  /** `restore`: its body is written again. `leave`: nothing is written, because nothing differs or the conflict is skipped. */
  readonly action: 'restore' | 'delete' | 'leave'
  /** The resource has moved on. Under `force` it is taken back all the same. */
  readonly conflict?: VersionConflict
}

/** Gathers events, given in log order, resource by resource: what was written last comes first. */
export function undoingsOf(events: Iterable<ResourceRef & { readonly version: number }>): Undoing[] {
  const found = new Map<string, Undoing>()
  for (const { type, id, version } of events) {
    const key = refKey({ type, id })
    const earlier = found.get(key)
    found.delete(key)
    if (earlier === undefined) found.set(key, { type, id, first: version, last: version })
    else found.set(key, earlier.last + 1 === version ? { ...earlier, last: version } : earlier)
  }
  return [...found.values()].reverse()
}

/** `now` is the resource's current version, `before` the one before the first that is taken back, if there was one. */
export function compensationOf(
  undoing: Undoing,
  now: Standing,
  before: Standing | undefined,
  onConflict: OnConflict,
  place: number,
): Compensation {
  const { type, id, first, last } = undoing
  const wasThere = before !== undefined && !before.deleted
  const action = wasThere ? 'restore' : now.deleted ? 'leave' : 'delete'
  const compensation = { type, id, version: now.version, restores: first - 1 }
  if (now.version === last || now.standsFor === last) return { ...compensation, action }
  const conflict = { operation: place, type, id, expected: last, actual: now.version, deleted: now.deleted }
  return { ...compensation, action: onConflict === 'force' ? action : 'leave', conflict }
}
