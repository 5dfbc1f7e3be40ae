/**
 * Items in LMDB: `{folder}/pointers/`, shared safely by any number of processes.
 *
 * Conditions are decided inside a write transaction, of which LMDB runs one at a time among all processes. Reads take
 * the newest state: a snapshot that lmdb-js keeps for a turn of the event loop would miss what another process
 * committed and reported meanwhile.
 */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../../domain/error.js'
import type { Clock, Item, ItemChange, PointerStore } from '../../domain/ports/index.js'
import { attempt } from '../../domain/task.js'
import { checkLimit } from '../check-limit.js'
import {
  checkAdvance,
  checkChanges,
  checkExpected,
  checkItemKey,
  checkKeys,
  checkQuery,
  isAsExpected,
  isBehind,
  isOverdue,
} from '../item-rules.js'
import type { Environment } from './environment.js'
import { makeExpiry } from './expiry.js'
import { makeGate } from './gate.js'
import { expiryKeyOf, isLiveStored, itemOf, keyOf, makeBatchEncoder, type StoredItem, storedOf } from './item-codec.js'
import { makeItemPages } from './item-pages.js'
import { lmdbError } from './lmdb-error.js'
import type { Lock } from './lock.js'

/** Items of one transaction, which takes a millisecond at most: for its duration every other writer waits. */
const itemsPerTransaction = 256

/** Deletions of one transaction, for whose duration every other writer waits. */
const deletesPerTransaction = 1000

export interface EmbeddedPointerStore extends PointerStore {
  /** Waits for the calls in flight; later ones are `Cancelled`. */
  close(): Promise<void>
}

export function embeddedPointerStore(environment: Environment, lock: Lock, clock: Clock): EmbeddedPointerStore {
  const { database } = environment
  const gate = makeGate()
  const pages = makeItemPages(database, clock)
  const expiry = makeExpiry(database, clock)

  const step = <A>(operation: string, key: string, body: () => Promise<A>): TaskEither<AnnalsError, A> =>
    attempt(() =>
      gate.pass(operation, key, async () => {
        try {
          return await body()
        } catch (error) {
          throw await lmdbError(error, operation, key)
        }
      }),
    )

  /**
   * A write transaction: what it reads is the newest state, and stays so until it has committed. Under the store's lock,
   * because a process that opens the environment sets its number of the last transaction to what it has read a moment
   * before: a commit in that moment would be undone, and the pages of the next one mixed up with it. So every write is of
   * this kind, and none is left to lmdb-js's own thread.
   */
  const exclusively = <A>(operation: string, key: string, body: () => A): A => {
    environment.assertPresent(operation, key)
    // Wrapped, because a transaction waits for what looks like a promise.
    return lock.exclusively(() => database.transactionSync(() => ({ result: body() })).result)
  }

  const live = (pk: string, sk: string): Item | undefined => {
    const key = keyOf(pk, sk)
    const stored = database.get(key) as StoredItem | undefined
    return stored !== undefined && isLiveStored(stored, clock.now()) ? itemOf(key, stored) : undefined
  }

  const write = (item: Item, encode: (item: Item) => unknown = storedOf): void => {
    const key = keyOf(item.pk, item.sk)
    database.putSync(key, encode(item))
    if (item.expiresAt === undefined) return
    database.putSync(expiryKeyOf(item.expiresAt, key), 0)
    expiry.sweepFor(1)
  }

  /** Those that `isDue` says when its turn has come, inside the transaction. */
  const putAll = async (items: ReadonlyArray<Item>, isDue: (item: Item) => boolean = () => true): Promise<void> => {
    const encode = items.length > 1 ? makeBatchEncoder() : storedOf
    for (let from = 0; from < items.length; from += itemsPerTransaction) {
      if (from > 0) await new Promise((resolve) => setImmediate(resolve))
      const some = items.slice(from, from + itemsPerTransaction)
      exclusively('put', some[0]?.pk ?? '', () => {
        for (const item of some) if (isDue(item)) write(item, encode)
      })
    }
  }

  const change = (asked: ItemChange): void => {
    if (asked.kind === 'put') write({ ...asked.item, rev: asked.expected + 1 })
    if (asked.kind === 'delete') database.removeSync(keyOf(asked.pk, asked.sk))
  }

  return {
    get: (pk, sk) =>
      step('get', pk, async () => {
        checkItemKey(pk, sk)
        database.resetReadTxn()
        return live(pk, sk)
      }),

    getAll: (keys) =>
      step('get', keys[0]?.pk ?? '', async () => {
        checkKeys(keys)
        database.resetReadTxn()
        return keys.map(({ pk, sk }) => live(pk, sk))
      }),

    query: (query) =>
      step('query', query.pk, async () => {
        checkQuery(query)
        return pages.query(query)
      }),

    scan: (scan) =>
      step('scan', scan.pkPrefixes.join(' '), async () => {
        checkLimit(scan.limit)
        return pages.scan(scan)
      }),

    putAll: (items) =>
      step('put', items[0]?.pk ?? '', async () => {
        checkKeys(items)
        await putAll(items)
      }),

    putNewer: (items) =>
      step('put', items[0]?.pk ?? '', async () => {
        items.forEach(checkAdvance)
        await putAll(items, (item) => isOverdue(live(item.pk, item.sk), item))
      }),

    compareAndSet: (item, expected) =>
      step('compare-and-set', item.pk, async () => {
        checkItemKey(item.pk, item.sk)
        checkExpected(expected)
        return exclusively('compare-and-set', item.pk, () => {
          const actual = live(item.pk, item.sk)
          if (!isAsExpected(actual, expected)) return actual === undefined ? { done: false } : { done: false, actual }
          const written = { ...item, rev: expected + 1 }
          write(written)
          return { done: true, item: written }
        })
      }),

    advance: (item) =>
      step('advance', item.pk, async () => {
        checkAdvance(item)
        return exclusively('advance', item.pk, () => {
          const stored = live(item.pk, item.sk)
          if (stored === undefined) return 'missing'
          if (!isBehind(stored, item)) return 'ahead'
          write(item)
          return 'advanced'
        })
      }),

    transact: (changes) =>
      step('transact', 'pointers', async () => {
        checkChanges(changes)
        return exclusively('transact', 'pointers', () => {
          const failed = changes.flatMap((asked, index) => {
            const { pk, sk } = asked.kind === 'put' ? asked.item : asked
            return isAsExpected(live(pk, sk), asked.expected) ? [] : [index]
          })
          if (failed.length > 0) return { done: false, failed }
          changes.forEach(change)
          return { done: true }
        })
      }),

    deleteByPrefix: (pkPrefixes) =>
      step('delete', pkPrefixes.join(' '), async () => {
        let deleted = 0
        for (;;) {
          const count = exclusively('delete', pkPrefixes.join(' '), () => {
            const keys = pages.keysWith(pkPrefixes, deletesPerTransaction)
            for (const key of keys) database.removeSync(key)
            return keys.length
          })
          deleted += count
          if (count < deletesPerTransaction) return deleted
          await new Promise((resolve) => setImmediate(resolve))
        }
      }),

    close: gate.close,
  }
}
