/** Processes that share ports: each opens a store of its own over them, behind whatever a test makes of them. */
import { memoryBlobStore, memoryDoorbell, memoryPointerStore } from '../../adapters/memory/index.js'
import { systemIds } from '../../adapters/system-ids.js'
import type { BlobStore, PointerStore } from '../../domain/ports/index.js'
import { defaultLimits, type Limits } from '../../src/limits.js'
import { makeStore, type Store } from '../../src/store.js'
import { type HandClock, handClock } from '../protocol/hand-clock.js'

type Adapters = Parameters<typeof makeStore>[0]

export interface SharedPorts extends Pick<Adapters, 'blobs' | 'pointers' | 'doorbell' | 'sources'> {
  readonly clock: HandClock
}

export interface Through {
  readonly limits: Partial<Limits>
  readonly recover: boolean
  blobs(blobs: BlobStore): BlobStore
  pointers(pointers: PointerStore): PointerStore
}

export function sharedMemory(): SharedPorts {
  const clock = handClock()
  return { clock, blobs: memoryBlobStore(), pointers: memoryPointerStore({ clock }), doorbell: memoryDoorbell() }
}

/** A process of its own, as far as a store can tell. */
export function openStore(shared: SharedPorts, through: Partial<Through> = {}): Promise<Store> {
  const { blobs = same, pointers = same, recover = false, limits } = through
  return makeStore(
    {
      ...shared,
      url: 'test:',
      blobs: blobs(shared.blobs),
      pointers: pointers(shared.pointers),
      ids: systemIds,
      baton: { leaseMs: 1_000, turnMs: 0, pollMs: 5, lookMs: 60_000 },
      pollMs: 1_000,
      pointersLost: false,
      close: async () => undefined,
    },
    { create: true, recover, limits: { ...defaultLimits, ...limits } },
  )
}

const same = <A>(port: A): A => port
