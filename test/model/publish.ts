/** The second half of a writer's work (design 3.2, steps 4 and 5): what is in the log becomes visible, then answered. */
import type { Step } from './check.js'
import type { Rules } from './model.js'
import {
  factName,
  missingFacts,
  REQUESTS,
  replace,
  type State,
  type Writer,
  withWriter,
  writeFact,
  writerName,
} from './state.js'

type Steps = Step<State>[]

/**
 * The last commit that a writer may take for published. A real writer may not know yet that another has advanced the
 * head, and repeat writes that change nothing (rule 6); leaving those out loses no behaviour and halves the states.
 */
export function published(state: State, { known, unhelped }: Writer): number {
  let seq = 0
  while (seq < known && (seq < unhelped || (seq < state.head && missingFacts(state, seq + 1).length === 0))) seq++
  return seq
}

/** Publishes commits in order, whoever wrote them: pointers and request items in any order, then the head. */
export function publishSteps(state: State, w: number, rules: Rules): Steps {
  const writer = state.writers[w]!
  const seq = published(state, writer) + 1
  if (seq > writer.known) return []
  const missing = missingFacts(state, seq)
  const kind = writer.done.some((at, request) => at === seq && writer.waiting[request]) ? 'publish' : 'help'
  const steps: Steps = missing.map((fact) => ({
    kind,
    text: `${writerName(w)} writes ${factName(fact)} of ${seq}`,
    next: writeFact(state, fact),
  }))
  if (missing.length === 0) {
    const next = advance(state, seq, rules)
    steps.push({ kind: 'advance the head', text: `${writerName(w)} advances the head to ${seq}`, next })
  } else if (!rules.headIsLast && state.head < seq) {
    const next = advance(state, seq, rules)
    steps.push({ kind: 'advance the head early', text: `${writerName(w)} advances the head to ${seq}`, next })
  }
  return steps
}

/** Rule 6: the head only moves forward. */
export function advance(state: State, seq: number, rules: Rules): State {
  const head = rules.headIsMonotone ? Math.max(state.head, seq) : seq
  const heads = rules.headIsMonotone ? state.late.heads.filter((on) => on > head) : state.late.heads
  return { ...state, head, furthest: Math.max(state.furthest, head), late: { ...state.late, heads } }
}

/** Rule 7: an answer comes after the publishing, whether this attempt made the commit or found its key in the log. */
export function acknowledgeSteps(state: State, w: number, rules: Rules): Steps {
  const writer = state.writers[w]!
  const steps: Steps = []
  for (let request = 0; request < REQUESTS.length; request++) {
    const seq = writer.done[request]!
    if (!writer.waiting[request] || seq === 0 || (rules.acknowledgedIsPublished && seq > published(state, writer)))
      continue
    const { name: what, keyed } = REQUESTS[request]!
    const waiting = replace(writer.waiting, request, false)
    const done = keyed ? writer.done : replace(writer.done, request, 0)
    const heard = state.answers[request] === 'sent'
    const next: State = {
      ...withWriter(state, w, { waiting, done }),
      answers: heard ? replace(state.answers, request, 'acknowledged') : state.answers,
      told: Math.max(state.told, seq),
    }
    const kind = heard ? 'acknowledge' : 'acknowledge again'
    steps.push({ kind, text: `${writerName(w)} acknowledges ${what} as commit ${seq}`, next })
  }
  return steps
}
