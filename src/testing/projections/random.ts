/** Chance from a seed: the same seed makes the same choices, on every machine. */
import { hash } from 'node:crypto'

export interface Random {
  /** A whole number from 0, less than `end`. */
  below(end: number): number
  pick<A>(from: ReadonlyArray<A>): A
}

export function seeded(seed: number): Random {
  let drawn = 0
  const below = (end: number): number => Number.parseInt(hash('sha256', `${seed} ${drawn++}`).slice(0, 12), 16) % end
  return { below, pick: (from) => from[below(from.length)] as (typeof from)[number] }
}
