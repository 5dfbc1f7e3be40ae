/** Capped exponential back-off with full jitter. */
import type { Clock, Ids } from './ports/index.js'

const firstMs = 5
const capMs = 1000

export const backoffMs = (attempt: number, random: number): number =>
  Math.max(1, Math.min(capMs, firstMs * 2 ** Math.min(attempt, 16)) * random)

export const backOff = (clock: Clock, ids: Ids, attempt: number, signal: AbortSignal): Promise<void> =>
  clock.sleep(backoffMs(attempt, ids.random()), signal)
