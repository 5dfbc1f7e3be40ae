/** The sagas of a store: begins, lists, reports and resumes them. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { sha256 } from '../../domain/commit.js'
import { type AnnalsError, annalsError } from '../../domain/error.js'
import { decodeSegment, sagasPrefix } from '../../domain/keys.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { checkId } from '../../domain/resource.js'
import { attempt, orThrow } from '../../domain/task.js'
import { everyKey } from '../../domain/walk.js'
import { type Promised, promised } from '../promised.js'
import type { SagaOptions, SagaReport, SagaState, SagaStep, StepOutcome } from './api.js'
import { type DriveDeps, driveSaga, reportOf } from './drive.js'
import { makeJournal, packed, type SagaPlan } from './journal.js'
import { placed, placesOf, sagaLog } from './places.js'

export interface SagasFp {
  /** In the order of their ids; `state`: only those. */
  list(options?: { readonly state?: SagaState }): TaskEither<AnnalsError, ReadonlyArray<SagaReport>>
  /** What is known of a saga; `undefined`: there is none. Steps of one that has not ended are `unknown`. */
  report(id: string): TaskEither<AnnalsError, SagaReport | undefined>
  /** Brings a saga to its end, whoever began it. One that has ended answers its report. */
  resume(id: string, options?: { readonly signal?: AbortSignal }): TaskEither<AnnalsError, SagaReport>
  /** The same for every saga that has not ended. */
  resumeAll(options?: { readonly signal?: AbortSignal }): TaskEither<AnnalsError, ReadonlyArray<SagaReport>>
}

export type Sagas = Promised<SagasFp>

export interface SagaMaking {
  saga(steps: ReadonlyArray<SagaStep>, options?: SagaOptions): TaskEither<AnnalsError, SagaReport>
  readonly fp: SagasFp
  readonly sagas: Sagas
}

const maxSteps = 10_000
/** Receipts of request keys last for 24 hours: no step is tried as long as that. */
const maxDeadlineMs = 12 * 3_600_000

export function makeSagas(deps: Omit<DriveDeps, 'journal'> & { readonly blobs: BlobStore }): SagaMaking {
  const journal = makeJournal(deps.blobs)
  const driving: DriveDeps = { ...deps, journal }

  async function begin(steps: ReadonlyArray<SagaStep>, options: SagaOptions): Promise<SagaReport> {
    const { id = deps.ids.uuid(), signal } = options
    const plan = await planned(steps, options, id)
    const written = await journal.writePlan(plan.plan)
    if (written.digest !== plan.plan.digest)
      throw annalsError('InvalidInput', {
        what: 'id',
        problem: 'there is another saga of this id; give this one its own',
      })
    return driveSaga(driving, written, plan.isNew, signal)
  }

  async function planned(steps: ReadonlyArray<SagaStep>, options: SagaOptions, name: string) {
    const id = checkSagaId(name)
    const {
      strategy = 'sequential',
      concurrency = 4,
      deadlineMs = 60_000,
      actor,
      reason,
      onConflict = 'fail',
    } = options
    bounded('steps', steps.length, maxSteps)
    bounded('concurrency', concurrency, 64)
    bounded('deadlineMs', deadlineMs, maxDeadlineMs)
    if (!['fail', 'skip', 'force'].includes(onConflict)) throw invalid('onConflict', "it is 'fail', 'skip' or 'force'")
    if (strategy !== 'sequential' && strategy !== 'parallel')
      throw invalid('strategy', "it is 'sequential' or 'parallel'")
    const digest = sha256(JSON.stringify([packed(steps), strategy, actor, reason, onConflict]))
    const there = await journal.readPlan(id)
    if (there !== undefined) return { isNew: false, plan: { ...there, digest } }
    const all = await placed(deps.tenant, steps, id)
    const heads: Record<string, number> = {}
    for (const [key, place] of placesOf(all))
      heads[key] = (await (await sagaLog(deps.tenant, place, id)).tenant.head()).seq
    const plan: Omit<SagaPlan, 'format'> = {
      id,
      digest,
      heads,
      concurrency: strategy === 'parallel' ? concurrency : 1,
      until: deps.clock.now() + deadlineMs * 1000,
      actor,
      reason,
      onConflict,
      steps: all,
    }
    return { isNew: true, plan }
  }

  async function known(id: string): Promise<SagaPlan | undefined> {
    return journal.readPlan(checkSagaId(id))
  }

  async function reported(plan: SagaPlan): Promise<SagaReport> {
    const unknown = plan.steps.map((): StepOutcome => ({ outcome: 'unknown' }))
    return reportOf(plan, await journal.readState(plan.id), unknown)
  }

  async function resume(id: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<SagaReport> {
    const plan = await known(id)
    if (plan === undefined) throw invalid('id', `there is no saga '${id.slice(0, 64)}'`)
    return driveSaga(driving, plan, false, signal)
  }

  async function list({ state }: { readonly state?: SagaState } = {}): Promise<SagaReport[]> {
    const reports: SagaReport[] = []
    for await (const key of everyKey(deps.blobs, sagasPrefix)) {
      if (!key.endsWith('/plan.ndjson')) continue
      const plan = await known(decodeSegment(key.slice(sagasPrefix.length, key.lastIndexOf('/'))))
      const report = plan && (await reported(plan))
      if (report !== undefined && (state === undefined || report.state === state)) reports.push(report)
    }
    return reports
  }

  async function resumeAll(options: { readonly signal?: AbortSignal } = {}): Promise<SagaReport[]> {
    const reports: SagaReport[] = []
    for (const { id, state } of await list()) {
      if (options.signal?.aborted === true) break
      if (state === 'running' || state === 'compensating') reports.push(await resume(id, options))
    }
    return reports
  }

  const fp: SagasFp = {
    list: (options) => attempt(() => list(options)),
    report: (id) =>
      attempt(async () => {
        const plan = await known(id)
        return plan && reported(plan)
      }),
    resume: (id, options) => attempt(() => resume(id, options)),
    resumeAll: (options) => attempt(() => resumeAll(options)),
  }
  return { saga: (steps, options = {}) => attempt(() => begin(steps, options)), fp, sagas: promised(fp) }
}

/** The id is that of a resource in every tenant of the saga. */
const checkSagaId = (id: string): string => orThrow(checkId('fhir', id))

function bounded(what: string, value: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > max)
    throw invalid(what, `a whole number from 1 to ${max} is needed`)
}

const invalid = (what: string, problem: string): AnnalsError => annalsError('InvalidInput', { what, problem })
