/**
 * Drives a saga to its end: forward while it runs, back in reverse order once it is decided to compensate. Whoever drives
 * it may die or be overtaken at any point; what happened is read from the logs, never assumed.
 */
import { backOff } from '../../domain/backoff.js'
import { annalsError, isAnnalsError } from '../../domain/error.js'
import { sagasPk } from '../../domain/keys.js'
import type { Ids } from '../../domain/ports/index.js'
import { mapBounded } from '../../domain/task.js'
import { type Lease, type LeaseDeps, leaseIfPossible } from '../lease.js'
import type { Limits } from '../limits.js'
import type { Tenant } from '../store.js'
import type { SagaReport, StepOutcome } from './api.js'
import { correlationOf, raiseFence, stepKey, undoKey, unfenced, writtenBy } from './fence.js'
import type { Journal, SagaPlan, SagaProgress } from './journal.js'
import { type PlacedStep, placeKey, placesOf, sagaLog } from './places.js'

export interface DriveDeps extends LeaseDeps {
  readonly ids: Ids
  readonly journal: Journal
  readonly limits: Limits
  /** Opens a tenant that is there. */
  tenant(name: string): Promise<Tenant>
}

/** How long compensations are tried before the rest is left to `resume`, in milliseconds. */
const compensateMs = 60_000
/** How often to look whether whoever drives it has come to an end, in milliseconds. */
const pollMs = 500

export async function driveSaga(
  deps: DriveDeps,
  plan: SagaPlan,
  isNew: boolean,
  signal?: AbortSignal,
): Promise<SagaReport> {
  const { id, steps } = plan
  const outcomes: StepOutcome[] = steps.map(() => ({ outcome: 'unknown' }))
  const lease = await leased(deps, id)
  let state: SagaProgress['state'] = 'running'
  try {
    let progress = await deps.journal.readState(id)
    if (progress.state === 'running') progress = await forward(deps, plan, outcomes, isNew, lease.renew, signal)
    state = progress.state
    if (progress.state === 'compensating') progress = await back(deps, plan, outcomes, progress, lease.renew)
    return reportOf(plan, progress, outcomes)
  } catch (error) {
    if (!isAnnalsError(error)) throw error
    const left = outcomes.map(
      (each): StepOutcome => (each.outcome === 'unknown' ? { ...each, why: each.why ?? error.message } : each),
    )
    return reportOf(plan, { state }, left)
  } finally {
    await lease.end()
  }
}

/** One process drives a saga at a time: the others wait for it, at most until its lease ends. */
async function leased(deps: DriveDeps, id: string): Promise<Lease> {
  for (;;) {
    const lease = await leaseIfPossible(deps, { pk: sagasPk, sk: id })
    if (lease !== undefined) return lease
    await deps.clock.sleep(pollMs)
  }
}

export const reportOf = (
  { id, steps }: SagaPlan,
  { state, steps: ended }: Pick<SagaProgress, 'state' | 'steps'>,
  outcomes: ReadonlyArray<StepOutcome>,
): SagaReport => ({
  id,
  state,
  steps: steps.map(({ tenant, partition }, i) => ({
    tenant,
    ...(partition === undefined ? undefined : { partition }),
    ...((ended ?? outcomes)[i] as StepOutcome),
  })),
})

/** Applies what is not applied yet, and decides how the saga goes on. */
async function forward(
  deps: DriveDeps,
  plan: SagaPlan,
  outcomes: StepOutcome[],
  isNew: boolean,
  renew: Lease['renew'],
  signal: AbortSignal | undefined,
): Promise<SagaProgress> {
  const { journal, clock } = deps
  const { id, steps } = plan
  const why: Record<number, string> = {}
  let turned = false
  const isOver = (): boolean => turned || signal?.aborted === true || clock.now() >= plan.until
  if (!isNew) {
    const found = await retried(deps, plan.until + compensateMs * 1000, () => writtenByPlace(deps, plan))
    steps.forEach((step, i) => {
      const transaction = found.get(placeKey(step))?.get(stepKey(id, i))
      if (transaction !== undefined) outcomes[i] = { outcome: 'applied', transaction }
    })
  }
  await mapBounded(steps, plan.concurrency, async (step, i) => {
    if (outcomes[i]?.outcome === 'applied' || isOver()) return
    await renew()
    try {
      outcomes[i] = await retried(deps, plan.until, () => apply(deps, plan, step, i), isOver)
    } catch (error) {
      if (!isAnnalsError(error)) throw error
      why[i] = error.message
      turned = true
    }
  })
  const isDone = outcomes.every(({ outcome }) => outcome === 'applied')
  return retried(deps, clock.now() + compensateMs * 1000, () =>
    isDone
      ? journal.move(id, 'running', { state: 'completed', steps: outcomes })
      : journal.move(id, 'running', { state: 'compensating', why }),
  )
}

async function apply(deps: DriveDeps, plan: SagaPlan, step: PlacedStep, i: number): Promise<StepOutcome> {
  const { id, actor, reason, until } = plan
  const remaining = Math.ceil((until - deps.clock.now()) / 1000)
  const log = await sagaLog(deps.tenant, step, id)
  const { id: transaction } = await log.tenant.transact([...step.operations, unfenced(log)], {
    ...(actor === undefined ? undefined : { actor }),
    ...(reason === undefined ? undefined : { reason }),
    correlation: correlationOf(id),
    request: stepKey(id, i),
    timeoutMs: Math.max(0, Math.min(deps.limits.writeTimeoutMs, remaining)),
  })
  return { outcome: 'applied', ...(transaction === undefined ? undefined : { transaction }) }
}

/** Fences every log, so that what was applied is settled, and takes it back, what came last first. */
async function back(
  deps: DriveDeps,
  plan: SagaPlan,
  outcomes: StepOutcome[],
  { why = {} }: SagaProgress,
  renew: Lease['renew'],
): Promise<SagaProgress> {
  const { id, steps } = plan
  const until = deps.clock.now() + compensateMs * 1000
  outcomes.fill({ outcome: 'unknown' })
  for (const place of placesOf(steps).values())
    await retried(deps, until, async () => raiseFence(await sagaLog(deps.tenant, place, id), `saga-fence:${id}`))
  const found = await retried(deps, until, () => writtenByPlace(deps, plan))
  for (let i = steps.length - 1; i >= 0; i--) {
    const written = found.get(placeKey(steps[i] as PlacedStep))
    const transaction = written?.get(stepKey(id, i))
    const by = written?.get(undoKey(id, i))
    const cause = why[i]
    if (transaction === undefined)
      outcomes[i] = { outcome: 'not-applied', ...(cause === undefined ? undefined : { why: cause }) }
    else if (by !== undefined) outcomes[i] = { outcome: 'compensated', transaction, by }
    else {
      await renew()
      outcomes[i] = await retried(deps, until, () => undo(deps, plan, i, transaction))
    }
  }
  const isStuck = outcomes.some(({ outcome }) => outcome === 'could-not-compensate')
  const ended = { state: isStuck ? 'stuck' : 'compensated', steps: outcomes, why } as const
  return retried(deps, until, () => deps.journal.move(id, 'compensating', ended))
}

async function undo(deps: DriveDeps, plan: SagaPlan, i: number, transaction: string): Promise<StepOutcome> {
  const { id, actor, reason, onConflict, steps, heads } = plan
  const place = steps[i] as PlacedStep
  const { tenant } = await sagaLog(deps.tenant, place, id)
  const done = (by: string | undefined): StepOutcome => ({
    outcome: 'compensated',
    transaction,
    ...(by === undefined ? undefined : { by }),
  })
  const audit = {
    ...(actor === undefined ? undefined : { actor }),
    ...(reason === undefined ? undefined : { reason }),
    correlation: correlationOf(id),
    request: undoKey(id, i),
  }
  try {
    return done((await tenant.revert({ transaction }, { ...audit, onConflict })).id)
  } catch (error) {
    if (!isAnnalsError(error) || error._tag !== 'Conflict') throw error
    // What was changed since may be this very compensation, by another process.
    const by = (await writtenBy(tenant, correlationOf(id), heads[placeKey(place)] ?? 0)).get(undoKey(id, i))
    if (by !== undefined) return done(by)
    return { outcome: 'could-not-compensate', transaction, why: error.message, conflicts: error.data.conflicts }
  }
}

async function writtenByPlace(
  deps: DriveDeps,
  { id, heads, steps }: SagaPlan,
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const found = new Map<string, ReadonlyMap<string, string>>()
  for (const [key, place] of placesOf(steps))
    found.set(key, await writtenBy((await sagaLog(deps.tenant, place, id)).tenant, correlationOf(id), heads[key] ?? 0))
  return found
}

/** Trouble that may pass is waited out until then. */
async function retried<A>(
  deps: DriveDeps,
  until: number,
  step: () => Promise<A>,
  isOver: () => boolean = () => false,
): Promise<A> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await step()
    } catch (error) {
      if (!isAnnalsError(error) || !error.retryable) throw error
      if (deps.clock.now() >= until || isOver()) throw error
    }
    await backOff(deps.clock, deps.ids, attempt, new AbortController().signal)
    if (deps.clock.now() >= until || isOver()) throw annalsError('Cancelled', { what: 'a step whose time is over' })
  }
}
