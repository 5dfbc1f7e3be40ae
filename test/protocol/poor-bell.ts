/** A bell that loses rings, repeats them, and brings them late and in any order. */
import { Subject } from 'rxjs'
import type { Doorbell, Ring } from '../../domain/ports/index.js'

export type Fate = (ring: Ring, next: () => number) => ReadonlyArray<Ring>

/** What becomes of a ring on its way. */
export const fates: ReadonlyArray<[string, Fate]> = [
  ['loses every ring', () => []],
  ['repeats every ring', (ring) => [ring, ring, ring]],
  [
    'tells wrong numbers, and other logs',
    (ring) => [
      { log: 'u/0', seq: 99 },
      { ...ring, seq: 1 },
      { ...ring, seq: 99 },
    ],
  ],
  ['does not know the log', () => [{ log: '*', seq: 0 }]],
  ['loses, repeats and delays as chance has it', (ring, next) => Array(Math.floor(next() * 3)).fill(ring)],
]

/** A ring is heard when its turn comes: at once, or after some of those that come later. */
export function poorBell(fate: Fate, next: () => number): Doorbell {
  const rings = new Subject<Ring>()
  const waiting: Ring[] = []
  return {
    ring: (log, seq) => {
      waiting.push(...fate({ log, seq }, next))
      while (waiting.length > 3 || (waiting.length > 0 && next() < 0.5))
        rings.next(waiting.splice(Math.floor(next() * waiting.length), 1)[0] as Ring)
    },
    listen: () => rings.asObservable(),
  }
}
