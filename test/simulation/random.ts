/** Chance that a seed decides: sfc32 (Chris Doty-Humphrey, PractRand), seeded by splitmix32. */

export interface Random {
  /** In [0, 1). */
  next(): number
  /** A whole number in [0, bound). */
  below(bound: number): number
  /** A whole number in [low, high]. */
  between(low: number, high: number): number
  chance(probability: number): boolean
  pick<A>(values: ReadonlyArray<A>): A
  /** One of the names, each as likely as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K
  /** Between `low` and `high`, every order of magnitude as likely as any other. */
  magnitude(low: number, high: number): number
  /** A generator of its own, so that its user's draws do not shift anybody else's. */
  fork(): Random
}

export function makeRandom(seed: number): Random {
  let [a, b, c, counter] = [splitmix(seed, 1), splitmix(seed, 2), splitmix(seed, 3), 1]

  function bits(): number {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let warm = 0; warm < 12; warm++) bits()

  const next = (): number => bits() / 2 ** 32
  const below = (bound: number): number => Math.floor(next() * bound)

  function weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const names = Object.keys(weights) as K[]
    let rest = next() * names.reduce((sum, name) => sum + weights[name], 0)
    for (const name of names) {
      rest -= weights[name]
      if (rest < 0) return name
    }
    return names.at(-1) as K
  }

  return {
    next,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() < probability,
    pick: (values) => values[below(values.length)] as never,
    weighted,
    magnitude: (low, high) => low * (high / low) ** next(),
    fork: () => makeRandom(bits()),
  }
}

function splitmix(seed: number, step: number): number {
  let z = (seed + Math.imul(step, 0x9e3779b9)) | 0
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return z ^ (z >>> 15)
}
