/** Makes copied commits visible at the destination, in order, by the publisher of the log writer. */
import type { Commit } from '../../domain/commit.js'
import type { AnnalsError } from '../../domain/error.js'
import type { Keyspace } from '../../domain/keys.js'
import { makePublisher } from '../write/publisher.js'
import { atDestination } from './patience.js'
import type { CopyLog } from './side.js'

export interface Publishing {
  /** Resolves when few enough commits are unpublished for the next one. */
  add(commit: Commit): Promise<void>
  /** Resolves when all are published. */
  finish(): Promise<void>
  /** The last commit that readers see. */
  readonly published: number
}

/** Commits that are being published while the next one is copied. */
const maxUnpublished = 1

export function makePublishing(
  { side, log }: CopyLog,
  { tenant, shards }: Omit<Keyspace, 'partition'>,
  start: number,
): Publishing {
  let published = start
  let trouble: AnnalsError | undefined
  const publisher = makePublisher({
    tenant,
    partition: log.partition,
    shards,
    log: log.name,
    pointers: side.pointers,
    doorbell: side.doorbell,
    clock: side.clock,
    // The ports have been patient already.
    pause: async (_, cause) => {
      trouble = cause
      return false
    },
  })

  const room = (unpublished: number): Promise<void> =>
    atDestination(async () => {
      try {
        await publisher.room(unpublished)
      } catch (error) {
        throw trouble ?? error
      }
    })

  return {
    add(commit) {
      publisher.publish({
        commit,
        done: () => {
          published = commit.seq
        },
        failed: () => undefined,
      })
      return room(maxUnpublished)
    },
    finish: () => room(0),
    get published() {
      return published
    },
  }
}
