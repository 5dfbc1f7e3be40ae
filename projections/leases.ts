/**
 * Leases: which worker runs which projection of which log, and which workers there are. Each is an item with an end, changed
 * by compare-and-set. They save work, and nothing depends on them: two that run one projection do the same thing twice.
 */
import { leasesPk, workersPk } from '../domain/keys.js'
import type { Clock, Item, PointerStore } from '../domain/ports/index.js'
import { run } from '../domain/task.js'
import { everyItem } from '../domain/walk.js'

export interface Lease {
  readonly key: string
  readonly owner: string
  /** Milliseconds since 1970. */
  readonly until: number
  readonly rev: number
}

export interface Leases {
  /** Says that this worker lives. */
  announce(): Promise<void>
  /** The names of the workers that live, this one included. */
  workers(): Promise<ReadonlyArray<string>>
  list(): Promise<ReadonlyMap<string, Lease>>
  /** Takes or renews; `undefined`: somebody else was faster. */
  take(key: string, rev: number): Promise<Lease | undefined>
  /** Lets others have it at once. */
  release(lease: Lease): Promise<void>
  /** Says that this worker is gone. */
  leave(): Promise<void>
}

export interface LeaseDeps {
  readonly worker: string
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly leaseMs: number
}

export function makeLeases({ worker, pointers, clock, leaseMs }: LeaseDeps): Leases {
  const nowMs = (): number => clock.now() / 1000

  async function all(pk: string): Promise<Item[]> {
    const found: Item[] = []
    for await (const item of everyItem(pointers, pk)) found.push(item)
    return found
  }

  /** Expired presences are removed by the engine: a worker has a new name each time it starts. */
  async function presence(until: number): Promise<void> {
    const expiresAt = Math.ceil(Math.max(until, nowMs()) / 1000) + 1
    await run(pointers.putAll([{ pk: workersPk, sk: worker, attributes: { until }, expiresAt }]))
  }

  return {
    announce: () => presence(nowMs() + leaseMs),
    leave: () => presence(0),
    async workers() {
      const now = nowMs()
      const living = (await all(workersPk)).filter(({ attributes }) => (attributes.until as number) > now)
      return [...new Set([worker, ...living.map(({ sk }) => sk)])].sort()
    },
    async list() {
      const leases = (await all(leasesPk)).map(({ sk, attributes, rev = 0 }): [string, Lease] => {
        const { owner, until } = attributes as { owner: string; until: number }
        return [sk, { key: sk, owner, until, rev }]
      })
      return new Map(leases)
    },
    async take(key, rev) {
      const until = nowMs() + leaseMs
      const item: Item = { pk: leasesPk, sk: key, attributes: { owner: worker, until } }
      const swapped = await run(pointers.compareAndSet(item, rev))
      return swapped.done ? { key, owner: worker, until, rev: rev + 1 } : undefined
    },
    async release({ key, rev }) {
      const item: Item = { pk: leasesPk, sk: key, attributes: { owner: '', until: 0 } }
      // Whatever comes of it, the lease ends by itself.
      await pointers.compareAndSet(item, rev)()
    },
  }
}
