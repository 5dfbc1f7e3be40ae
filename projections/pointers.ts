/**
 * The pointers projection: the fold of a commit into the items that reads look up.
 *
 * The writer runs it inline before it acknowledges, recovery runs it over the whole log, and verify compares with it:
 * one piece of code, so the three can't disagree.
 */
import type { Commit } from '../domain/commit.js'
import type { Keyspace } from '../domain/keys.js'
import { keyItems, pointersOf, receiptItems, versionItems } from '../domain/pointer.js'
import type { Item } from '../domain/ports/index.js'

export function pointerItems(keyspace: Keyspace, commit: Commit): Item[] {
  const items = [...receiptItems(keyspace, commit), ...keyItems(keyspace, commit)]
  for (const pointer of pointersOf(commit, keyspace.partition)) items.push(...versionItems(keyspace, pointer))
  return items
}

/** Those that are worth writing at an instant (microseconds since 1970): receipts that have expired by then are left out. */
export const livePointerItems = (keyspace: Keyspace, commit: Commit, now: number): Item[] =>
  pointerItems(keyspace, commit).filter(({ expiresAt }) => expiresAt === undefined || expiresAt * 1_000_000 > now)
