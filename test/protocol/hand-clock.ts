/**
 * A clock that tests drive. By hand, time stands still until a test moves it. By itself, it jumps to the next sleeper as
 * soon as nothing else is left to do, so that back-off and polling cost no time.
 */
import type { Clock } from '../../domain/ports/index.js'

export interface HandClock extends Clock {
  /** Moves the time, also back, and wakes whoever has slept long enough. */
  move(ms: number): void
  /** Stops the clock from moving by itself. */
  byHand(): void
  readonly sleepers: number
}

interface Sleeper {
  readonly due: number
  readonly wake: () => void
}

export const epoch = Date.UTC(2026, 10, 22, 10, 15, 30) * 1000

export function handClock(start = epoch): HandClock {
  let now = start
  let jumping = true
  let scheduled = false
  const sleepers = new Set<Sleeper>()

  const wakeDue = (): void => {
    for (const sleeper of [...sleepers]) if (sleeper.due <= now) sleeper.wake()
  }

  // Memory adapters answer in microtasks: when a macrotask runs, everybody is asleep or held.
  const jump = (): void => {
    scheduled = false
    const due = Math.min(...[...sleepers].map((sleeper) => sleeper.due))
    if (!jumping || sleepers.size === 0) return
    now = Math.max(now, due)
    wakeDue()
    schedule()
  }

  const schedule = (): void => {
    if (scheduled || !jumping || sleepers.size === 0) return
    scheduled = true
    setImmediate(jump)
  }

  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve()
        const wake = (): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { due: Math.ceil(now + ms * 1000), wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake)
        schedule()
      }),
    move(ms) {
      now += ms * 1000
      wakeDue()
    },
    byHand() {
      jumping = false
    },
    get sleepers() {
      return sleepers.size
    },
  }
}

/** Resolves when every microtask that is under way, and those that follow from it, have run. */
export async function quiet(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise(setImmediate)
}
