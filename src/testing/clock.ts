import type { Clock } from '../../domain/ports/index.js'

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves time forward and wakes the sleepers whose time has come, the earliest first. */
  advance(ms: number): void
}

export function manualClock(startMicros = Date.UTC(2026, 0, 1) * 1000): ManualClock {
  let now = startMicros
  let sleepers: Array<{ readonly until: number; readonly wake: () => void }> = []

  return {
    now: () => now,

    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (ms <= 0 || signal?.aborted === true) return resolve()
        const wake = (): void => {
          sleepers = sleepers.filter((each) => each !== sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { until: now + ms * 1000, wake }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', wake)
      }),

    advance: (ms) => {
      now += ms * 1000
      const due = sleepers.filter(({ until }) => until <= now).sort((a, b) => a.until - b.until)
      for (const { wake } of due) wake()
    },
  }
}
