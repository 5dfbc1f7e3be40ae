/**
 * One recovery of a log at a time: a lease in the pointer store, renewed as recovery moves on. A recovery that died is
 * followed by another once its lease has ended, which goes on where it was.
 */
import type { ChainLink } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { batonPk, recoverySk } from '../../domain/keys.js'
import type { Clock, Item, PointerStore } from '../../domain/ports/index.js'
import { attempt, orThrow, run } from '../../domain/task.js'

const leaseMs = 30_000

/** How far a recovery has come: every item of the commits up to this one is in place. */
export interface RecoveryProgress extends ChainLink {
  readonly events: number
  readonly items: number
}

export interface RecoveryLock {
  /** What a recovery that did not come to its end has left. */
  readonly earlier: RecoveryProgress | undefined
  /** Keeps the lease, and writes down how far it has come. Fails once another process has taken over. */
  renew(progress?: RecoveryProgress): Promise<void>
  /** Keeps the lease while a step runs that may take longer than it. */
  during<A>(step: () => Promise<A>): Promise<A>
  /**
   * Writes an item that is not there, as long as the lease is held. A request that arrives late, when the lease has been
   * renewed, released or taken over, writes nothing.
   */
  create(item: Item): Promise<void>
  /** `done`: there is nothing left for another recovery to go on with. */
  release(done: boolean): Promise<void>
}

export interface RecoveryLockDeps {
  readonly tenant: string
  readonly partition: number
  readonly name: string
  readonly pointers: PointerStore
  readonly clock: Clock
}

export async function lockRecovery(deps: RecoveryLockDeps): Promise<RecoveryLock> {
  const { pointers, clock } = deps
  const pk = batonPk(deps.tenant, deps.partition)
  const nowMs = (): number => clock.now() / 1000
  const held = await run(pointers.get(pk, recoverySk))
  if (held !== undefined && (held.attributes.until as number) > nowMs()) throw busy(deps.name)
  const earlier = held && progressOf(held)
  let progress = earlier
  let rev = await write(held?.rev ?? 0, nowMs() + leaseMs)

  async function write(expected: number, until: number): Promise<number> {
    const item: Item = { pk, sk: recoverySk, attributes: { until, ...progress } }
    const swapped = await run(pointers.compareAndSet(item, expected))
    if (!swapped.done) throw busy(deps.name)
    return expected + 1
  }

  async function renew(reached = progress): Promise<void> {
    progress = reached
    rev = await write(rev, nowMs() + leaseMs)
  }

  async function renewUntil(signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(leaseMs / 3, signal)
      if (signal.aborted) return
      await renew()
    }
  }

  return {
    earlier,
    renew,
    during: async (step) => {
      const ended = new AbortController()
      // A lease that is lost meanwhile is a failure once the step has ended: nothing can stop the step itself.
      const renewing = attempt(() => renewUntil(ended.signal))()
      try {
        return await step()
      } finally {
        ended.abort()
        orThrow(await renewing)
      }
    },
    create: async (item) => {
      const created = await run(
        pointers.transact([
          { kind: 'check', pk, sk: recoverySk, expected: rev },
          { kind: 'put', item, expected: 0 },
        ]),
      )
      if (!created.done && created.failed.includes(0)) throw busy(deps.name)
    },
    // Whatever comes of it, the lease ends by itself.
    release: async (done) => {
      const attributes = { until: 0, ...(done ? undefined : progress) }
      await pointers.compareAndSet({ pk, sk: recoverySk, attributes }, rev)()
    },
  }
}

function progressOf({ attributes }: Item): RecoveryProgress | undefined {
  const { seq, hash, at, events, items } = attributes
  return seq === undefined ? undefined : ({ seq, hash, at, events, items } as RecoveryProgress)
}

const busy = (log: string): Error =>
  annalsError('Unavailable', { operation: 'recover', key: log, cause: 'another process is recovering this log' })
