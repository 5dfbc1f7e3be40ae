/** The explorer itself, on a model that fits in one's head: a counter that is added to or doubled, up to a bound. */
import { describe, expect, it } from 'vitest'
import { explore, type Model } from './check.js'

const counter = (most: number, forbidden?: number): Model<number> => ({
  initial: 1,
  steps: (n) =>
    [
      { kind: 'add', text: `${n} + 1`, next: n + 1 },
      { kind: 'double', text: `${n} * 2`, next: n * 2 },
    ].filter(({ next }) => next <= most),
  encode: String,
  invariants: { 'the forbidden number is never reached': (n) => n !== forbidden },
  landmarks: { even: (n) => n % 2 === 0 },
})

describe('the explorer', () => {
  it('visits every state once and counts what it met', () => {
    expect(explore(counter(10))).toEqual({
      states: 10,
      transitions: 14,
      exhausted: true,
      reached: { add: 9, double: 5, even: 5 },
    })
  })

  it('tells a violation with a shortest trace', () => {
    const { exhausted, violation } = explore(counter(20, 10))
    expect(exhausted).toBe(false)
    expect(violation).toEqual({
      invariant: 'the forbidden number is never reached',
      trace: ['1 + 1', '2 * 2', '4 + 1', '5 * 2'],
    })
  })

  it('admits that it was not exhaustive when it meets its limit', () => {
    expect(explore(counter(1000), 100).exhausted).toBe(false)
  })
})
