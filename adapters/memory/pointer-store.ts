/** Items in a map of this process: for tests, the simulation, and a store that nobody needs tomorrow. */
import { pageToken } from '../../domain/page-token.js'
import type { Clock, Item, ItemChange, ItemPage, ItemQuery, ItemScan, PointerStore } from '../../domain/ports/index.js'
import { attempt } from '../../domain/task.js'
import { checkLimit } from '../check-limit.js'
import {
  checkAdvance,
  checkChanges,
  checkExpected,
  checkItemKey,
  checkKeys,
  checkQuery,
  disjointPrefixes,
  isAsExpected,
  isBehind,
  isLive,
  isOverdue,
  queryName,
  scanName,
  tokenPosition,
} from '../item-rules.js'
import { systemClock } from '../system-clock.js'
import { compareUtf8, lowerBound } from '../utf8-order.js'
import { makeItems } from './items.js'

export function memoryPointerStore({ clock = systemClock }: { readonly clock?: Clock } = {}): PointerStore {
  const items = makeItems()

  const live = (pk: string, sk: string): Item | undefined => {
    const item = items.get(pk, sk)
    return item !== undefined && isLive(item, clock.now()) ? item : undefined
  }

  const queryPage = (query: ItemQuery): ItemPage => {
    const { pk, from, to, descending = false, limit } = query
    const name = queryName(query)
    const position = tokenPosition(name, query.token)
    const partition = items.partition(pk)
    if (partition === undefined) return { items: [] }
    const { keys } = partition
    let low = from === undefined ? 0 : lowerBound(keys, from)
    let high = to === undefined ? keys.length : lowerBound(keys, to, true)
    if (position !== undefined && descending) high = Math.min(high, lowerBound(keys, position))
    if (position !== undefined && !descending) low = Math.max(low, lowerBound(keys, position, true))
    const now = clock.now()
    const found: Item[] = []
    for (let taken = 0; taken < high - low; taken++) {
      const item = partition.items.get(keys[descending ? high - 1 - taken : low + taken] as string) as Item
      if (!isLive(item, now)) continue
      if (found.length === limit) return { items: found, token: pageToken(name, (found.at(-1) as Item).sk) }
      found.push(item)
    }
    return { items: found }
  }

  /** In key order, from the given one on. */
  function* pksWith(pkPrefixes: ReadonlyArray<string>, from = ''): Generator<string> {
    for (const prefix of disjointPrefixes(pkPrefixes)) {
      let index = Math.max(lowerBound(items.pks, prefix), lowerBound(items.pks, from))
      for (; items.pks[index]?.startsWith(prefix) === true; index++) yield items.pks[index] as string
    }
  }

  const scanPage = (scan: ItemScan): ItemPage => {
    const name = scanName(scan)
    const position = tokenPosition(name, scan.token)
    const [afterPk = '', afterSk = ''] = position?.split('\0') ?? []
    const now = clock.now()
    const found: Item[] = []
    for (const pk of pksWith(scan.pkPrefixes, afterPk)) {
      for (const sk of items.partition(pk)?.keys ?? []) {
        const item = items.get(pk, sk) as Item
        if (!isLive(item, now) || (pk === afterPk && compareUtf8(sk, afterSk) <= 0)) continue
        if (found.length === scan.limit) {
          const last = found.at(-1) as Item
          return { items: found, token: pageToken(name, `${last.pk}\0${last.sk}`) }
        }
        found.push(item)
      }
    }
    return { items: found }
  }

  const change = (asked: ItemChange): void => {
    if (asked.kind === 'put') items.set({ ...asked.item, rev: asked.expected + 1 })
    if (asked.kind === 'delete') items.remove(asked.pk, asked.sk)
  }

  return {
    get: (pk, sk) =>
      attempt(async () => {
        checkItemKey(pk, sk)
        return live(pk, sk)
      }),

    getAll: (keys) =>
      attempt(async () => {
        checkKeys(keys)
        return keys.map(({ pk, sk }) => live(pk, sk))
      }),

    query: (query) =>
      attempt(async () => {
        checkQuery(query)
        return queryPage(query)
      }),

    scan: (scan) =>
      attempt(async () => {
        checkLimit(scan.limit)
        return scanPage(scan)
      }),

    putAll: (fresh) =>
      attempt(async () => {
        checkKeys(fresh)
        for (const item of fresh) items.set(item)
      }),

    putNewer: (fresh) =>
      attempt(async () => {
        fresh.forEach(checkAdvance)
        for (const item of fresh) if (isOverdue(live(item.pk, item.sk), item)) items.set(item)
      }),

    compareAndSet: (item, expected) =>
      attempt(async () => {
        checkItemKey(item.pk, item.sk)
        checkExpected(expected)
        const actual = live(item.pk, item.sk)
        if (!isAsExpected(actual, expected)) return actual === undefined ? { done: false } : { done: false, actual }
        const written = { ...item, rev: expected + 1 }
        items.set(written)
        return { done: true, item: written }
      }),

    advance: (item) =>
      attempt(async () => {
        checkAdvance(item)
        const stored = live(item.pk, item.sk)
        if (stored === undefined) return 'missing'
        if (!isBehind(stored, item)) return 'ahead'
        items.set(item)
        return 'advanced'
      }),

    transact: (changes) =>
      attempt(async () => {
        checkChanges(changes)
        const failed = changes.flatMap((asked, index) => {
          const { pk, sk } = asked.kind === 'put' ? asked.item : asked
          return isAsExpected(live(pk, sk), asked.expected) ? [] : [index]
        })
        if (failed.length > 0) return { done: false, failed }
        changes.forEach(change)
        return { done: true }
      }),

    deleteByPrefix: (pkPrefixes) =>
      attempt(async () => {
        let deleted = 0
        for (const pk of [...pksWith(pkPrefixes)]) {
          const keys = [...(items.partition(pk)?.keys ?? [])]
          for (const sk of keys) items.remove(pk, sk)
          deleted += keys.length
        }
        return deleted
      }),
  }
}
