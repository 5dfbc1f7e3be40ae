/** The commit protocol holds over every history of the small model, and no rule of it can be left out. */
import { describe, expect, it } from 'vitest'
import { explore } from './check.js'
import { PROMISES } from './invariants.js'
import { ALL_RULES, type Bounds, commitProtocol, DEFAULT_BOUNDS, type Rules } from './model.js'

/** What must have happened somewhere in the space, or the promises would hold for want of trouble. */
const TROUBLES = [
  'two commits',
  'three commits',
  'a group commit',
  'every request answered',
  'lose a race',
  'repeat in doubt',
  'create late',
  'adopt own commit',
  'ask again',
  'acknowledge again',
  'reject',
  'refresh',
  'crash',
  'crash while publishing',
  'a half-published commit of a crashed writer',
  'publish late',
  'advance the head late',
  'probe',
  'help',
  'publishing overlaps creating',
  'list',
  'see both',
]

interface Breakage {
  readonly name: string
  readonly off: keyof Rules
  /** The misfortunes that it takes; without any, two writers and a reader in bad luck are enough. */
  readonly takes: Partial<Bounds>
  /** The promise that a shortest history breaks, and those that break if that one is overlooked. */
  readonly first: string
  readonly also: readonly string[]
}

const BREAKAGES: readonly Breakage[] = [
  {
    name: 'the head published before its pointers',
    off: 'headIsLast',
    takes: {},
    first: PROMISES.pointersAreBelowHead,
    also: [PROMISES.readsAreCurrent, PROMISES.transactionsAreWhole],
  },
  {
    name: 'a read that ignores the head',
    off: 'headIsRespected',
    takes: {},
    first: PROMISES.readsAreCovered,
    also: [PROMISES.readsAreCurrent, PROMISES.transactionsAreWhole],
  },
  {
    name: "one's own commit taken for a lost race",
    off: 'occupantIsCompared',
    takes: { delays: 1 },
    first: PROMISES.appliedOnce,
    also: [],
  },
  {
    name: 'a number in doubt abandoned',
    off: 'doubtIsResolved',
    takes: { delays: 1 },
    first: PROMISES.headIsBehindLog,
    also: [PROMISES.logIsDense, PROMISES.appliedOnce, PROMISES.versionsAreDense, PROMISES.rejectedIsInvisible],
  },
  {
    name: 'a request key forgotten',
    off: 'requestsAreRemembered',
    takes: { retries: 1 },
    first: PROMISES.appliedOnce,
    also: [PROMISES.rejectedIsInvisible],
  },
  {
    name: 'commits beyond the head skipped on opening',
    off: 'probedIsApplied',
    takes: { crashes: 1 },
    first: PROMISES.rejectionsAreTrue,
    also: [PROMISES.versionsAreDense],
  },
  {
    name: 'a conflict told from a stale memory',
    off: 'conflictsAreConfirmed',
    takes: {},
    first: PROMISES.rejectionsAreTrue,
    also: [],
  },
  {
    name: 'a conflict told before its cause is published',
    off: 'conflictsArePublished',
    takes: {},
    first: PROMISES.readsAreCurrent,
    also: [],
  },
  {
    name: 'a lost race not decided again',
    off: 'lostIsDecidedAgain',
    takes: {},
    first: PROMISES.versionsAreDense,
    also: [PROMISES.expectationsHeld],
  },
  {
    name: "another's commit not helped",
    off: 'winnersAreHelped',
    takes: {},
    first: PROMISES.pointersAreBelowHead,
    also: [PROMISES.readsAreCurrent, PROMISES.transactionsAreWhole],
  },
  {
    name: 'a head that can move back',
    off: 'headIsMonotone',
    takes: { crashes: 1 },
    first: PROMISES.headIsMonotone,
    also: [PROMISES.readsAreCurrent],
  },
  {
    name: 'an answer before the publishing',
    off: 'acknowledgedIsPublished',
    takes: {},
    first: PROMISES.readsAreCurrent,
    also: [],
  },
]

const NO_MISFORTUNE: Bounds = { crashes: 0, delays: 0, retries: 0 }

describe('the commit protocol', () => {
  it('keeps every promise in every state of the small model', { timeout: 300_000 }, () => {
    const { states, transitions, exhausted, reached, violation } = explore(commitProtocol())
    expect(violation).toBeUndefined()
    expect(exhausted).toBe(true)
    expect(TROUBLES.filter((trouble) => !reached[trouble])).toEqual([])
    console.log(`the commit protocol holds: ${states} states, ${transitions} transitions, ${show(DEFAULT_BOUNDS)}`)
  })

  it('has a breakage for every rule', () => {
    expect(BREAKAGES.map(({ off }) => off).sort()).toEqual(Object.keys(ALL_RULES).sort())
  })

  describe.each(BREAKAGES)('is broken by $name', ({ off, takes, first, also }) => {
    const broken = commitProtocol({ ...ALL_RULES, [off]: false }, { ...NO_MISFORTUNE, ...takes })

    it(`first in "${first}"`, () => {
      expect(explore(broken).violation?.invariant).toBe(first)
    })

    it.each(also)('also in "%s"', (promise) => {
      const { violation } = explore({ ...broken, invariants: { [promise]: broken.invariants[promise]! } })
      expect(violation?.invariant).toBe(promise)
    })
  })
})

const show = (bounds: object): string =>
  Object.entries(bounds)
    .map(([name, most]) => `${name} <= ${most}`)
    .join(', ')
