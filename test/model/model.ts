/**
 * The commit protocol (design 3.2 and 3.3) in miniature: two writers, two resources, three requests and one reader over
 * a log of numbered creates, a table of pointers, and a network in doubt. `explore` visits all that can happen to it.
 */
import type { Model } from './check.js'
import { encode } from './encode.js'
import { INVARIANTS } from './invariants.js'
import { clientSteps, lateSteps, readerSteps } from './outside.js'
import { DOWN, missingFacts, REQUESTS, RESOURCES, type State } from './state.js'
import { writerSteps } from './writer.js'

/** The rules that make the protocol safe. Each can be switched off to see what it is for. */
export interface Rules {
  /** Rule 1: what lies beyond the head is applied to memory. Off: it only moves the number at which to go on. */
  readonly probedIsApplied: boolean
  /** Rule 1: a conflict is told only after the next number was found free. Off: from memory, however stale. */
  readonly conflictsAreConfirmed: boolean
  /** Rule 7: a conflict is told only after the commits that cause it are published, for it speaks of them. */
  readonly conflictsArePublished: boolean
  /** Rule 2: a number in doubt is repeated until 200 or 412. Off: the writer moves on, or reports a failure. */
  readonly doubtIsResolved: boolean
  /** Rule 3: the occupant's id is compared with one's own. Off: every 412 is a lost race. */
  readonly occupantIsCompared: boolean
  /** Rule 5: after a lost race everything is decided again. Off: the same bytes go to the next number. */
  readonly lostIsDecidedAgain: boolean
  /** Rule 5: another's commit is published before one's own. Off: it is applied, and its publishing left to its writer. */
  readonly winnersAreHelped: boolean
  /** Rule 6: the head only moves forward. Off: it is set. */
  readonly headIsMonotone: boolean
  /** Step 4: the head is published after its pointers. Off: it may come first. */
  readonly headIsLast: boolean
  /** Rule 7: an answer comes after the publishing. Off: after the create. */
  readonly acknowledgedIsPublished: boolean
  /** Rule 7: a request key is looked up in the table and the log. Off: a retry is a new request. */
  readonly requestsAreRemembered: boolean
  /** Rule 8: a read takes nothing above the head. Off: it takes the newest pointer. */
  readonly headIsRespected: boolean
}

export const ALL_RULES: Rules = {
  probedIsApplied: true,
  conflictsAreConfirmed: true,
  conflictsArePublished: true,
  doubtIsResolved: true,
  occupantIsCompared: true,
  lostIsDecidedAgain: true,
  winnersAreHelped: true,
  headIsMonotone: true,
  headIsLast: true,
  acknowledgedIsPublished: true,
  requestsAreRemembered: true,
  headIsRespected: true,
}

/** How often each misfortune may happen in one history; without bounds the space would be infinite. */
export interface Bounds {
  readonly crashes: number
  /** Creates whose response is not heard. */
  readonly delays: number
  readonly retries: number
}

export const DEFAULT_BOUNDS: Bounds = { crashes: 1, delays: 1, retries: 1 }

export function commitProtocol(rules: Rules = ALL_RULES, bounds: Bounds = DEFAULT_BOUNDS): Model<State> {
  return {
    initial: initialState(bounds),
    steps: (state) => [
      ...clientSteps(state),
      ...writerSteps(state, 0, rules),
      ...writerSteps(state, 1, rules),
      ...lateSteps(state, rules),
      ...readerSteps(state, rules),
    ],
    encode,
    invariants: INVARIANTS,
    landmarks: {
      'two commits': ({ log }) => log.length > 2,
      'three commits': ({ log }) => log.length > 3,
      'a group commit': ({ log }) => log.some((commit) => commit !== undefined && commit.transactions.length > 1),
      'every request answered': ({ answers }) => answers.every((answer) => answer !== 'unsent' && answer !== 'sent'),
      'a half-published commit of a crashed writer': (state) => {
        const missing = missingFacts(state, state.head + 1).length
        const started = state.items.includes(state.head + 1) || state.pointers.flat().includes(state.head + 1)
        return started && missing > 0 && state.writers.some(({ phase }) => phase === 'down')
      },
      'publishing overlaps creating': ({ writers, head }) =>
        writers.some(({ phase, known }) => phase === 'creating' && head < known),
    },
  }
}

const initialState = (bounds: Bounds): State => ({
  log: [undefined],
  pointers: RESOURCES.map(() => [0]),
  items: REQUESTS.map(() => 0),
  head: 0,
  late: { creates: [], facts: [], heads: [] },
  writers: [DOWN, DOWN].map((writer) => ({ ...writer, phase: 'ready' })),
  answers: REQUESTS.map(() => 'unsent'),
  reader: { phase: 'idle' },
  left: { ...bounds },
  told: 0,
  furthest: 0,
  broken: [],
  attempts: 0,
})
