/** A clock that several processes share, and that runs faster than the machine's: so the lease of a dead one ends soon. */
import { systemClock } from '../../adapters/system-clock.js'
import type { Clock } from '../../domain/ports/index.js'

const factor = 10
/** When it agreed with the machine's: microseconds since 1970. */
const agreed = Date.UTC(2026, 0, 1) * 1000

export const fastClock: Clock = {
  now: () => agreed + (systemClock.now() - agreed) * factor,
  sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
}
