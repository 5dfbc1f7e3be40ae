/** Everything around the writers: clients that ask and retry, a network that delivers late, and a reader (design 3.3). */
import type { Step } from './check.js'
import { including, PROMISES } from './invariants.js'
import type { Rules } from './model.js'
import { advance } from './publish.js'
import {
  factName,
  missingFacts,
  newestCovered,
  occupy,
  REQUESTS,
  RESOURCES,
  type Reader,
  replace,
  type State,
  versionAt,
  withWriter,
  writeFact,
  writerName,
} from './state.js'

type Steps = Step<State>[]

/** A client sends a request to a writer that is up, and may send it again, to the same or another, until it is answered. */
export function clientSteps(state: State): Steps {
  const steps: Steps = []
  REQUESTS.forEach(({ name, keyed, writes, expects = 0 }, request) => {
    const answer = state.answers[request]!
    const first = answer === 'unsent'
    if (!first && !(answer === 'sent' && keyed && state.left.retries > 0)) return
    const read = newestCovered(state.pointers[writes[0]!]!, state.head)
    if (first && read < expects) return
    state.writers.forEach((writer, w) => {
      if (writer.phase === 'down' || writer.waiting[request]) return
      const asked = withWriter(state, w, { waiting: replace(writer.waiting, request, true) })
      const next: State = first
        ? {
            ...asked,
            answers: replace(state.answers, request, 'sent'),
            told: expects > 0 ? Math.max(state.told, state.pointers[writes[0]!]![read]!) : state.told,
          }
        : { ...asked, left: { ...state.left, retries: state.left.retries - 1 } }
      const kind = first ? 'ask' : 'ask again'
      steps.push({ kind, text: `a client asks ${writerName(w)} ${first ? 'to' : 'again to'} ${name}`, next })
    })
  })
  return steps
}

/** What a writer sent and no longer waits for arrives. */
export function lateSteps(state: State, rules: Rules): Steps {
  const { creates, facts, heads } = state.late
  return [
    ...creates.map(({ seq, commit }) => ({
      kind: 'create late',
      text: `a late create is applied at ${seq}`,
      next: occupy(state, seq, commit),
    })),
    ...facts.flatMap((seq) =>
      missingFacts(state, seq).map((fact) => ({
        kind: 'publish late',
        text: `a late write brings ${factName(fact)} of ${seq}`,
        next: writeFact(state, fact),
      })),
    ),
    ...heads.map((seq) => ({
      kind: 'advance the head late',
      text: `a late write sets the head to ${seq}`,
      next: advance({ ...state, late: { ...state.late, heads: heads.filter((on) => on !== seq) } }, seq, rules),
    })),
  ]
}

/**
 * One read looks up a resource's pointers and the head, in either order. A snapshot pins the head and then looks up both
 * resources. A read that begins with the head is the first half of a snapshot, so the model needs no third kind.
 */
export function readerSteps(state: State, rules: Rules): Steps {
  const { reader } = state
  switch (reader.phase) {
    case 'idle':
      return [pin(state), ...RESOURCES.map((_, resource) => list(state, resource, rules))]
    case 'listed':
      return [answer(state, reader.resource, reader.pointers, state.head, reader.least, IDLE, rules)]
    case 'pinned':
      return [leave(state), ...lookUpSteps(state, reader, rules)]
  }
}

const pin = (state: State): Step<State> => ({
  kind: 'pin',
  text: `the reader reads head ${state.head}`,
  next: withReader(state, {
    phase: 'pinned',
    head: state.head,
    least: RESOURCES.map((_, resource) => versionAt(state.log, resource, Math.max(state.told, state.head))),
    found: RESOURCES.map(() => -1),
  }),
})

/** If the head covers the newest pointer already, a later head gives the same answer, so that it is given at once. */
function list(state: State, resource: number, rules: Rules): Step<State> {
  const pointers = state.pointers[resource]!
  const least = versionAt(state.log, resource, state.told)
  if (pointers.at(-1)! <= state.head) return answer(state, resource, pointers, state.head, least, IDLE, rules)
  return {
    kind: 'list',
    text: `the reader reads the pointers of ${RESOURCES[resource]}`,
    next: withReader(state, { phase: 'listed', resource, least, pointers }),
  }
}

const IDLE: Reader = { phase: 'idle' }

const withReader = (state: State, reader: Reader): State => ({ ...state, reader })

const leave = (state: State): Step<State> => ({
  kind: 'leave',
  text: 'the reader leaves its snapshot',
  next: withReader(state, IDLE),
})

function lookUpSteps(state: State, reader: Reader & { phase: 'pinned' }, rules: Rules): Steps {
  const steps: Steps = []
  reader.found.forEach((version, resource) => {
    if (version >= 0) return
    const pointers = state.pointers[resource]!
    const found = replace(reader.found, resource, seenVersion(pointers, reader.head, rules))
    const whole = !found.includes(-1)
    const after: Reader = whole ? IDLE : { ...reader, found }
    const step = answer(state, resource, pointers, reader.head, reader.least[resource]!, after, rules)
    if (!whole) steps.push(step)
    else {
      steps.push({
        ...step,
        kind: 'see both',
        next: {
          ...step.next,
          broken: isTorn(state, found) ? including(step.next.broken, PROMISES.transactionsAreWhole) : step.next.broken,
        },
      })
    }
  })
  return steps
}

/** Rule 8: a pointer above the head that was read is not there yet. */
const seenVersion = (pointers: readonly number[], head: number, rules: Rules): number =>
  newestCovered(pointers, rules.headIsRespected ? head : Number.POSITIVE_INFINITY)

function answer(
  state: State,
  resource: number,
  pointers: readonly number[],
  head: number,
  least: number,
  reader: Reader,
  rules: Rules,
): Step<State> {
  const version = seenVersion(pointers, head, rules)
  const seq = version === 0 ? 0 : pointers[version]!
  let broken = state.broken
  if (seq > head) broken = including(broken, PROMISES.readsAreCovered)
  if (version < least) broken = including(broken, PROMISES.readsAreCurrent)
  return {
    kind: 'see one',
    text: `the reader sees ${RESOURCES[resource]}@${version} under head ${head}`,
    next: { ...state, reader, broken, told: Math.max(state.told, seq) },
  }
}

/** Whether some transaction shows in one of its resources and not in another. */
const isTorn = (state: State, found: readonly number[]): boolean =>
  state.log.some((commit) =>
    commit?.transactions.some(({ request, versions }) => {
      const shown = REQUESTS[request]!.writes.map((resource, i) => found[resource]! >= versions[i]!)
      return shown.includes(true) && shown.includes(false)
    }),
  )
