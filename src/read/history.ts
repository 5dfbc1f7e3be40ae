/** Pages of history, newest first, at the three levels. A page costs what it holds, however long the history. */

import { type Cursor, decodeCursor, encodeCursor } from '../../domain/cursor.js'
import { absurd, annalsError } from '../../domain/error.js'
import { typeIndexSk, versionSk, versionsPk } from '../../domain/keys.js'
import { pointerFromItem, pointersOf, type VersionPointer } from '../../domain/pointer.js'
import type { PointerStore } from '../../domain/ports/index.js'
import { type ResourceRef, refKey } from '../../domain/resource.js'
import { mapBounded, orThrow, run } from '../../domain/task.js'
import type { Limits } from '../limits.js'
import { bodiesOf } from './bodies.js'
import { type LogReader, missingCommit, type OpenCommit } from './log-reader.js'
import { type Bound, covers, type Reader } from './reader.js'
import { makeTypeIndexes } from './type-indexes.js'

/** Which history: of one resource, of a type, or of the whole tenant. */
export type Scope =
  | { readonly level: 'instance'; readonly ref: ResourceRef }
  | { readonly level: 'type'; readonly type: string }
  | { readonly level: 'system' }

export interface PageOptions {
  readonly count: number
  readonly cursor?: string
  /** Microseconds since 1970, inclusive. */
  readonly since?: number
  readonly bodies: boolean
}

export interface Page {
  readonly entries: ReadonlyArray<{ readonly pointer: VersionPointer; readonly body: Uint8Array | undefined }>
  /** Where the next page begins; absent at the end of the history. */
  readonly cursor?: string
}

/** A cursor, or the beginning of a history. */
type Place = Omit<Cursor, 'after'> & { readonly after?: string }

/** What one level finds: pointers below `after`, newest first, at most `count + 1`, and commits it has opened anyway. */
interface Found {
  readonly pointers: VersionPointer[]
  readonly opened?: ReadonlyMap<number, OpenCommit>
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

  return async function page(scope: Scope, bound: Bound, options: PageOptions): Promise<Page> {
    const name = scopeName(scope)
    const cursor: Place =
      options.cursor === undefined
        ? { scope: name, ...(await settled(scope, bound)), since: options.since }
        : withinBound(orThrow(decodeCursor(options.cursor, name)), bound)
    const count = Math.min(options.count, limits.maxPage)
    const found = await find(scope, cursor, count + 1)
    const since = cursor.since ?? Number.NEGATIVE_INFINITY
    const recent = found.pointers.filter((pointer) => pointer.at >= since)
    const shown = recent.slice(0, count)
    const bodies = options.bodies ? await bodiesOf(reader, shown, limits, found.opened) : []
    const last = shown.at(-1)
    return {
      entries: shown.map((pointer, i) => ({ pointer, body: bodies[i] })),
      cursor:
        recent.length > count && last !== undefined
          ? encodeCursor({ ...cursor, after: afterOf(scope, last) })
          : undefined,
    }
  }

  /** An instant names one place in the log: where it is looked up by commit, it becomes that commit. */
  async function settled(scope: Scope, bound: Bound): Promise<Bound> {
    if (scope.level === 'instance' || bound.at === undefined) return bound
    return { seq: await log.seqAt(bound.at, bound.seq) }
  }

  async function find(scope: Scope, cursor: Place, limit: number): Promise<Found> {
    switch (scope.level) {
      case 'instance': {
        const { type, id } = scope.ref
        const from = cursor.after === undefined ? undefined : below(cursor.after)
        const leap = (): Promise<string | undefined> => firstVersion(scope.ref, cursor)
        return { pointers: await findItems(versionsPk(log, type, id), from, cursor, limit, leap) }
      }
      case 'type': {
        const from = cursor.after === undefined ? typeIndexSk(cursor.seq + 1, 0) : below(cursor.after)
        const ask = (pk: string) => findItems(pk, from, cursor, limit)
        return { pointers: await indexes.newest(scope.type, limit, ask) }
      }
      case 'system':
        return findInLog(cursor, limit)
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

  /** The newest version that the bound covers, found by bisection. */
  async function firstVersion(ref: ResourceRef, bound: Bound): Promise<string | undefined> {
    const pointer = await reader.versionWithin(ref, bound)
    return pointer && versionSk(pointer.version)
  }

  /** System history is the log itself, read backwards. */
  async function findInLog(cursor: Place, limit: number): Promise<Found> {
    const [afterSeq, afterIndex] = cursor.after === undefined ? [undefined, 0] : logPlace(cursor.after)
    let seq = Math.min(afterSeq ?? cursor.seq, cursor.seq)
    const found: VersionPointer[] = []
    const opened = new Map<number, OpenCommit>()
    for (let reached = false; seq >= 1 && found.length < limit && !reached; ) {
      const width = Math.min(limits.concurrency, limit - found.length, seq)
      const commits = await mapBounded(
        Array.from({ length: width }, (_, i) => seq - i),
        width,
        openExisting,
      )
      for (const each of commits) {
        if (found.length >= limit || each.commit.at < (cursor.since ?? 0)) {
          reached = true
          break
        }
        opened.set(each.commit.seq, each)
        const below = each.commit.seq === afterSeq ? afterIndex : Number.POSITIVE_INFINITY
        const events = pointersOf(each.commit, log.partition).filter(({ index }) => index < below)
        found.push(...events.reverse().slice(0, limit - found.length))
      }
      seq -= width
    }
    return { pointers: found, opened }
  }

  async function openExisting(seq: number): Promise<OpenCommit> {
    const opened = await log.open(seq)
    if (opened === undefined) throw missingCommit(log, seq)
    return opened
  }
}

function scopeName(scope: Scope): string {
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

/** The greatest sort key below another: keys end in digits, and no key has more of them. */
const below = (sk: string): string => `${sk.slice(0, -1)}${String.fromCharCode(sk.charCodeAt(sk.length - 1) - 1)}~`

/** The place of an entry in its history: the next page begins below it. */
function afterOf(scope: Scope, pointer: VersionPointer): string {
  switch (scope.level) {
    case 'instance':
      return versionSk(pointer.version)
    case 'type':
      return typeIndexSk(pointer.seq, pointer.index)
    case 'system':
      return `${pointer.seq}-${pointer.index}`
    default:
      return absurd(scope)
  }
}

/** A cursor may be older than the bound, and never sees beyond it: it comes from a caller. */
const withinBound = (cursor: Cursor, { seq }: Bound): Cursor => ({ ...cursor, seq: Math.min(cursor.seq, seq) })

function logPlace(after: string): [number, number] {
  const [seq = Number.NaN, index = Number.NaN] = after.split('-').map(Number)
  if (Number.isSafeInteger(seq) && Number.isSafeInteger(index)) return [seq, index]
  throw annalsError('InvalidInput', { what: 'cursor', problem: 'it was not made by this store' })
}
