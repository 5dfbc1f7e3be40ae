/** Pages of items, in the order of their keys. */

import { pageToken } from '../../domain/page-token.js'
import type { Clock, Item, ItemPage, ItemQuery, ItemScan } from '../../domain/ports/index.js'
import { disjointPrefixes, queryName, scanName, tokenPosition } from '../item-rules.js'
import { compareUtf8 } from '../utf8-order.js'
import type { Database } from './environment.js'
import { endOfPartition, firstItemKey, isLiveStored, itemOf, keyOf, type StoredItem } from './item-codec.js'

export interface ItemPages {
  query(query: ItemQuery): ItemPage
  scan(scan: ItemScan): ItemPage
  /** The first keys whose `pk` starts with one of the prefixes, expired ones among them. */
  keysWith(pkPrefixes: ReadonlyArray<string>, limit: number): ReadonlyArray<string>
}

export function makeItemPages(database: Database, clock: Clock): ItemPages {
  /** Live items of a range while `isInside`; one more than `limit` to know if others follow. */
  const collect = (
    range: { readonly start: string; readonly end?: string; readonly reverse?: boolean },
    after: string | undefined,
    limit: number,
    isInside: (key: string) => boolean,
  ): Item[] => {
    const found: Item[] = []
    const now = clock.now()
    // Another process may have written since this turn of the event loop took its snapshot.
    database.resetReadTxn()
    for (const { key, value } of database.getRange(range)) {
      if (key === after) continue
      if (!isInside(key)) break
      if (!isLiveStored(value as StoredItem, now)) continue
      found.push(itemOf(key, value as StoredItem))
      if (found.length > limit) break
    }
    return found
  }

  const page = (items: Item[], limit: number, tokenOf: (last: Item) => string): ItemPage => {
    if (items.length <= limit) return { items }
    items.pop()
    return { items, token: tokenOf(items.at(-1) as Item) }
  }

  return {
    query: (query) => {
      const { pk, from, to, descending = false, limit } = query
      const name = queryName(query)
      const position = tokenPosition(name, query.token)
      const partition = keyOf(pk, '')
      const low = from === undefined ? undefined : keyOf(pk, from)
      const high = to === undefined ? undefined : keyOf(pk, to)
      const after = position === undefined ? undefined : keyOf(pk, position)
      const first = descending ? (high ?? endOfPartition(pk)) : (low ?? partition)
      const isInside = (key: string): boolean =>
        key.startsWith(partition) &&
        (low === undefined || compareUtf8(key, low) >= 0) &&
        (high === undefined || compareUtf8(key, high) <= 0)
      // A reverse range needs an end, which it excludes; no item has the empty sort key.
      const range = { start: after ?? first, reverse: descending, ...(descending && { end: partition }) }
      const items = collect(range, after, limit, isInside)
      return page(items, limit, (last) => pageToken(name, last.sk))
    },

    scan: (scan) => {
      const name = scanName(scan)
      const after = tokenPosition(name, scan.token)
      const items: Item[] = []
      for (const prefix of disjointPrefixes(scan.pkPrefixes)) {
        const first = startOf(prefix)
        const start = after !== undefined && compareUtf8(after, first) > 0 ? after : first
        const left = scan.limit - items.length
        if (left >= 0) items.push(...collect({ start }, after, left, (key) => key.startsWith(prefix)))
      }
      return page(items, scan.limit, (last) => pageToken(name, keyOf(last.pk, last.sk)))
    },

    keysWith: (pkPrefixes, limit) => {
      const keys: string[] = []
      for (const prefix of disjointPrefixes(pkPrefixes)) {
        for (const key of database.getKeys({ start: startOf(prefix) })) {
          if (keys.length === limit || !key.startsWith(prefix)) break
          keys.push(key)
        }
      }
      return keys
    },
  }
}

const startOf = (pkPrefix: string): string => (pkPrefix === '' ? firstItemKey : pkPrefix)
