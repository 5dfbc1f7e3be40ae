/**
 * Partitions of a tenant: it may have several logs, so that more commits are written side by side than one log takes. The
 * partition of a resource never changes, so neither does the number of them.
 */
import { sha256 } from './commit.js'
import { type ResourceRef, refKey } from './resource.js'

export const maxPartitions = 64

export const isPartitions = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maxPartitions

/**
 * The first four bytes of the SHA-256 of `{type}/{id}`, both percent-encoded, as a big-endian number, modulo the partitions. What can
 * be no name is of none, and refused by the first.
 */
export const partitionOf = (ref: ResourceRef, partitions: number): number =>
  partitions === 1 || !isText(ref.type) || !isText(ref.id) ? 0 : partitionOfText(refKey(ref), partitions)

const isText = (name: unknown): name is string => typeof name === 'string' && name.isWellFormed()

/** The same for any text, for what has no resource of its own. */
export const partitionOfText = (text: string, partitions: number): number =>
  Number.parseInt(sha256(text).slice(0, 8), 16) % partitions

export const everyPartition = (partitions: number): ReadonlyArray<number> =>
  Array.from({ length: partitions }, (_, partition) => partition)
