/**
 * Of the versions from before a period, only those that were current when it began: what supersedes them lies behind its beginning.
 * They are looked for among all others, so that a page looks at so many and no more, and may hold fewer than are asked for.
 */
import type { VersionPointer } from '../../domain/pointer.js'
import { mapBounded } from '../../domain/task.js'
import type { Limits } from '../limits.js'
import type { Found, Place } from './history.js'
import { placeOf, type Scope } from './history-places.js'
import type { OpenCommit } from './log-reader.js'
import { covers, type Reader } from './reader.js'

export interface DuringDeps {
  readonly reader: Reader
  readonly limits: Limits
}

/** `find`: what there is beyond a place, whether it was current or not. */
export function makeFindDuring({ reader, limits }: DuringDeps) {
  return async function findDuring(
    scope: Scope,
    place: Place & { readonly from: number },
    limit: number,
    find: (place: Place) => Promise<Found>,
  ): Promise<Found> {
    const kept: VersionPointer[] = []
    const opened = new Map<number, OpenCommit>()
    let { after } = place
    for (let passed = 0; ; ) {
      const found = await find({ ...place, after })
      for (const [seq, commit] of found.opened ?? []) opened.set(seq, commit)
      const wasCurrent = await mapBounded(found.pointers, limits.concurrency, (pointer) => isCurrent(pointer, place))
      for (const [i, pointer] of found.pointers.entries()) {
        if (pointer.at < (place.since ?? Number.NEGATIVE_INFINITY)) return { pointers: kept, opened }
        after = placeOf(scope, pointer)
        if (wasCurrent[i]) kept.push(pointer)
        else if (++passed === limits.maxPassedOver) return { pointers: kept, opened, after }
        if (kept.length === limit) return { pointers: kept, opened }
      }
      if (found.pointers.length < limit) return { pointers: kept, opened }
    }
  }

  /** Whether nothing had superseded it when the period began. */
  async function isCurrent(pointer: VersionPointer, place: Place & { readonly from: number }): Promise<boolean> {
    if (pointer.at >= place.from) return true
    const next = await reader.version(pointer, pointer.version + 1)
    return next === undefined || !covers(place, next) || next.at > place.from
  }
}
