/** What all processes share: the storage, the time, the truth about both, and the bookkeeping of the simulation. */
import { memoryBlobStore, memoryPointerStore } from '../../adapters/memory/index.js'
import type { BlobStore, Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { type Faults, makeFaults } from './faults.js'
import type { Profile } from './profile.js'
import type { Random } from './random.js'
import { makeScheduler, type Scheduler } from './scheduler.js'
import { makeTrace, type Trace } from './trace.js'
import { Truth } from './truth.js'

export interface World {
  readonly profile: Profile
  readonly random: Random
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly truth: Truth
  readonly faults: Faults
  readonly blobs: BlobStore
  /** Another one after a restore. */
  pointers: PointerStore
  /** Whether crashes, outages and the like may still happen. */
  calm: boolean
  readonly statistics: Map<string, number>
  count(what: string, times?: number): void
  /** A line of the trace that belongs to no step. */
  note(line: string): void
}

export function makeWorld(profile: Profile, random: Random, keepTrace: boolean, processes: () => string[]): World {
  const trace = makeTrace(keepTrace)
  const scheduler = makeScheduler(random.fork(), trace, profile.leaps)
  const truth = new Truth()
  const statistics = new Map<string, number>()
  return {
    profile,
    random,
    scheduler,
    trace,
    truth,
    faults: makeFaults(profile, random.fork(), scheduler.now, processes),
    blobs: watched(memoryBlobStore(), truth, scheduler),
    pointers: emptyPointers(scheduler),
    calm: false,
    statistics,
    count: (what, times = 1) => void statistics.set(what, (statistics.get(what) ?? 0) + times),
    note: (line) => trace.add(line),
  }
}

export const emptyPointers = ({ now }: Scheduler): PointerStore =>
  memoryPointerStore({ clock: { now, sleep: () => Promise.resolve() } })

/** Everything that the pointer store holds, to be restored some day. */
export async function backUp(pointers: PointerStore): Promise<ReadonlyArray<Item>> {
  return (await run(pointers.scan({ pkPrefix: '', limit: 1_000_000 }))).items
}

/** Tells the truth of every object at the moment at which it comes into being, before anybody hears of it. */
function watched(blobs: BlobStore, truth: Truth, scheduler: Scheduler): BlobStore {
  const keys = new Set<string>()
  return {
    ...blobs,
    createIfAbsent: (key, bytes) => () => {
      if (!keys.has(key)) {
        keys.add(key)
        try {
          truth.created(key, bytes)
        } catch (violation) {
          scheduler.fail(violation)
        }
      }
      return blobs.createIfAbsent(key, bytes)()
    },
  }
}
