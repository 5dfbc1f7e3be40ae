/**
 * An explicit-state model checker: breadth first over every state that the steps reach, each invariant judged in each
 * state. Because it goes breadth first, the trace of a violation is a shortest one.
 */

export interface Step<S> {
  /** What sort of step this is; the exploration counts them, so that a test can demand that it happened at all. */
  readonly kind: string
  /** One line of a trace. */
  readonly text: string
  readonly next: S
}

export interface Model<S> {
  readonly initial: S
  /** Every step that is possible in `state`. The same state must always list the same steps in the same order. */
  readonly steps: (state: S) => readonly Step<S>[]
  /** The canonical name of a state: two states with one name must have the same future. */
  readonly encode: (state: S) => string
  /** Whether each promise is kept in a state. */
  readonly invariants: Readonly<Record<string, (state: S) => boolean>>
  /** Places that the exploration is expected to visit; it counts the states of each. */
  readonly landmarks: Readonly<Record<string, (state: S) => boolean>>
}

export interface Violation {
  readonly invariant: string
  readonly trace: readonly string[]
}

export interface Exploration {
  readonly states: number
  readonly transitions: number
  /** True if every reachable state was visited: neither a violation nor the limit ended the exploration early. */
  readonly exhausted: boolean
  /** How many steps of each kind were taken, and how many states of each landmark were visited. */
  readonly reached: Readonly<Record<string, number>>
  readonly violation?: Violation
}

interface Visit<S> {
  readonly number: number
  readonly state: S
}

/** How each visited state was reached first: by which step, counted among those of which state. */
interface Origins {
  readonly parents: number[]
  readonly choices: number[]
}

export const DEFAULT_STATE_LIMIT = 5_000_000

export function explore<S>(model: Model<S>, limit: number = DEFAULT_STATE_LIMIT): Exploration {
  const visited = new Set([model.encode(model.initial)])
  const origins: Origins = { parents: [-1], choices: [-1] }
  const reached = new Map<string, number>()
  let transitions = 0
  const landmarks = Object.entries(model.landmarks)
  let level: Visit<S>[] = [{ number: 0, state: model.initial }]

  const finish = (exhausted: boolean, broken?: { invariant: string; at: number }): Exploration => ({
    states: visited.size,
    transitions,
    exhausted,
    reached: Object.fromEntries(reached),
    ...(broken && { violation: { invariant: broken.invariant, trace: traceTo(model, origins, broken.at) } }),
  })

  while (level.length > 0) {
    const nextLevel: Visit<S>[] = []
    for (const { number, state } of level) {
      const invariant = firstBroken(model, state)
      if (invariant !== undefined) return finish(false, { invariant, at: number })
      for (const [name, holds] of landmarks) if (holds(state)) count(reached, name)
      const steps = model.steps(state)
      for (let choice = 0; choice < steps.length; choice++) {
        const { kind, next } = steps[choice]!
        transitions++
        count(reached, kind)
        const before = visited.size
        visited.add(model.encode(next))
        if (visited.size === before) continue
        if (visited.size > limit) return finish(false)
        origins.parents.push(number)
        origins.choices.push(choice)
        nextLevel.push({ number: before, state: next })
      }
    }
    level = nextLevel
  }
  return finish(true)
}

function firstBroken<S>(model: Model<S>, state: S): string | undefined {
  for (const name in model.invariants) if (!model.invariants[name]!(state)) return name
  return undefined
}

/** Walks back to the initial state, then takes the same steps forward to tell what each did. */
function traceTo<S>(model: Model<S>, { parents, choices }: Origins, target: number): string[] {
  const path: number[] = []
  for (let at = target; at > 0; at = parents[at]!) path.push(choices[at]!)
  const trace: string[] = []
  let state = model.initial
  for (const choice of path.reverse()) {
    const step = model.steps(state)[choice]!
    trace.push(step.text)
    state = step.next
  }
  return trace
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
