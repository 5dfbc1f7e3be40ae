/** The promises of the commit protocol, judged in every state by one who sees everything at once. */
import { missingFacts, REQUESTS, type State } from './state.js'

export const PROMISES = {
  acknowledgedIsKept: 'a: an acknowledged write is in the log',
  readsAreCurrent: 'a, d: a read shows whatever anybody was told before it began, and so never goes back',
  appliedOnce: 'b: no write is applied twice',
  logIsDense: 'c: the log has no hole',
  versionsAreDense: 'c: the versions of a resource are 1, 2, 3 … in log order',
  expectationsHeld: 'c: an expected version was the true one at its number',
  transactionsAreWhole: 'd: a transaction is seen whole or not at all',
  readsAreCovered: 'd: a read returns nothing above the head that it read',
  rejectedIsInvisible: 'e: no rejected write is in the log',
  rejectionsAreTrue: 'e: no write is rejected on a state older than its client had read',
  headIsBehindLog: 'f: the head is never ahead of the log',
  headIsMonotone: 'f: the head never moves back',
  pointersAreBelowHead: 'f: every pointer at or below the head exists',
} as const

/** Adds to the promises that were broken on the way; each counts once, so that the states stay finitely many. */
export const including = (broken: readonly string[], promise: string): readonly string[] =>
  broken.includes(promise) ? broken : [...broken, promise]

const wasNeverBroken =
  (promise: string) =>
  (state: State): boolean =>
    !state.broken.includes(promise)

export const INVARIANTS: Readonly<Record<string, (state: State) => boolean>> = {
  [PROMISES.acknowledgedIsKept]: (state) =>
    state.answers.every((answer, request) => answer !== 'acknowledged' || timesApplied(state, request) > 0),
  [PROMISES.readsAreCurrent]: wasNeverBroken(PROMISES.readsAreCurrent),
  [PROMISES.appliedOnce]: (state) => REQUESTS.every((_, request) => timesApplied(state, request) <= 1),
  [PROMISES.logIsDense]: ({ log }) => !log.some((commit, seq) => seq > 0 && commit === undefined),
  [PROMISES.versionsAreDense]: (state) => everyTransaction(state, (version, before) => version === before + 1),
  [PROMISES.expectationsHeld]: (state) =>
    everyTransaction(state, (_, before, request) => (REQUESTS[request]!.expects ?? before) === before),
  [PROMISES.transactionsAreWhole]: wasNeverBroken(PROMISES.transactionsAreWhole),
  [PROMISES.readsAreCovered]: wasNeverBroken(PROMISES.readsAreCovered),
  [PROMISES.rejectedIsInvisible]: (state) =>
    state.answers.every((answer, request) => answer !== 'rejected' || timesApplied(state, request) === 0),
  [PROMISES.rejectionsAreTrue]: wasNeverBroken(PROMISES.rejectionsAreTrue),
  [PROMISES.headIsBehindLog]: ({ head, log }) => head < log.length,
  [PROMISES.headIsMonotone]: ({ head, furthest }) => head === furthest,
  [PROMISES.pointersAreBelowHead]: (state) => {
    for (let seq = 1; seq <= state.head; seq++) if (missingFacts(state, seq).length > 0) return false
    return true
  },
}

function timesApplied({ log }: State, request: number): number {
  let times = 0
  for (const commit of log) {
    for (const transaction of commit?.transactions ?? []) if (transaction.request === request) times++
  }
  return times
}

/** Walks the log in order and judges each version beside the one that was current before its transaction. */
function everyTransaction(
  { log }: State,
  holds: (version: number, before: number, request: number) => boolean,
): boolean {
  const current = [0, 0]
  for (const commit of log) {
    for (const { request, versions } of commit?.transactions ?? []) {
      const { writes } = REQUESTS[request]!
      for (let i = 0; i < writes.length; i++) {
        if (!holds(versions[i]!, current[writes[i]!]!, request)) return false
        current[writes[i]!] = versions[i]!
      }
    }
  }
  return true
}
