/** The reads that a tenant and a snapshot share, under a bound: the head as it is at each read, or one head for all of them. */
import type { HistoryOrder } from '../../domain/cursor.js'
import { annalsError } from '../../domain/error.js'
import { type Condition, readCondition } from '../../domain/fhir/condition.js'
import { parseInstant } from '../../domain/instant.js'
import type { Position } from '../../domain/position.js'
import { checkId, checkType, type Kind } from '../../domain/resource.js'
import { attempt, orThrow } from '../../domain/task.js'
import type {
  AsOf,
  HistoryOptions,
  HistoryPage,
  ListOptions,
  ListPage,
  Period,
  ReadOptions,
  Reads,
  ResourceVersion,
} from '../api.js'
import { resourceVersion } from '../version.js'
import type { makeHistory } from './history.js'
import type { Scope } from './history-places.js'
import type { Listing } from './listing.js'
import type { LogReader } from './log-reader.js'
import type { Matching } from './matching.js'
import { type Bound, copyOf, covers, type Reader } from './reader.js'

export interface ReadsDeps {
  readonly kind: Kind
  readonly log: LogReader
  readonly reader: Reader
  readonly history: ReturnType<typeof makeHistory>
  readonly listing: Listing
  readonly matching: Matching
}

const defaultCount = 50

/** `live`: the bound is the head as it is at each read. */
export function makeReads(parts: ReadsDeps, bound: () => Promise<Bound>, live: boolean): Reads {
  const { reader, log } = parts
  return {
    read: (type, id, options = {}) => attempt(() => read(type, id, options)),
    versions: (type, id, options = {}) => attempt(() => historyPage({ type, id }, { ...options, bodies: false })),
    history: (scope = {}, options = {}) => attempt(() => historyPage(scope, options)),
    list: (type, options = {}) => attempt(() => listPage(type, options)),
    match: (type, query, { at } = {}) =>
      attempt(async () => {
        const condition = conditionOf(parts.kind, type, query)
        const matches = await parts.matching.match(condition, await asOf(at))
        return matches.map(({ pointer, body }) => resourceVersion(pointer, copyOf(body)))
      }),
    count: (type, { at } = {}) =>
      attempt(async () => parts.listing.count(orThrow(checkType(parts.kind, type)), await asOf(at))),
  }

  async function read(type: string, id: string, { version, at }: ReadOptions): Promise<ResourceVersion | undefined> {
    const ref = { type: orThrow(checkType(parts.kind, type)), id: orThrow(checkId(parts.kind, id)) }
    if (version === undefined && at === undefined && live) return withBody(await reader.current(ref))
    const within = await asOf(at)
    if (version === undefined) return withBody(await reader.versionWithin(ref, within))
    if (!Number.isSafeInteger(version) || version < 1)
      throw annalsError('InvalidInput', { what: 'version', problem: 'it is a whole number from 1' })
    const pointer = await reader.version(ref, version)
    return withBody(pointer !== undefined && covers(within, pointer) ? pointer : undefined)
  }

  async function withBody(pointer: Awaited<ReturnType<Reader['current']>>): Promise<ResourceVersion | undefined> {
    if (pointer === undefined) return undefined
    return resourceVersion(pointer, pointer.op === 'delete' ? undefined : copyOf(await reader.body(pointer)))
  }

  async function historyPage(scope: { type?: string; id?: string }, options: HistoryOptions): Promise<HistoryPage> {
    const { count = defaultCount, cursor, since, order, bodies = true } = options
    checkCount(count)
    const during = periodOf(options.during)
    const bound = await asOf(options.at)
    const within = during === undefined ? bound : { ...bound, at: Math.min(bound.at ?? during.last, during.last) }
    const page = await parts.history(scopeOf(scope), within, {
      count,
      cursor,
      order: checkOrder(order),
      bodies,
      ...(since === undefined ? undefined : { since: instantOf(since) }),
      ...(during === undefined ? undefined : { from: during.from }),
    })
    return {
      entries: page.entries.map(({ pointer, body }) => resourceVersion(pointer, body && copyOf(body))),
      ...(page.cursor === undefined ? undefined : { cursor: page.cursor }),
    }
  }

  async function listPage(type: string, options: ListOptions): Promise<ListPage> {
    const { count = defaultCount, cursor, at, bodies = true } = options
    checkCount(count)
    orThrow(checkType(parts.kind, type))
    const page = await parts.listing.list(type, await asOf(at), { count, cursor, bodies })
    return {
      entries: page.entries.map(({ pointer, body }) => resourceVersion(pointer, body?.slice())),
      ...(page.cursor === undefined ? undefined : { cursor: page.cursor }),
    }
  }

  function scopeOf({ type, id }: { type?: string; id?: string }): Scope {
    if (type === undefined) {
      if (id === undefined) return { level: 'system' }
      throw annalsError('InvalidInput', { what: 'history', problem: 'an id needs its type' })
    }
    orThrow(checkType(parts.kind, type))
    return id === undefined
      ? { level: 'type', type }
      : { level: 'instance', ref: { type, id: orThrow(checkId(parts.kind, id)) } }
  }

  /** Never beyond the head, whatever is asked. */
  async function asOf(at: AsOf | undefined): Promise<Bound> {
    const within = await bound()
    return at === undefined ? within : boundOf(log, within, at)
  }
}

export function conditionOf(kind: Kind, type: string, query: string): Condition {
  if (kind === 'fhir') return orThrow(readCondition('condition', orThrow(checkType(kind, type)), query))
  throw annalsError('NotSupported', { what: 'condition', problem: 'only FHIR resources are found by what they say' })
}

/** Never beyond the bound within which it lies. */
export function boundOf(log: LogReader, within: Bound, at: AsOf): Bound {
  if (typeof at === 'string' || at instanceof Date) return { ...within, at: instantOf(at) }
  return { seq: Math.min(within.seq, checkPosition(at, log).seq) }
}

function checkCount(count: number): void {
  if (Number.isSafeInteger(count) && count >= 1) return
  throw annalsError('InvalidInput', { what: 'count', problem: 'it is a whole number from 1' })
}

export function checkOrder(order: HistoryOrder | undefined): HistoryOrder {
  if (order === undefined || order === 'newest-first' || order === 'oldest-first') return order ?? 'newest-first'
  throw annalsError('InvalidInput', { what: 'order', problem: "it is 'newest-first' or 'oldest-first'" })
}

/** In microseconds since 1970; `last` is in it. */
function periodOf(during: Period | undefined): { readonly from: number; readonly last: number } | undefined {
  if (during === undefined) return undefined
  const [from, until] = [instantOf(during.from), instantOf(during.until)]
  if (from < until) return { from, last: until - 1 }
  throw annalsError('InvalidInput', { what: 'during', problem: 'it ends before it begins' })
}

export function checkPosition(position: Position, log: LogReader): Position {
  if (position.partition === log.partition && Number.isSafeInteger(position.seq) && position.seq >= 0) return position
  throw annalsError('InvalidInput', { what: 'position', problem: 'it is not of this log' })
}

function instantOf(instant: string | Date): number {
  if (typeof instant === 'string') return orThrow(parseInstant(instant))
  if (!Number.isNaN(instant.getTime())) return instant.getTime() * 1000
  throw annalsError('InvalidInput', { what: 'instant', problem: 'the Date is invalid' })
}
