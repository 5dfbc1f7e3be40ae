/**
 * What has to hold for every projection, whatever it builds: its result is that of one undisturbed build, however often
 * pages come, however they are cut, and whenever processes end. Checked over generated histories.
 */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { systemIds } from '../../../adapters/system-ids.js'
import { describeHistory, generateHistory, type History, type HistoryShape } from './history.js'
import { seeded } from './random.js'
import * as scenarios from './scenarios.js'
import type { ProjectionPromise, ProjectionSubject } from './subject.js'
import { inTrial, type Trial } from './trial.js'

type Check<Target> = (trial: Trial<Target>) => Promise<void>

const defaultRuns = 25
/** A failing history is made shorter by at most so many attempts. */
const shrinkAttempts = 60

/**
 * The promises of one projection. They run in any test framework, or in none:
 *
 *     for (const { promise, check } of projectionContract({ target, projection, read })) test(promise, () => check())
 */
export function projectionContract<Target>(subject: ProjectionSubject<Target>): ReadonlyArray<ProjectionPromise> {
  const promised = (promise: string, check: Check<Target>): ProjectionPromise => ({
    promise,
    check: () => overHistories(subject, promise, check),
  })
  return [
    { promise: 'what it builds depends on the history', check: () => isNotIdle(subject) },
    promised('pages of any size, and an end after any of them, come to the same', scenarios.pages),
    promised('what is delivered again, from any earlier checkpoint, changes nothing', scenarios.again),
    promised('a failure at any event leaves nothing behind that a second attempt does not mend', scenarios.failure),
    promised('an old page that comes late changes nothing', scenarios.late),
    promised('a rebuild comes to what a clean build comes to', scenarios.rebuild),
    promised('writes during a rebuild are part of it', scenarios.writes),
    ...(subject.exactlyOnce === true ? [promised('each event is applied exactly once', scenarios.once)] : []),
  ]
}

/** A projection that no history moves would keep every other promise. */
async function isNotIdle<Target>(subject: ProjectionSubject<Target>): Promise<void> {
  const plan = await planOf(subject)
  for (const trial of plan.trials) {
    let moved = false
    await inTrial({ ...plan, ...trial }, async ({ build, clean }) => {
      const { target } = await build()
      moved = !isDeepStrictEqual(await subject.read(target), await clean())
    })
    if (moved) return
  }
  throw new Error('no generated history changes what it reads like: give it `histories`, or a `body` that it looks at')
}

async function overHistories<Target>(
  subject: ProjectionSubject<Target>,
  promise: string,
  check: Check<Target>,
): Promise<void> {
  const plan = await planOf(subject)
  for (const { history, seed } of plan.trials) {
    const attempt = (shorter: History): Promise<unknown> =>
      inTrial({ ...plan, history: shorter, seed }, check).then(
        () => undefined,
        (error: unknown) => error ?? new Error('it failed'),
      )
    const failure = await attempt(history)
    if (failure === undefined) continue
    const least = await shortest(history, failure, attempt)
    throw broken(promise, seed, least.history, least.failure)
  }
}

/** Leaves out transactions as long as it still fails. */
async function shortest(history: History, failure: unknown, attempt: (history: History) => Promise<unknown>) {
  let least = { history, failure }
  for (let i = 0, tried = 0; i < least.history.length && tried < shrinkAttempts; tried++) {
    const shorter = least.history.toSpliced(i, 1)
    const found = await attempt(shorter)
    if (found === undefined) i++
    else least = { history: shorter, failure: found }
  }
  return least
}

function broken(promise: string, seed: number, history: History, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = `broken: ${promise}\n${why}\nseed ${seed} (to repeat it: { seed: ${seed}, runs: 1 })\nhistory:\n${describeHistory(history)}`
  return new Error(message, { cause })
}

interface Plan<Target> {
  readonly subject: ProjectionSubject<Target>
  readonly shape: HistoryShape
  readonly trials: ReadonlyArray<{ readonly history: History; readonly seed: number }>
}

async function planOf<Target>(subject: ProjectionSubject<Target>): Promise<Plan<Target>> {
  const { runs = defaultRuns, histories = [], seed = Math.floor(systemIds.random() * 2 ** 32) } = subject
  const shape = await shapeOf(subject)
  const generated = Array.from({ length: runs }, (_, n) => ({
    history: generateHistory(seeded(seed + n), shape),
    seed: seed + n,
  }))
  return { subject, shape, trials: [...histories.map((history) => ({ history, seed })), ...generated] }
}

/** Generated histories are of the types that the projection asks for, and of one that it may not ask for. */
async function shapeOf<Target>(subject: ProjectionSubject<Target>): Promise<HistoryShape> {
  const { kind = 'json' } = subject
  const target = await subject.target()
  const { definition } = subject.projection(target)
  await subject.close?.(target)
  assert.ok(definition?.sideEffects !== true, 'a projection with side effects has no result that could be built again')
  assert.equal(
    definition?.checkpoint !== undefined,
    subject.exactlyOnce === true,
    'exactlyOnce is for a projection that has a checkpoint of its own, and for every such one',
  )
  const types = [...(definition?.types ?? ['Note', 'Task']), 'Other']
  const plain = (type: string, id: string, n: number) => ({
    ...(kind === 'fhir' ? { resourceType: type, id } : undefined),
    n,
    text: 'x'.repeat(n),
  })
  return { kind, types, body: subject.body?.bind(subject) ?? plain }
}
