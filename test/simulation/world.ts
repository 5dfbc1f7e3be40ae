/** What all processes share: the storage, the time, the truth about both, and the bookkeeping of the simulation. */
import type { BlobStore, Clock, Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { type Faults, makeFaults } from './faults.js'
import type { Profile } from './profile.js'
import type { Random } from './random.js'
import { makeScheduler, type Scheduler } from './scheduler.js'
import { inMemory, type Storage } from './storage.js'
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
  emptyPointers(): PointerStore
  /** Whether crashes, outages and the like may still happen. */
  calm: boolean
  readonly statistics: Map<string, number>
  count(what: string, times?: number): void
  /** A line of the trace that belongs to no step. */
  note(line: string): void
}

export interface WorldOptions {
  readonly trace?: boolean
  /** What really keeps the objects and the items (default: this process's memory). */
  readonly storage?: Storage
}

export function makeWorld(
  profile: Profile,
  random: Random,
  { trace: keepTrace = false, storage = inMemory() }: WorldOptions,
  processes: () => string[],
): World {
  const trace = makeTrace(keepTrace)
  const scheduler = makeScheduler(random.fork(), trace, profile.leaps, storage.settled)
  const clock: Clock = { now: scheduler.now, sleep: () => Promise.resolve() }
  const emptyPointers = (): PointerStore => storage.pointers(clock)
  const truth = new Truth()
  const statistics = new Map<string, number>()
  return {
    profile,
    random,
    scheduler,
    trace,
    truth,
    faults: makeFaults(profile, random.fork(), scheduler.now, processes),
    blobs: watched(storage.blobs, truth, scheduler),
    emptyPointers,
    pointers: emptyPointers(),
    calm: false,
    statistics,
    count: (what, times = 1) => void statistics.set(what, (statistics.get(what) ?? 0) + times),
    note: (line) => trace.add(line),
  }
}

/** Everything that the pointer store holds, to be restored some day. */
export async function backUp(pointers: PointerStore): Promise<ReadonlyArray<Item>> {
  return (await run(pointers.scan({ pkPrefixes: [''], limit: 1_000_000 }))).items
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
