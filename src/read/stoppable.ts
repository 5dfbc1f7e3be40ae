/** An iteration that a signal ends without an error, and that does not wait for ever for what it has under way. */
import type { Clock } from '../../domain/ports/index.js'
import { withinGrace } from '../../projections/stopping.js'

const ended = AbortSignal.abort()

/**
 * When the signal aborts, or the consumer leaves, what is under way has a moment to end; then it is left to itself, and
 * nobody hears of it any more. `inner` has to begin nothing new once the signal has aborted.
 */
export async function* stoppable<A>(inner: AsyncGenerator<A>, clock: Clock, signal: AbortSignal): AsyncGenerator<A> {
  let isWaitedFor = true
  try {
    while (!signal.aborted) {
      const step = await withinGrace(inner.next(), signal, clock)
      isWaitedFor = step !== 'stopped'
      if (step === 'stopped' || step.done === true) return
      yield step.value
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    const leaving = inner.return(undefined)
    if (isWaitedFor) await withinGrace(leaving, ended, clock)
  }
}
