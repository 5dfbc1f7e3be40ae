/** Stopping does not wait for ever: a page that does not end in time is left to itself, and comes again. */
import type { Clock } from '../domain/ports/index.js'

/** After the signal, in milliseconds. */
const graceMs = 800

/** What the step comes to, or `stopped` if it has not ended a moment after the signal. */
export function withinGrace<A>(step: Promise<A>, signal: AbortSignal, clock: Clock): Promise<A | 'stopped'> {
  const ended = new AbortController()
  return new Promise((resolve, reject) => {
    const giveUp = (): void => void clock.sleep(graceMs, ended.signal).then(() => resolve('stopped'))
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', giveUp)
      settle()
      ended.abort()
    }
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
    // What fails after it was given up is nobody's failure: the promise is settled by then.
    step.then(
      (value) => end(() => resolve(value)),
      (error) => end(() => reject(error)),
    )
  })
}

/** A signal of one's own that also aborts with another; `release` lets go of that one. */
export function childOf(signal: AbortSignal): { readonly signal: AbortSignal; release(): void } {
  const own = new AbortController()
  const abort = (): void => own.abort()
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return {
    signal: own.signal,
    release: () => {
      signal.removeEventListener('abort', abort)
      abort()
    },
  }
}
