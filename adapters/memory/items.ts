/** Items in order: a map of partitions, each with its sort keys in the order of their UTF-8 bytes. */
import type { Item } from '../../domain/ports/index.js'
import { lowerBound } from '../utf8-order.js'

interface Partition {
  readonly items: Map<string, Item>
  readonly keys: string[]
}

/** A place in a partition; `scan` visits partitions, and the items of each, in key order. */
export interface Items {
  get(pk: string, sk: string): Item | undefined
  set(item: Item): void
  remove(pk: string, sk: string): void
  partition(pk: string): Partition | undefined
  /** Partition keys in ascending order. */
  readonly pks: ReadonlyArray<string>
}

export function makeItems(): Items {
  const partitions = new Map<string, Partition>()
  const pks: string[] = []

  const partitionFor = (pk: string): Partition => {
    const known = partitions.get(pk)
    if (known !== undefined) return known
    const fresh = { items: new Map<string, Item>(), keys: [] }
    partitions.set(pk, fresh)
    pks.splice(lowerBound(pks, pk), 0, pk)
    return fresh
  }

  return {
    pks,
    partition: (pk) => partitions.get(pk),
    get: (pk, sk) => partitions.get(pk)?.items.get(sk),

    set: (item) => {
      const partition = partitionFor(item.pk)
      if (!partition.items.has(item.sk)) partition.keys.splice(lowerBound(partition.keys, item.sk), 0, item.sk)
      // A frozen copy: neither the writer nor a reader can change what is stored.
      partition.items.set(item.sk, Object.freeze({ ...item, attributes: Object.freeze({ ...item.attributes }) }))
    },

    remove: (pk, sk) => {
      const partition = partitions.get(pk)
      if (partition === undefined || !partition.items.delete(sk)) return
      partition.keys.splice(lowerBound(partition.keys, sk), 1)
      if (partition.keys.length > 0) return
      partitions.delete(pk)
      pks.splice(lowerBound(pks, pk), 1)
    },
  }
}
