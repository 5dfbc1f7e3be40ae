/** The time of one invocation: when to stop, and when to answer though something has not stopped. */
import { setMaxListeners } from 'node:events'

export interface TimeBudget {
  /** Aborts when the margin begins. */
  readonly signal: AbortSignal
  /** What the step comes to; `undefined` if it has not ended when three quarters of the margin are over. */
  within<A>(step: Promise<A>): Promise<A | undefined>
  /** Forgets the timers: what is left of them would fire in a later invocation. */
  release(): void
}

/** The margin is half of the time that remains, at most: the first half is for work, whatever was asked for. */
export function timeBudget(remainingMs: number, marginMs: number): TimeBudget {
  const margin = Math.min(marginMs, remainingMs / 2)
  const stop = new AbortController()
  // Every page of every projection listens; more than ten are no leak.
  setMaxListeners(0, stop.signal)
  let giveUp: () => void = () => undefined
  const over = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined)
  })
  const timers = [
    setTimeout(() => stop.abort(), remainingMs - margin),
    setTimeout(() => giveUp(), remainingMs - margin / 4),
  ]
  return {
    signal: stop.signal,
    within: (step) => Promise.race([step, over]),
    release: () => timers.forEach(clearTimeout),
  }
}
