/**
 * Torture: several processes write to one store, are killed at random instants, and start again. After every
 * round, when all are dead, nothing may be missing, doubled or different.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '../../src/index.js'
import { inspect, losePointers } from './inspect.js'
import { Ledger } from './ledger.js'
import { folderPlace, hasTenant, type Place, tenantName } from './place.js'
import { type Random, seeded } from './random.js'
import type { Request } from './wish.js'
import { startWriter, type Writer } from './writers.js'

export interface TortureOptions {
  readonly kills: number
  readonly writers: number
  readonly seed: number
  /** Makes a place for each store (default: a folder). */
  readonly makePlace?: () => Promise<Place>
  /** What writes (default: a process that uses the library). */
  readonly start?: typeof startWriter
  readonly onProgress?: (summary: Summary) => void
}

export interface Summary {
  kills: number
  killedWhileOpening: number
  killedAllAtOnce: number
  /** Of the kills, those that a process could hear and end properly. */
  terminated: number
  rounds: number
  stores: number
  acknowledged: number
  rejected: number
  /** In the log, though the writer died before it heard so. */
  unheard: number
  /** Commits that a dead writer had not published, healed by opening. */
  healed: number
  pointersLost: number
  recoveriesKilled: number
  commits: number
  transactions: number
  /** Checks while the others went on writing. */
  liveChecks: number
  problems: string[]
  /** Where the store is, if there were problems: it is kept. */
  folder?: string
}

const killsPerRound = 10
const roundsPerStore = 4
const maxWaitMs = 1_300

export async function torture(options: TortureOptions): Promise<Summary> {
  const random = seeded(options.seed)
  const summary = emptySummary()
  while (summary.kills < options.kills && summary.problems.length === 0) {
    const place = await (options.makePlace ?? folderPlace)()
    summary.stores++
    await tortureStore(place, options, random, summary)
    const kept = summary.problems.length > 0
    const where = await place.end(kept)
    if (kept) summary.folder = where
  }
  return summary
}

async function tortureStore(place: Place, options: TortureOptions, random: Random, summary: Summary): Promise<void> {
  const ledger = new Ledger()
  let toRepeat: Request[] = []
  let inspected = { commits: 0, transactions: 0, unheard: 0 }
  for (let round = 0; round < roundsPerStore && summary.kills < options.kills; round++) {
    try {
      toRepeat = await killRound({ place, options, random, summary, ledger }, toRepeat)
      if (!(await hasTenant(place))) continue
      if (random.chance(0.25)) await losePointers(place, random, summary)
      inspected = await inspect(place, ledger, summary)
    } catch (error) {
      summary.problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    summary.rounds++
    options.onProgress?.({ ...summary, acknowledged: summary.acknowledged + ledger.acknowledged })
    if (summary.problems.length > 0) break
  }
  summary.acknowledged += ledger.acknowledged
  summary.rejected += ledger.rejected
  summary.commits += inspected.commits
  summary.transactions += inspected.transactions
  summary.unheard += inspected.unheard
}

interface Round {
  readonly place: Place
  readonly options: TortureOptions
  readonly random: Random
  readonly summary: Summary
  readonly ledger: Ledger
}

/** Kills writers one by one, replacing each, and in the end all at once. Answers the requests to repeat. */
async function killRound(round: Round, toRepeat: ReadonlyArray<Request>): Promise<Request[]> {
  const { options, random, summary, ledger, place } = round
  const start = (requests: ReadonlyArray<Request>): Writer => {
    const name = `w${summary.stores}.${++started}`
    const writer = (options.start ?? startWriter)(name, place.url, random.below(2 ** 31), ledger)
    writer.ask(requests)
    return writer
  }
  const writers = Array.from({ length: options.writers }, (_, i) => start(i === 0 ? toRepeat : []))
  const live = random.chance(0.5) ? random.below(killsPerRound) : -1
  const last = Math.min(summary.kills + killsPerRound, options.kills) - options.writers
  let lost: Request[] = []
  try {
    for (let kill = 0; summary.kills < last; kill++) {
      const at = random.below(writers.length)
      const victim = writers[at] as Writer
      await untilInstant(victim, round)
      const open = await end([victim], round)
      // Sometimes another process asks the same at the same time.
      if (random.chance(0.3)) writers[(at + 1) % writers.length]?.ask(open)
      writers[at] = start(open)
      if (kill === live) await checkLive(place, summary)
    }
    await untilInstant(random.pick(writers), round)
  } finally {
    summary.killedAllAtOnce += writers.length
    lost = await end(writers, round)
  }
  return lost
}

let started = 0

/** Waits for the instant at which to kill: mostly while it writes, sometimes while it opens the store. */
async function untilInstant(victim: Writer, { random, summary, ledger }: Round): Promise<void> {
  if (victim.stage !== 'writing' && random.chance(0.4)) {
    summary.killedWhileOpening++
    await victim.reached('opening')
    await sleep(random.below(40))
  } else {
    await victim.reached('writing')
    // The longest wait is for those who wait for a dead writer's turn to end.
    await Promise.race([ledger.until(ledger.acknowledged + random.below(200)), sleep(maxWaitMs), victim.ended])
    await sleep(random.below(10))
  }
}

/** Kills at one instant, and hears everything that was still said. Answers the requests that nobody heard of. */
async function end(victims: ReadonlyArray<Writer>, { summary, ledger }: Round): Promise<Request[]> {
  const terminated: Writer[] = []
  for (const victim of victims) {
    const signal = victim.signals[summary.kills % victim.signals.length] as NodeJS.Signals
    victim.process.kill(signal)
    summary.kills++
    if (signal === 'SIGTERM') terminated.push(victim)
  }
  summary.terminated += terminated.length
  await Promise.all(victims.map((victim) => victim.ended))
  const openOf = (some: ReadonlyArray<Writer>) => ledger.unanswered(some.flatMap(({ open }) => [...open]))
  ledger.turnAway(openOf(terminated))
  return openOf(victims.filter((victim) => !terminated.includes(victim)))
}

/** Verification beside living writers: only their unpublished commits may be ahead of the head. */
async function checkLive({ calmUrl }: Place, summary: Summary): Promise<void> {
  const store = await openStore(calmUrl, { create: false })
  try {
    await store.tenant(tenantName)
    await store.verify(tenantName, {
      onDifference: ({ kind, key, problem }) => {
        if (kind !== 'head-behind') summary.problems.push(`beside living writers: ${kind} ${key}: ${problem}`)
      },
    })
    summary.liveChecks++
  } finally {
    await store.close()
  }
}

const emptySummary = (): Summary => ({
  kills: 0,
  killedWhileOpening: 0,
  killedAllAtOnce: 0,
  terminated: 0,
  rounds: 0,
  stores: 0,
  acknowledged: 0,
  rejected: 0,
  unheard: 0,
  healed: 0,
  pointersLost: 0,
  recoveriesKilled: 0,
  commits: 0,
  transactions: 0,
  liveChecks: 0,
  problems: [],
})
