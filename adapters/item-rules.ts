/**
 * What every pointer store decides alike, whatever it is made of: which items exist, which conditions hold, which input
 * is acceptable. A breach throws the typed error, for `attempt` to catch.
 */
import { annalsError } from '../domain/error.js'
import { readPageToken } from '../domain/page-token.js'
import {
  type Item,
  type ItemChange,
  type ItemKey,
  type ItemQuery,
  type ItemScan,
  maxChanges,
  maxPrefixes,
} from '../domain/ports/index.js'
import { orThrow } from '../domain/task.js'
import { checkLimit } from './check-limit.js'
import { compareUtf8 } from './utf8-order.js'

/** Of `pk` and `sk` together in UTF-8. LMDB keys have 1978 bytes, and the expiry index adds a few of its own. */
const maxItemKeyBytes = 1920

/** Of `sk` alone: DynamoDB's bound, and that of every store, so that an item that one of them takes fits into all. */
const maxSortKeyBytes = 1024

const anySk = '0'

const isUnwanted = (text: string): boolean => text.includes('\0') || !text.isWellFormed()

/** An expired item is absent, whether or not it has been removed yet. */
export const isLive = (item: Pick<Item, 'expiresAt'>, nowMicros: number): boolean =>
  item.expiresAt === undefined || item.expiresAt * 1_000_000 > nowMicros

/** `stored` is the live item, if there is one. An item that `putAll` wrote has no rev and equals no expected one. */
export const isAsExpected = (stored: Item | undefined, expected: number): boolean =>
  expected === 0 ? stored === undefined : stored?.rev === expected

/** Whether `advance` may replace `stored` with `next`. */
export const isBehind = (stored: Item, next: Item): boolean =>
  typeof stored.attributes.seq === 'number' && stored.attributes.seq < (next.attributes.seq as number)

/** Whether `putNewer` writes `next`; `stored` is the live item, if there is one. */
export const isOverdue = (stored: Item | undefined, next: Item): boolean =>
  stored === undefined || isBehind(stored, next)

export function checkItemKey(pk: string, sk: string): void {
  if (pk === '' || sk === '') refuse(pk, sk, 'neither part may be empty')
  if (isUnwanted(pk) || isUnwanted(sk)) refuse(pk, sk, 'it holds a NUL or a lone surrogate')
  const length = pk.length + sk.length
  if (length * 3 > maxItemKeyBytes && Buffer.byteLength(pk) + Buffer.byteLength(sk) > maxItemKeyBytes) {
    refuse(pk, sk, `it is over ${maxItemKeyBytes} bytes`)
  }
  if (sk.length * 3 > maxSortKeyBytes && Buffer.byteLength(sk) > maxSortKeyBytes) {
    refuse(pk, sk, `its sort key is over ${maxSortKeyBytes} bytes`)
  }
}

const refuse = (pk: string, sk: string, problem: string): never => {
  throw annalsError('InvalidInput', { what: `item key ${JSON.stringify(`${pk} ${sk}`.slice(0, 200))}`, problem })
}

export function checkKeys(items: ReadonlyArray<ItemKey>): void {
  for (const item of items) checkItemKey(item.pk, item.sk)
}

export function checkQuery(query: ItemQuery): void {
  checkLimit(query.limit)
  checkItemKey(query.pk, query.from ?? anySk)
  if (query.to !== undefined) checkItemKey(query.pk, query.to)
}

export function checkExpected(expected: number): void {
  if (Number.isSafeInteger(expected) && expected >= 0) return
  throw annalsError('InvalidInput', { what: 'expected rev', problem: `${expected} is not a whole number from 0` })
}

export function checkAdvance(item: Item): void {
  checkItemKey(item.pk, item.sk)
  if (Number.isSafeInteger(item.attributes.seq)) return
  throw annalsError('InvalidInput', { what: 'item to advance', problem: "its attribute 'seq' is not a whole number" })
}

export function checkChanges(changes: ReadonlyArray<ItemChange>): void {
  if (changes.length > maxChanges) {
    throw annalsError('LimitExceeded', {
      what: 'a transaction of items',
      limit: maxChanges,
      actual: changes.length,
      unit: 'changes',
    })
  }
  const seen = new Set<string>()
  for (const change of changes) {
    const { pk, sk } = change.kind === 'put' ? change.item : change
    checkItemKey(pk, sk)
    checkExpected(change.expected)
    const name = `${pk}\0${sk}`
    if (seen.has(name)) refuse(pk, sk, 'a transaction changes an item once at most')
    seen.add(name)
  }
}

/** The same prefixes in key order, without those that another one covers: no item has two of them. */
export function disjointPrefixes(pkPrefixes: ReadonlyArray<string>): ReadonlyArray<string> {
  if (pkPrefixes.length > maxPrefixes) {
    const actual = pkPrefixes.length
    throw annalsError('LimitExceeded', { what: 'a scan of items', limit: maxPrefixes, actual, unit: 'prefixes' })
  }
  const disjoint: string[] = []
  for (const prefix of [...pkPrefixes].sort(compareUtf8)) {
    const last = disjoint.at(-1)
    if (last === undefined || !prefix.startsWith(last)) disjoint.push(prefix)
  }
  return disjoint
}

/** What the token of a query is bound to. The limit may differ from page to page. */
export const queryName = (query: ItemQuery): string =>
  JSON.stringify(['query', query.pk, query.from ?? null, query.to ?? null, query.descending === true])

export const scanName = (scan: ItemScan): string => JSON.stringify(['scan', ...scan.pkPrefixes])

/** The position after which the page starts, if the request has a token. */
export const tokenPosition = (name: string, token: string | undefined): string | undefined =>
  token === undefined ? undefined : orThrow(readPageToken(name, token))
