import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../error.js'

/**
 * A table of small items, each found by a partition key `pk` and a sort key `sk`: DynamoDB, LMDB, a map.
 *
 * Contract, checked for every adapter by the suite in `annals/testing`:
 * - Every read is strongly consistent.
 * - Sort keys are ordered by their UTF-8 bytes.
 * - An item whose `expiresAt` has passed is absent from every read and condition, removed by the engine or not.
 * - Page tokens are opaque, bound to the query that made them, and refused (`InvalidInput`) by any other.
 */
export interface PointerStore {
  get(pk: string, sk: string): TaskEither<AnnalsError, Item | undefined>
  /** The items of many keys, in the order of the keys: `undefined` where there is none. A key may come more than once. */
  getAll(keys: ReadonlyArray<ItemKey>): TaskEither<AnnalsError, ReadonlyArray<Item | undefined>>
  /** The items of one partition, in sort-key order, bounds included. */
  query(query: ItemQuery): TaskEither<AnnalsError, ItemPage>
  /**
   * Every item whose `pk` starts with one of the prefixes, once, in no useful order. Costs one pass over the whole table,
   * however many prefixes there are: for verify and recover.
   */
  scan(query: ItemScan): TaskEither<AnnalsError, ItemPage>
  /** Writes all items. Idempotent and not atomic; when it succeeds, every item is there. */
  putAll(items: ReadonlyArray<Item>): TaskEither<AnnalsError, void>
  /**
   * Writes each item, but leaves a stored one whose numeric attribute `seq` is as high or higher. Idempotent and not atomic;
   * when it succeeds, none of the stored ones is behind its item.
   */
  putNewer(items: ReadonlyArray<Item>): TaskEither<AnnalsError, void>
  /** Writes `item` with `rev = expected + 1` if the stored rev is `expected`; 0 stands for an absent item. */
  compareAndSet(item: Item, expected: number): TaskEither<AnnalsError, Swapped>
  /** Replaces a stored item if its numeric attribute `seq` is lower than the new one's. Never creates. */
  advance(item: Item): TaskEither<AnnalsError, 'advanced' | 'ahead' | 'missing'>
  /** All or nothing, at most 100 changes, each on another key. */
  transact(changes: ReadonlyArray<ItemChange>): TaskEither<AnnalsError, Transacted>
  /** Deletes every item whose `pk` starts with one of the prefixes; answers how many. Costs what a scan does. */
  deleteByPrefix(pkPrefixes: ReadonlyArray<string>): TaskEither<AnnalsError, number>
}

export type Attribute = string | number | boolean

export interface ItemKey {
  readonly pk: string
  readonly sk: string
}

export interface Item extends ItemKey {
  readonly attributes: Readonly<Record<string, Attribute>>
  /** Set by `compareAndSet` alone: counts the item's changes from 1. */
  readonly rev?: number
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly expiresAt?: number
}

export interface ItemQuery {
  readonly pk: string
  readonly from?: string
  readonly to?: string
  readonly descending?: boolean
  readonly limit: number
  readonly token?: string
}

export interface ItemScan {
  /** At most 100. No prefix means no item; the empty prefix means every item. */
  readonly pkPrefixes: ReadonlyArray<string>
  readonly limit: number
  readonly token?: string
}

export interface ItemPage {
  readonly items: ReadonlyArray<Item>
  /** Where the next page starts; absent when this page is the last. */
  readonly token?: string
}

export type Swapped = { readonly done: true; readonly item: Item } | { readonly done: false; readonly actual?: Item }

/** A change of `transact`, made only if the stored rev is `expected` (0: the item is absent). */
export type ItemChange =
  | { readonly kind: 'put'; readonly item: Item; readonly expected: number }
  | { readonly kind: 'delete'; readonly pk: string; readonly sk: string; readonly expected: number }
  | { readonly kind: 'check'; readonly pk: string; readonly sk: string; readonly expected: number }

/** `failed` holds the indexes of the changes whose condition did not hold. */
export type Transacted = { readonly done: true } | { readonly done: false; readonly failed: ReadonlyArray<number> }

export const maxChanges = 100
export const maxPrefixes = 100
