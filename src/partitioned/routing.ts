/** Keeps each resource in the log that is its own: new ones are named so that they belong to it, and others are refused. */
import * as E from 'fp-ts/lib/Either.js'
import { annalsError } from '../../domain/error.js'
import { partitionOf } from '../../domain/partitions.js'
import type { Ids } from '../../domain/ports/index.js'
import type { LogWriter } from '../write/log-writer.js'

/** Which log of how many. */
export interface Share {
  readonly partition: number
  readonly partitions: number
}

/** A new id for a resource of this log: as many are tried as there are logs, on average. */
export const newIdIn =
  (ids: Ids, { partition, partitions }: Share) =>
  (type: string): string => {
    for (;;) {
      const id = ids.uuid()
      if (partitionOf({ type, id }, partitions) === partition) return id
    }
  }

/** The writer of one log: what belongs to another log of the tenant is refused before anything is written. */
export function ownOnly(writer: LogWriter, { partition, partitions }: Share): LogWriter {
  if (partitions === 1) return writer
  return {
    ...writer,
    submit: async (transaction, options) => {
      for (const { type, id } of transaction.operations) {
        const of = partitionOf({ type, id }, partitions)
        if (of === partition) continue
        const problem = `${type}/${id} is in partition ${of} of the tenant, and this is partition ${partition}`
        return E.left(annalsError('InvalidInput', { what: 'partition', problem }))
      }
      return writer.submit(transaction, options)
    },
  }
}
