/** What a log writer does next (design 3.2). Each step is one exchange with a store, so a crash can come between any two. */
import type { Step } from './check.js'
import { including, PROMISES } from './invariants.js'
import type { Rules } from './model.js'
import { acknowledgeSteps, published, publishSteps } from './publish.js'
import {
  type Commit,
  DOWN,
  missingFacts,
  newestCovered,
  occupy,
  REQUESTS,
  replace,
  type State,
  type Transaction,
  type Writer,
  withWriter,
  writerName,
} from './state.js'

type Steps = Step<State>[]

/** How many commits may wait for their publishing while the next number is created: step 4 may overlap step 3. */
const OVERLAP = 1

export function writerSteps(state: State, w: number, rules: Rules): Steps {
  const writer = state.writers[w]!
  if (writer.phase === 'down') return [open(state, w, rules)]
  return [
    ...appendSteps(state, w, rules),
    ...publishSteps(state, w, rules),
    ...acknowledgeSteps(state, w, rules),
    ...crashSteps(state, w),
  ]
}

function appendSteps(state: State, w: number, rules: Rules): Steps {
  const writer = state.writers[w]!
  switch (writer.phase) {
    case 'down':
      return []
    case 'probing':
      return published(state, writer) === writer.known ? [probe(state, w, rules)] : []
    case 'ready':
      return writer.known - published(state, writer) <= OVERLAP ? decideSteps(state, w, rules) : []
    case 'creating':
      return [create(state, w), ...(state.left.delays > 0 ? delaySteps(state, w, rules) : [])]
    case 'refused':
      return [readOccupant(state, w, rules)]
  }
}

/** Memory is what the table knows up to the head. Reading it in one step is fair: all of that is immutable. */
function open(state: State, w: number, rules: Rules): Step<State> {
  const { head } = state
  const next = withWriter(state, w, {
    phase: 'probing',
    known: head,
    versions: state.pointers.map((pointers) => newestCovered(pointers, head)),
    done: state.items.map((seq) => (rules.requestsAreRemembered && seq <= head ? seq : 0)),
  })
  return { kind: 'open', text: `${writerName(w)} starts and reads head ${head}`, next }
}

/** Rule 1: commits beyond the head are read and applied, and (rule 9) the head is healed by publishing them. */
function probe(state: State, w: number, rules: Rules): Step<State> {
  const seq = state.writers[w]!.known + 1
  if (state.log[seq] === undefined) {
    return {
      kind: 'find the end',
      text: `${writerName(w)} finds no ${seq}`,
      next: withWriter(state, w, { phase: 'ready' }),
    }
  }
  const next = rules.probedIsApplied ? learn(state, w, rules) : withWriter(state, w, { known: seq })
  return { kind: 'probe', text: `${writerName(w)} probes and finds ${seq}`, next }
}

/** Decides all that waits on the state at `known`, as one commit. What conflicts is decided anew after that commit. */
function decideSteps(state: State, w: number, rules: Rules): Steps {
  const writer = state.writers[w]!
  const versions = writer.versions.slice()
  const transactions: Transaction[] = []
  let conflict = -1
  for (let request = 0; request < REQUESTS.length; request++) {
    if (!writer.waiting[request] || writer.done[request] !== 0) continue
    const { writes, expects } = REQUESTS[request]!
    if (expects === undefined || versions[writes[0]!] === expects) {
      transactions.push({ request, versions: writes.map((resource) => ++versions[resource]!) })
    } else {
      conflict = request
    }
  }
  if (transactions.length > 0) return [decide(state, w, transactions)]
  const answerable = !rules.conflictsArePublished || published(state, writer) === writer.known
  return conflict >= 0 && answerable ? [rejectOrLearn(state, w, conflict, rules)] : []
}

function decide(state: State, w: number, transactions: Transaction[]): Step<State> {
  const commit: Commit = { id: state.attempts, transactions }
  const what = transactions.map(({ request }) => REQUESTS[request]!.name).join(' and ')
  return {
    kind: 'decide',
    text: `${writerName(w)} decides ${what} for ${state.writers[w]!.known + 1}`,
    next: { ...withWriter(state, w, { phase: 'creating', commit }), attempts: state.attempts + 1 },
  }
}

/** Nothing is created for a conflict, so no 412 would reveal a stale memory: the writer looks at the next number first. */
function rejectOrLearn(state: State, w: number, request: number, rules: Rules): Step<State> {
  const writer = state.writers[w]!
  const seq = writer.known + 1
  if (rules.conflictsAreConfirmed && state.log[seq] !== undefined) {
    return { kind: 'refresh', text: `${writerName(w)} sees a conflict, but finds ${seq}`, next: learn(state, w, rules) }
  }
  const { name: what, writes, expects } = REQUESTS[request]!
  const actual = writer.versions[writes[0]!]!
  const next = reject(state, w, request)
  return {
    kind: 'reject',
    text: `${writerName(w)} rejects ${what}: actual version ${actual}`,
    next: {
      ...next,
      told: Math.max(next.told, writer.known),
      broken: actual < expects! ? including(next.broken, PROMISES.rejectionsAreTrue) : next.broken,
    },
  }
}

function reject(state: State, w: number, request: number): State {
  const waiting = replace(state.writers[w]!.waiting, request, false)
  const next = withWriter(state, w, { waiting })
  return next.answers[request] === 'sent' ? { ...next, answers: replace(next.answers, request, 'rejected') } : next
}

/** The PUT is applied and its response heard. */
function create(state: State, w: number): Step<State> {
  const { known, commit } = state.writers[w]!
  const seq = known + 1
  if (state.log[seq] === undefined) {
    const next = recordOwn(occupy(state, seq, commit!), w)
    return { kind: 'create', text: `${writerName(w)} creates ${seq}`, next }
  }
  const next = withWriter(state, w, { phase: 'refused' })
  return { kind: 'refuse', text: `${writerName(w)} hears 412 for ${seq}`, next }
}

/**
 * Rule 2: the writer hears nothing and repeats the same bytes, while the first PUT stays on the way. If that is applied
 * at once, its response was lost; if later, it was slow; if never, the request was lost.
 */
function delaySteps(state: State, w: number, rules: Rules): Steps {
  const writer = state.writers[w]!
  const seq = writer.known + 1
  const left = { ...state.left, delays: state.left.delays - 1 }
  const inDoubt = { ...leaveCreate(state, writer), left }
  const text = `${writerName(w)} hears nothing about ${seq}`
  if (rules.doubtIsResolved) return [{ kind: 'repeat in doubt', text: `${text} and repeats it`, next: inDoubt }]
  const idle = withWriter(inDoubt, w, { phase: 'ready', commit: undefined })
  const requests = writer.commit!.transactions.map(({ request }) => request)
  return [
    {
      kind: 'move on in doubt',
      text: `${text} and moves on to the next number`,
      next: withWriter(idle, w, { known: seq }),
    },
    {
      kind: 'give up in doubt',
      text: `${text}, gives up and reports a failure`,
      next: requests.reduce((given, request) => reject(given, w, request), idle),
    },
  ]
}

/** Leaves a writer's PUT on the way with nobody to hear the response. A number that is taken would only refuse it. */
function leaveCreate(state: State, { phase, known, commit }: Writer): State {
  const seq = known + 1
  if (phase !== 'creating' || state.log[seq] !== undefined) return state
  if (state.late.creates.some((create) => create.commit.id === commit!.id)) return state
  return { ...state, late: { ...state.late, creates: [...state.late.creates, { seq, commit: commit! }] } }
}

/** Rules 3 and 5: the occupant tells whether a 412 is a lost race. */
function readOccupant(state: State, w: number, rules: Rules): Step<State> {
  const { known, commit } = state.writers[w]!
  const seq = known + 1
  if (rules.occupantIsCompared && state.log[seq]!.id === commit!.id) {
    return {
      kind: 'adopt own commit',
      text: `${writerName(w)} finds its own commit at ${seq}`,
      next: recordOwn(state, w),
    }
  }
  const lost = learn(state, w, rules)
  return {
    kind: 'lose a race',
    text: `${writerName(w)} takes ${seq} for another's and applies it`,
    next: withWriter(lost, w, rules.lostIsDecidedAgain ? { phase: 'ready' } : { phase: 'creating', commit }),
  }
}

function recordOwn(state: State, w: number): State {
  const { known, commit, versions, done } = state.writers[w]!
  return withWriter(state, w, {
    phase: 'ready',
    known: known + 1,
    versions: applied(versions, commit!),
    done: commit!.transactions.reduce((seqs, { request }) => replace(seqs, request, known + 1), done),
    commit: undefined,
  })
}

/** Applies another's commit (or one of its own former life) to memory; a missing key hides whose request it answered. */
function learn(state: State, w: number, rules: Rules): State {
  const { known, unhelped, versions, done } = state.writers[w]!
  const seq = known + 1
  const commit = state.log[seq]!
  const answered = rules.requestsAreRemembered
    ? commit.transactions.filter(({ request }) => REQUESTS[request]!.keyed)
    : []
  return withWriter(state, w, {
    known: seq,
    unhelped: rules.winnersAreHelped ? unhelped : seq,
    versions: applied(versions, commit),
    done: answered.reduce((seqs, { request }) => replace(seqs, request, seq), done),
    commit: undefined,
  })
}

function applied(versions: readonly number[], commit: Commit): readonly number[] {
  const next = versions.slice()
  for (const transaction of commit.transactions) {
    REQUESTS[transaction.request]!.writes.forEach((resource, i) => {
      next[resource] = transaction.versions[i]!
    })
  }
  return next
}

/** Memory is gone; what was on the way to the stores may still arrive. */
function crashSteps(state: State, w: number): Steps {
  if (state.left.crashes === 0) return []
  const writer = state.writers[w]!
  const { late } = leaveCreate(state, writer)
  const seq = published(state, writer) + 1
  const publishing = seq <= writer.known
  const unpublished = publishing && missingFacts(state, seq).length > 0
  const unadvanced = publishing && !unpublished && state.head < seq
  const next: State = {
    ...state,
    writers: replace(state.writers, w, DOWN),
    left: { ...state.left, crashes: state.left.crashes - 1 },
    late: {
      creates: late.creates,
      facts: unpublished ? withSeq(late.facts, seq) : late.facts,
      heads: unadvanced ? withSeq(late.heads, seq) : late.heads,
    },
  }
  return [{ kind: publishing ? 'crash while publishing' : 'crash', text: `${writerName(w)} crashes`, next }]
}

const withSeq = (list: readonly number[], seq: number): readonly number[] =>
  list.includes(seq) ? list : [...list, seq].toSorted((a, b) => a - b)
