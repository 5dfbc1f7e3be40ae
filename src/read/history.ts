/** Pages of history at the three levels, newest or oldest first. A page costs what it holds, however long the history. */

import { type Cursor, decodeCursor, encodeCursor, type HistoryOrder } from '../../domain/cursor.js'
import { absurd } from '../../domain/error.js'
import { typeIndexSk, versionSk, versionsPk } from '../../domain/keys.js'
import { pointerFromItem, pointersOf, type VersionPointer } from '../../domain/pointer.js'
import type { PointerStore } from '../../domain/ports/index.js'
import type { ResourceRef } from '../../domain/resource.js'
import { mapBounded, orThrow, run } from '../../domain/task.js'
import type { Limits } from '../limits.js'
import { bodiesOf, withinBytes } from './bodies.js'
import { makeFindDuring } from './history-during.js'
import { above, below, logPlace, placeOf, type Scope, scopeName } from './history-places.js'
import { type LogReader, missingCommit, type OpenCommit } from './log-reader.js'
import { type Bound, covers, type Reader } from './reader.js'
import { lastIndex, makeTypeIndexes } from './type-indexes.js'

export interface PageOptions {
  readonly count: number
  readonly cursor?: string
  /** Microseconds since 1970, inclusive. */
  readonly since?: number
  readonly order?: HistoryOrder
  /** Microseconds since 1970: of earlier versions, those that were current then. */
  readonly from?: number
  readonly bodies: boolean
}

export interface Page {
  readonly entries: ReadonlyArray<{ readonly pointer: VersionPointer; readonly body: Uint8Array | undefined }>
  /** Where the next page begins; absent at the end of the history. */
  readonly cursor?: string
}

/** A cursor, or the beginning of a history. */
export type Place = Omit<Cursor, 'after'> & { readonly after?: string }

/** What one level finds: pointers beyond `after` in order, at most `count + 1`, and commits it has opened anyway. */
export interface Found {
  readonly pointers: VersionPointer[]
  readonly opened?: ReadonlyMap<number, OpenCommit>
  /** Behind what it has looked at, where it goes on though it has found fewer. */
  readonly after?: string
}

export interface HistoryDeps {
  readonly shards: number
  readonly pointers: PointerStore
  readonly log: LogReader
  readonly reader: Reader
  readonly limits: Limits
}

export function makeHistory(deps: HistoryDeps): (scope: Scope, bound: Bound, options: PageOptions) => Promise<Page> {
  const { pointers, log, reader, limits } = deps
  const indexes = makeTypeIndexes(deps)
  const findDuring = makeFindDuring(deps)

  return async function page(scope: Scope, bound: Bound, options: PageOptions): Promise<Page> {
    const place: Place =
      options.cursor === undefined
        ? await begin(scope, bound, options)
        : withinBound(orThrow(decodeCursor(options.cursor, scopeName(scope))), bound)
    const count = Math.min(options.count, limits.maxPage)
    const { from } = place
    const found =
      from === undefined
        ? await find(scope, place, count + 1)
        : await findDuring(scope, { ...place, from }, count + 1, (next) => find(scope, next, count + 1))
    const since = place.since ?? Number.NEGATIVE_INFINITY
    const recent = found.pointers.filter((pointer) => pointer.at >= since)
    // Also where no bodies are wanted: whoever asks again with bodies gets the same page.
    const shown = withinBytes(recent.slice(0, count), limits.maxPageBytes)
    const bodies = options.bodies ? await bodiesOf(reader, shown, limits, found.opened) : []
    const last = shown.at(-1)
    const after = recent.length > shown.length && last !== undefined ? placeOf(scope, last) : found.after
    return {
      entries: shown.map((pointer, i) => ({ pointer, body: bodies[i] })),
      cursor: after === undefined ? undefined : encodeCursor({ ...place, after }),
    }
  }

  /** Newest first, a history ends where `since` says; oldest first, it begins there. */
  async function begin(scope: Scope, bound: Bound, options: PageOptions): Promise<Place> {
    const place = { scope: scopeName(scope), ...(await settled(scope, bound)) }
    const { since, from } = await beginning(scope, place, options)
    if (options.order !== 'oldest-first') return { ...place, since, from }
    const after = since === undefined ? undefined : await lastBefore(scope, place, since)
    return { ...place, order: options.order, from, after }
  }

  /** Of one resource, one version was current when a period began: its history during the period is that since then. */
  async function beginning(scope: Scope, { seq, at }: Bound, { since, from }: PageOptions) {
    if (scope.level !== 'instance' || from === undefined) return { since, from }
    const pointer = await reader.versionWithin(scope.ref, { seq, at: Math.min(at ?? from, from) })
    return { since: Math.max(since ?? Number.NEGATIVE_INFINITY, pointer?.at ?? from), from: undefined }
  }

  /** An instant names one place in the log: where it is looked up by commit, it becomes that commit. */
  async function settled(scope: Scope, bound: Bound): Promise<Bound> {
    if (scope.level === 'instance' || bound.at === undefined) return bound
    return { seq: await log.seqAt(bound.at, bound.seq) }
  }

  /** The place of the last entry before an instant; `undefined`: there is none. */
  async function lastBefore(scope: Scope, { seq, at }: Bound, since: number): Promise<string | undefined> {
    const before = since - 1
    if (scope.level !== 'instance')
      return placeOf(scope, { version: 0, seq: await log.seqAt(before, seq), index: lastIndex })
    const pointer = await reader.versionWithin(scope.ref, { seq, at: Math.min(at ?? before, before) })
    return pointer && placeOf(scope, pointer)
  }

  async function find(scope: Scope, place: Place, limit: number): Promise<Found> {
    const { order = 'newest-first', after } = place
    const isOnwards = order === 'oldest-first'
    switch (scope.level) {
      case 'instance': {
        const pk = versionsPk(log, scope.ref.type, scope.ref.id)
        if (isOnwards) return { pointers: await findOnwards(pk, after, place, limit) }
        const leap = (): Promise<string | undefined> => firstVersion(scope.ref, place)
        return { pointers: await findItems(pk, after && below(after), place, limit, leap) }
      }
      case 'type': {
        const ask = (pk: string): Promise<VersionPointer[]> =>
          isOnwards
            ? findOnwards(pk, after, place, limit)
            : findItems(pk, after === undefined ? typeIndexSk(place.seq + 1, 0) : below(after), place, limit)
        return { pointers: await indexes.first(scope.type, order, limit, ask) }
      }
      case 'system':
        return findInLog(place, isOnwards, limit)
      default:
        return absurd(scope)
    }
  }

  /**
   * Items come newest first. Those above the bound are passed over: a few are of commits in publication (rule 8), and
   * when all of a page are, the bound lies in the past, and `leap` finds where it begins.
   */
  async function findItems(
    pk: string,
    from: string | undefined,
    bound: Bound,
    limit: number,
    leap?: () => Promise<string | undefined>,
  ): Promise<VersionPointer[]> {
    const found: VersionPointer[] = []
    let to = from
    let token: string | undefined
    let mayLeap = leap !== undefined
    for (;;) {
      const page = await run(pointers.query({ pk, to, descending: true, limit: limit - found.length, token }))
      found.push(...page.items.map(pointerFromItem).filter((pointer) => covers(bound, pointer)))
      token = page.token
      if (token === undefined || found.length >= limit) return found
      if (!mayLeap || found.length > 0) continue
      to = await leap?.()
      if (to === undefined) return found
      token = undefined
      mayLeap = false
    }
  }

  /** Items come oldest first. Behind the first one above the bound there are only others above it. */
  async function findOnwards(
    pk: string,
    after: string | undefined,
    bound: Bound,
    limit: number,
  ): Promise<VersionPointer[]> {
    const found: VersionPointer[] = []
    let token: string | undefined
    for (;;) {
      const page = await run(pointers.query({ pk, from: after && above(after), limit: limit - found.length, token }))
      for (const item of page.items) {
        const pointer = pointerFromItem(item)
        if (!covers(bound, pointer)) return found
        found.push(pointer)
      }
      token = page.token
      if (token === undefined || found.length >= limit) return found
    }
  }

  /** The newest version that the bound covers, found by bisection. */
  async function firstVersion(ref: ResourceRef, bound: Bound): Promise<string | undefined> {
    const pointer = await reader.versionWithin(ref, bound)
    return pointer && versionSk(pointer.version)
  }

  /** System history is the log itself, read backwards or onwards. */
  async function findInLog({ seq: bound, after, since = 0 }: Place, isOnwards: boolean, limit: number): Promise<Found> {
    const step = isOnwards ? 1 : -1
    const begun = after === undefined ? undefined : logPlace(after)
    let seq = isOnwards ? Math.max(1, begun?.seq ?? 1) : Math.min(begun?.seq ?? bound, bound)
    const found: VersionPointer[] = []
    const opened = new Map<number, OpenCommit>()
    for (let reached = false; seq >= 1 && seq <= bound && found.length < limit && !reached; ) {
      const width = Math.min(limits.concurrency, limit - found.length, isOnwards ? bound - seq + 1 : seq)
      const commits = await mapBounded(
        Array.from({ length: width }, (_, i) => seq + i * step),
        width,
        openExisting,
      )
      for (const each of commits) {
        if (found.length >= limit || each.commit.at < since) {
          reached = true
          break
        }
        opened.set(each.commit.seq, each)
        const events = pointersOf(each.commit, log.partition)
        if (!isOnwards) events.reverse()
        const isBeyond = ({ seq, index }: VersionPointer): boolean =>
          seq !== begun?.seq || (index - begun.index) * step > 0
        found.push(...events.filter(isBeyond).slice(0, limit - found.length))
      }
      seq += width * step
    }
    return { pointers: found, opened }
  }

  async function openExisting(seq: number): Promise<OpenCommit> {
    const opened = await log.open(seq)
    if (opened === undefined) throw missingCommit(log, seq)
    return opened
  }
}

/** A cursor may be older than the bound, and never sees beyond it: it comes from a caller. */
const withinBound = (cursor: Cursor, { seq }: Bound): Cursor => ({ ...cursor, seq: Math.min(cursor.seq, seq) })
