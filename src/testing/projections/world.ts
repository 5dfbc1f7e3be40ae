/** A store in memory with one tenant that holds a history; its clock stands still between two transactions. */
import { memoryBlobStore, memoryDoorbell, memoryPointerStore } from '../../../adapters/memory/index.js'
import { systemClock } from '../../../adapters/system-clock.js'
import { parseInstant } from '../../../domain/instant.js'
import type { Clock, Ids, PointerStore } from '../../../domain/ports/index.js'
import type { Kind } from '../../../domain/resource.js'
import { orThrow } from '../../../domain/task.js'
import { defaultLimits } from '../../limits.js'
import type { DefinedProjection } from '../../project/definition.js'
import { makeStore, type Store, type Tenant } from '../../store.js'
import { type History, signed } from './history.js'

export const tenantName = 'tenant'

export interface HistoryStore {
  readonly store: Store
  readonly tenant: Tenant
  readonly pointers: PointerStore
  /** Operations written so far. */
  operations(): number
  write(history: History): Promise<void>
}

/** Alone in its world, a writer asks nobody for a turn. */
const baton = { leaseMs: 1_000, turnMs: 0, pollMs: 1, lookMs: 60_000 }
const secondMicros = 1_000_000

export async function storeWith(history: History, kind: Kind): Promise<HistoryStore> {
  let now = Date.UTC(2026, 0, 1) * 1000 - secondMicros
  const clock: Clock = { now: () => now, sleep: systemClock.sleep }
  const pointers = memoryPointerStore({ clock })
  const store = await makeStore(
    {
      url: 'memory:',
      blobs: memoryBlobStore(),
      pointers,
      doorbell: memoryDoorbell(),
      clock,
      ids: countingIds(),
      baton,
      pollMs: 1_000,
      pointersLost: false,
      close: async () => undefined,
    },
    { create: true, recover: false, limits: defaultLimits },
  )
  const tenant = await store.tenant(tenantName, { kind })

  let written = 0
  async function write(transactions: History): Promise<void> {
    for (const { operations, at, ...options } of transactions.map(signed)) {
      const next = at === undefined ? now + secondMicros : orThrow(parseInstant(at))
      if (next < now) throw new TypeError(`a history goes forward: ${at} comes before the transaction ahead of it`)
      now = next
      await tenant.transact(operations, options)
      written += operations.length
    }
  }
  await write(history)
  return { store, tenant, pointers, operations: () => written, write }
}

/** The same names in every run, and no pause between two attempts. */
function countingIds(): Ids {
  let made = 0
  return { uuid: () => `01932a1b-0000-7000-8000-${String(++made).padStart(12, '0')}`, random: () => 0 }
}

export interface ProjectHistoryOptions {
  /** Default `json`. */
  readonly kind?: Kind
}

/**
 * Lets a projection see a history, from the first event to the last: a unit test is a history, this call and a look at what
 * the projection has made of it. What the projection throws is thrown here.
 */
export async function projectHistory(
  projection: DefinedProjection,
  history: History,
  { kind = 'json' }: ProjectHistoryOptions = {},
): Promise<void> {
  const { store, write } = await storeWith([], kind)
  const stopping = new AbortController()
  const failures: unknown[] = []
  const onFailure = (error: unknown): void => {
    failures.push(error)
    stopping.abort()
  }
  const run = () => store.projections.run(tenantName, [projection], { signal: stopping.signal, onFailure })
  try {
    // One with side effects begins with what comes after its first start.
    await run()
    await write(history)
    await run()
  } catch (error) {
    throw failures.length > 0 ? failures[0] : error
  } finally {
    await store.close()
  }
}
