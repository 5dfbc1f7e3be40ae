/** Removing expired items, a few with every write of an item that will expire: so they never pile up. */
import type { Clock } from '../../domain/ports/index.js'
import type { Database } from './environment.js'
import { expiryPrefix, firstItemKey, isLiveStored, readExpiryKey, type StoredItem } from './item-codec.js'

/** More than one for each item written, so that a backlog shrinks. */
const sweptPerWrite = 2

/** For whose duration the process does nothing else. */
const maxSweptAtOnce = 256

export interface Expiry {
  /** Removes expired items on the occasion of `writes` writes, in the transaction that is open. */
  sweepFor(writes: number): void
}

export function makeExpiry(database: Database, clock: Clock): Expiry {
  const due = (limit: number): string[] => {
    const entries: string[] = []
    const now = clock.now()
    for (const entry of database.getKeys({ start: expiryPrefix, end: firstItemKey, limit })) {
      if (readExpiryKey(entry).expiresAt * 1_000_000 > now) break
      entries.push(entry)
    }
    return entries
  }

  return {
    sweepFor: (writes) => {
      const now = clock.now()
      for (const entry of due(Math.min(writes * sweptPerWrite, maxSweptAtOnce))) {
        const { key } = readExpiryKey(entry)
        // The item may have been replaced since by one that expires later, or never.
        const stored = database.get(key) as StoredItem | undefined
        if (stored !== undefined && !isLiveStored(stored, now)) database.removeSync(key)
        database.removeSync(entry)
      }
    },
  }
}
