/** Numbers that a seed decides, so that a run's choices can be made again. */
export interface Random {
  /** From 0 up to 1. */
  next(): number
  /** A whole number from 0 up to `bound`. */
  below(bound: number): number
  chance(probability: number): boolean
  pick<A>(values: ReadonlyArray<A>): A
}

export function seeded(seed: number): Random {
  let state = seed >>> 0
  // Mulberry32.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (bound: number): number => Math.floor(next() * bound)
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (values) => values[below(values.length)] as (typeof values)[number],
  }
}
