/**
 * What kind of world a seed makes. Every seed draws its own mixture (swarm testing): a fault that is absent lets others
 * show what they can do, and a bound that is tiny brings about in fifty calls what takes a million in production. In a
 * crowd, many clients send the same requests to the same two stores at once.
 */
import type { Kind } from '../../domain/resource.js'
import { defaultLimits, type Limits } from '../../src/limits.js'
import type { BatonOptions } from '../../src/write/baton.js'
import type { Random } from './random.js'

/** What can happen to one call of a port. `none` and `slow` do no harm. */
export type FaultKind = keyof typeof faultKinds

export const faultKinds = {
  /** The answer takes its time. */
  slow: 'both',
  /** Fails, and was not applied. */
  unavailable: 'both',
  /** Refused, and certainly not applied. */
  refused: 'both',
  /** Applied, but the caller is told `Unavailable`. */
  lost: 'write',
  /** The caller is told `Unavailable`; the request is still under way and is applied at some later moment. */
  late: 'write',
  /** Applied twice in a row, as by a client library that repeats; the second answer is heard. */
  twice: 'write',
  /** Applied, and once more at some later moment. */
  echo: 'write',
  /** Applied in part, where that is possible; the caller is told `Unavailable`. */
  partial: 'write',
} as const

export interface Profile {
  readonly stores: number
  readonly clients: number
  /** How likely a client asks the first store that is open: writes that meet in one store go into one commit. */
  readonly favour: number
  /** Milliseconds that a client thinks between two calls, at most. */
  readonly thinking: number
  /** Calls that each client makes. */
  readonly calls: number
  readonly subscribers: number
  readonly projectors: number
  readonly kind: Kind
  readonly ids: ReadonlyArray<string>
  readonly limits: Limits
  readonly baton: BatonOptions
  readonly timeouts: ReadonlyArray<number>
  /** Probability of each fault, for each call of a port. */
  readonly faults: Readonly<Record<FaultKind, number>>
  /** The same for whoever recovers lost pointers. */
  readonly hardships: Readonly<Record<FaultKind, number>>
  /** Probabilities at each step. */
  readonly crash: number
  readonly close: number
  readonly outage: number
  readonly leaps: number
  /** An older pointer store is restored, or the whole table is lost, at about this step; never if absent. */
  readonly restoreAt?: number
  readonly loseAt?: number
  /** After this step nothing goes wrong any more. */
  readonly calmAt: number
  /** How many writes of ten come with a request key, and how likely such a write is sent to two stores at once. */
  readonly keyed: number
  readonly hedged: number
  /** Of the tenant's indexes by type. */
  readonly shards: number
}

const faultRates = [0, 0, 0.004, 0.015, 0.04, 0.1]
const hardshipRates = [0, 0, 0.03]
const slowRates = [0, 0.02, 0.1, 0.3]
/** Steps within which maintenance comes: later, most clients are done. */
const maintenanceBefore = 500

export function drawProfile(random: Random): Profile {
  const calmAt = random.pick([600, 1200, 2500])
  const crowd = random.chance(0.3)
  return {
    stores: random.pick([3, 3, 4]),
    clients: crowd ? 7 : random.between(3, 7),
    favour: crowd ? 0.9 : random.pick([0, 0.5, 0.9]),
    thinking: crowd ? 1 : 20,
    calls: random.between(3, 8),
    subscribers: random.between(1, 2),
    projectors: random.pick([0, 0, 0, 0, 1, 2]),
    kind: random.pick(['json', 'json', 'fhir']),
    ids: ['a', 'b', 'c', 'd'].slice(0, random.between(1, 4)),
    limits: {
      ...defaultLimits,
      maxInlineBytes: random.pick([200, defaultLimits.maxInlineBytes]),
      maxCommitEvents: random.pick([2, 5, defaultLimits.maxCommitEvents]),
      maxQueuedTransactions: random.pick([2, defaultLimits.maxQueuedTransactions]),
      cachedStates: random.pick([1, 3, 100]),
      cacheBytes: random.pick([0, defaultLimits.cacheBytes]),
      concurrency: random.pick([1, 3, defaultLimits.concurrency]),
      closeTimeoutMs: random.pick([20, 500, defaultLimits.closeTimeoutMs]),
    },
    baton: {
      leaseMs: random.pick([10, 100]),
      pollMs: random.pick([2, 10]),
      lookMs: random.pick([0, 0, 50]),
      turnMs: random.pick([0, 0, 20, 200]),
    },
    timeouts: random.pick([[30_000], [5, 100, 30_000], [5, 20]]),
    faults: { ...drawRates(random, faultRates), slow: random.pick(slowRates) },
    hardships: drawRates(random, hardshipRates),
    crash: random.pick([0, 0.002, 0.008]),
    close: random.pick([0, 0.002]),
    outage: random.pick([0, 0, 0.004]),
    leaps: random.pick([0.002, 0.02]),
    ...(random.chance(0.15) ? { restoreAt: random.below(maintenanceBefore) } : undefined),
    ...(random.chance(0.25) ? { loseAt: random.below(maintenanceBefore) } : undefined),
    calmAt,
    keyed: crowd ? 10 : random.pick([5, 8, 10]),
    hedged: crowd ? 0.5 : random.pick([0.02, 0.1, 0.5]),
    shards: random.pick([1, 1, 2, 5]),
  }
}

const drawRates = (random: Random, rates: ReadonlyArray<number>): Record<FaultKind, number> =>
  Object.fromEntries(Object.keys(faultKinds).map((kind) => [kind, random.pick(rates)])) as Record<FaultKind, number>
