/**
 * The scheduler: everything that waits for the outside world waits here, and chance decides what happens next.
 *
 * One step runs at a time, and everything that follows from it inside the processes has settled before the next one. Time
 * is virtual: each step takes a little of it, and it leaps to the next appointment when nothing else can run, or just so.
 */
import type { Random } from './random.js'
import type { Trace } from './trace.js'

export interface Step {
  /** Who waits for it: a process, a client, the network. */
  readonly owner: string
  readonly name: string
  /** Microseconds: not before this instant. */
  readonly readyAt: number
  readonly run: () => void
  /** What the network may still do with it when its owner is dead. Absent: nothing. */
  readonly orphan?: () => void
}

export interface Scheduler {
  /** Microseconds since 1970. */
  now(): number
  readonly steps: number
  add(step: Step): void
  remove(step: Step): void
  /** Takes away everything that an owner waits for. */
  take(owner: string): Step[]
  /** Resolves in a step of its own, `ms` from now or later. */
  pause(owner: string, name: string, ms: number): Promise<void>
  /** Runs steps until `done`. Throws when a step fails, nothing is left to do, or `limit` steps were taken in all. */
  drive(done: () => boolean, limit: number, before?: () => void): Promise<void>
  /** Ends the simulation with this failure, after the step that runs. */
  fail(error: unknown): void
}

const start = Date.UTC(2026, 0, 1) * 1000
/** Resolves when every promise that could settle has settled: nothing inside the processes uses real time. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Microseconds that a step takes, at most. */
const longestStep = 400

/** `settled`: resolves when nothing moves until the next step. */
export function makeScheduler(random: Random, trace: Trace, leaps: number, settled = turn): Scheduler {
  let now = start
  let steps = 0
  let failure: { readonly error: unknown } | undefined
  const pending: Step[] = []

  function remove(step: Step): void {
    const place = pending.indexOf(step)
    if (place >= 0) pending.splice(place, 1)
  }

  function take(owner: string): Step[] {
    const taken = pending.filter((step) => step.owner === owner)
    for (const step of taken) remove(step)
    return taken
  }

  /** Leaps ahead if nothing is ready, then chooses among what is. */
  function next(): Step | undefined {
    if (pending.length > 0 && random.chance(leaps)) now = Math.max(now, Math.ceil(random.pick(pending).readyAt))
    let ready = pending.filter((step) => step.readyAt <= now)
    if (ready.length === 0) {
      for (const step of pending) if (ready.length === 0 || step.readyAt < (ready[0] as Step).readyAt) ready = [step]
      now = Math.max(now, Math.ceil(ready[0]?.readyAt ?? now))
    }
    return ready.length === 0 ? undefined : random.pick(ready)
  }

  async function drive(done: () => boolean, limit: number, before: () => void = () => undefined): Promise<void> {
    await settled()
    while (failure === undefined && !done()) {
      before()
      // What has befallen somebody may have to sink in first.
      if (pending.length === 0) await settled()
      const step = next()
      if (step === undefined) throw new Error('nothing is left that could happen, and not everybody is done')
      if (steps >= limit) throw new Error(`not everybody is done after ${steps} steps`)
      remove(step)
      steps++
      now += 1 + random.below(longestStep)
      trace.add(`${steps} ${now - start} ${step.owner} ${step.name}`)
      step.run()
      await settled()
    }
    if (failure !== undefined) throw failure.error
  }

  return {
    now: () => now,
    get steps() {
      return steps
    },
    add: (step) => void pending.push(step),
    remove,
    take,
    pause: (owner, name, ms) =>
      new Promise((resolve) => pending.push({ owner, name, readyAt: now + ms * 1000, run: resolve })),
    drive,
    fail: (error) => {
      failure ??= { error }
    },
  }
}
