/**
 * Publishes commits in order: their pointers first, then the head, then the acknowledgements (rules 6 and 7).
 *
 * Publishing is idempotent, so it is repeated until it succeeds. Callers do not wait for ever: past their deadline they
 * hear `Unpublished`, which says that the write is durable.
 */

import type { Commit } from '../../domain/commit.js'
import { type AnnalsError, annalsError } from '../../domain/error.js'
import type { Keyspace } from '../../domain/keys.js'
import { headItem } from '../../domain/pointer.js'
import type { Clock, Doorbell, Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { livePointerItems } from '../../projections/pointers.js'

export interface PublisherDeps extends Keyspace {
  readonly log: string
  readonly pointers: PointerStore
  readonly doorbell: Doorbell
  readonly clock: Clock
  /** Waits before the next try; answers false when the writer was stopped. */
  readonly pause: (attempt: number, cause: AnnalsError) => Promise<boolean>
}

export interface Publication {
  readonly commit: Commit
  /** The commit is visible to every reader. */
  readonly done: () => void
  /** It may never become visible through this writer. */
  readonly failed: (error: AnnalsError) => void
}

export interface Publisher {
  publish(publication: Publication): void
  /** Resolves when at most `inFlight` publications are unfinished. Throws once publishing is broken for good. */
  room(inFlight: number): Promise<void>
}

export function makePublisher(deps: PublisherDeps): Publisher {
  const { tenant, partition, pointers, doorbell, log, clock } = deps
  const waiting: Publication[] = []
  let broken: AnnalsError | undefined
  let working = false
  let wake: (() => void) | undefined

  async function work(): Promise<void> {
    working = true
    while (waiting.length > 0) {
      const publication = waiting[0] as Publication
      if (broken === undefined) await publishOne(publication)
      else publication.failed(broken)
      waiting.shift()
      wake?.()
    }
    working = false
  }

  async function publishOne({ commit, done, failed }: Publication): Promise<void> {
    const items = livePointerItems(deps, commit, clock.now())
    for (let attempt = 0; broken === undefined; attempt++) {
      const cause = await tryPublish(commit, items)
      if (cause === undefined) {
        done()
        doorbell.ring(log, commit.seq)
        return
      }
      if (cause._tag === 'NeedsRecovery') broken = cause
      else if (!(await deps.pause(attempt, cause))) broken = annalsError('Cancelled', { what: 'publishing' })
    }
    failed(broken)
  }

  /** Every pointer is in place before the head says so: a reader trusts the head (rule 8). */
  async function tryPublish(commit: Commit, items: Item[]): Promise<AnnalsError | undefined> {
    const put = await pointers.putAll(items)()
    if (put._tag === 'Left') return put.left
    const advanced = await pointers.advance(headItem(tenant, partition, commit))()
    if (advanced._tag === 'Left') return advanced.left
    return advanced.right === 'missing'
      ? annalsError('NeedsRecovery', { log, problem: 'the head disappeared from the pointer store' })
      : undefined
  }

  return {
    publish(publication) {
      waiting.push(publication)
      if (!working) void work()
    },
    async room(inFlight) {
      while (waiting.length > inFlight) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      if (broken !== undefined) throw broken
    },
  }
}

/** Publishes a commit outside of any writer: opening and recovery heal with it. */
export async function publishCommit(
  deps: Keyspace & Pick<PublisherDeps, 'pointers' | 'clock'>,
  commit: Commit,
): Promise<void> {
  const { tenant, partition, pointers, clock } = deps
  await run(pointers.putAll(livePointerItems(deps, commit, clock.now())))
  await run(pointers.advance(headItem(tenant, partition, commit)))
}
