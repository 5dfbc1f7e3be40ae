/**
 * Shards of the two indexes by type, so that a type with very many writes does not sit on one partition of the table. The
 * shard of an id never changes: whoever knows the id and the number of shards finds it.
 */
import { sha256 } from './commit.js'

export const maxShards = 64

export const isShards = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maxShards

/** The first four bytes of the SHA-256 of the id's UTF-8 bytes, as a big-endian number, modulo the shards. */
export const shardOf = (id: string, shards: number): number =>
  shards === 1 ? 0 : Number.parseInt(sha256(id).slice(0, 8), 16) % shards

export const everyShard = (shards: number): ReadonlyArray<number> => Array.from({ length: shards }, (_, shard) => shard)
