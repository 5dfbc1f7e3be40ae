/** Opens a store by its URL: the only place that knows adapters by name. */
import { fileURLToPath } from 'node:url'
import { openEmbedded } from '../adapters/embedded/index.js'
import { memoryBlobStore, memoryDoorbell, memoryPointerStore } from '../adapters/memory/index.js'
import { systemClock } from '../adapters/system-clock.js'
import { systemIds } from '../adapters/system-ids.js'
import { annalsError } from '../domain/error.js'
import type { Clock, Ids } from '../domain/ports/index.js'
import { run } from '../domain/task.js'
import { defaultLimits, type Limits } from './limits.js'
import { type Adapters, makeStore, type Store } from './store.js'

export interface OpenOptions {
  /** Creates the store where there is none (default). */
  readonly create?: boolean
  /** Rebuilds lost pointers when a tenant is opened, instead of failing with `NeedsRecovery` (default: no). */
  readonly recover?: boolean
  /** Bounds other than the defaults. */
  readonly limits?: Partial<Limits>
  readonly clock?: Clock
  readonly ids?: Ids
}

/** `file:./folder` is a folder of this machine, `memory:` is gone with the process. */
export async function openStore(url: string, options: OpenOptions = {}): Promise<Store> {
  const { create = true, recover = false, clock = systemClock, ids = systemIds } = options
  const adapters = await openAdapters(url, { create, clock, ids })
  try {
    return await makeStore(adapters, { create, recover, limits: { ...defaultLimits, ...options.limits } })
  } catch (error) {
    await adapters.close()
    throw error
  }
}

interface Worlds {
  readonly create: boolean
  readonly clock: Clock
  readonly ids: Ids
}

/** Local pointer stores are read in microseconds: writers look for others before every commit. */
const localBaton = { leaseMs: 1_000, pollMs: 1, lookMs: 0 }

async function openAdapters(url: string, { create, clock, ids }: Worlds): Promise<Adapters> {
  if (url === 'memory:')
    return {
      url,
      blobs: memoryBlobStore(),
      pointers: memoryPointerStore({ clock }),
      doorbell: memoryDoorbell(),
      clock,
      ids,
      baton: localBaton,
      pointersLost: false,
      close: async () => undefined,
    }
  if (url.startsWith('file:')) {
    const embedded = await run(openEmbedded(folderOf(url), { create, clock }))
    return { url, clock, ids, baton: localBaton, ...embedded }
  }
  const problem = `'${url.slice(0, 200)}' is no store URL; write file:./folder, file:///absolute/folder or memory:`
  throw annalsError('InvalidInput', { what: 'store', problem })
}

/** `file:./data`, `file:data` and `file:/data` are paths as typed; `file:///…` is a URL with its escapes. */
const folderOf = (url: string): string => (url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length))
