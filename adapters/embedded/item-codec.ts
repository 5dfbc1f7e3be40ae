/**
 * How items are kept in LMDB: the key is `{pk} NUL {sk}` in UTF-8, the value a JSON array. Keys that begin with a NUL
 * are this adapter's own: no item has one, because no `pk` is empty.
 */
import { asBinary, type Binary } from 'lmdb'
import type { Attribute, Item } from '../../domain/ports/index.js'

/** Attributes, rev and expiry; zeros stand for none. */
export type StoredItem = readonly [attributes: Readonly<Record<string, Attribute>>, rev: number, expiresAt: number]

export const keyOf = (pk: string, sk: string): string => `${pk}\0${sk}`

/** Below every item's key, above our own keys. */
export const firstItemKey = '\u0001'

/** Above every key of the partition, below those of the next. */
export const endOfPartition = (pk: string): string => `${pk}\u0001`

export const storedOf = (item: Item): StoredItem => [item.attributes, item.rev ?? 0, item.expiresAt ?? 0]

/**
 * Encodes the items of one batch ahead of the database. Neighbours that share their attributes share the bytes, too: a
 * version pointer and its entry in the type index are one fact under two keys.
 */
export function makeBatchEncoder(): (item: Item) => Binary {
  let last: Item | undefined
  let encoded: Binary
  return (item) => {
    const same = last !== undefined && item.attributes === last.attributes && item.rev === last.rev
    if (!same || item.expiresAt !== last?.expiresAt) encoded = asBinary(Buffer.from(JSON.stringify(storedOf(item))))
    last = item
    return encoded
  }
}

export function itemOf(key: string, [attributes, rev, expiresAt]: StoredItem): Item {
  const at = key.indexOf('\0')
  return {
    pk: key.slice(0, at),
    sk: key.slice(at + 1),
    attributes,
    ...(rev !== 0 && { rev }),
    ...(expiresAt !== 0 && { expiresAt }),
  }
}

export const isLiveStored = ([, , expiresAt]: StoredItem, nowMicros: number): boolean =>
  expiresAt === 0 || expiresAt * 1_000_000 > nowMicros

/** The expiry index: one key for each item that expires, in the order of time. */
export const expiryKeyOf = (expiresAt: number, key: string): string =>
  `${expiryPrefix}${String(Math.ceil(expiresAt)).padStart(expiryDigits, '0')}\0${key}`

export const expiryPrefix = '\0x'
const expiryDigits = 16

/** What an entry of the expiry index says. */
export const readExpiryKey = (entry: string): { readonly expiresAt: number; readonly key: string } => ({
  expiresAt: Number(entry.slice(expiryPrefix.length, expiryPrefix.length + expiryDigits)),
  key: entry.slice(expiryPrefix.length + expiryDigits + 1),
})

/** Keys are strings to us and their UTF-8 bytes to LMDB, which therefore sorts as the port demands. */
export const keyEncoder = {
  writeKey: (key: string, target: Buffer, position: number): number => position + target.write(key, position),
  readKey: (source: Buffer, start: number, end: number): string => source.toString('utf8', start, end),
}
