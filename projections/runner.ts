/**
 * Runs one projection over one log: from its checkpoint to the head, and on as the log grows.
 *
 * The checkpoint moves by compare-and-set, over finished work without a gap. So a worker that was taken for dead and comes
 * back can't undo newer work: its save is refused, and it looks again.
 */
import { backOff } from '../domain/backoff.js'
import type { Clock, Ids } from '../domain/ports/index.js'
import { formatPosition } from '../domain/position.js'
import { describeFailure } from './cause.js'
import type { Checkpoint, CheckpointStore, Parked } from './checkpoint.js'
import { makeLifecycle } from './lifecycle.js'
import { defaultPageLimits, type PageLimits, pagesOf } from './pages.js'
import { comparePlaces } from './place.js'
import type { Applied, EventSource, Page, Place, Projection } from './projection.js'
import { childOf, withinGrace } from './stopping.js'

export interface RunnerDeps {
  readonly projection: Projection
  readonly source: EventSource
  readonly checkpoints: CheckpointStore
  readonly clock: Clock
  readonly ids: Ids
  readonly limits?: Partial<RunnerLimits>
  readonly onMeasure?: (measure: Measure) => void
}

export interface RunnerLimits {
  readonly page: PageLimits
  /** Failures at one place before the projection is parked. */
  readonly attempts: number
}

/** What an operator wants to see of a runner. */
export type Measure =
  | {
      readonly kind: 'page'
      readonly events: number
      readonly ms: number
      readonly place: Place
      readonly head: number
    }
  | { readonly kind: 'failure'; readonly failures: number; readonly error: unknown; readonly place: Place }
  | { readonly kind: 'parked'; readonly parked: Parked }

export type Outcome =
  | { readonly state: 'caught-up' | 'stopped'; readonly place: Place }
  | { readonly state: 'parked'; readonly place: Place; readonly parked: Parked }
  | { readonly state: 'superseded'; readonly by: number }

export interface RunOptions {
  readonly signal: AbortSignal
  /** Ends when it has caught up, rather than waiting for more. */
  readonly toHead?: boolean
  /** How long it lets events gather once it has caught up, in milliseconds: for larger pages, of which each costs a checkpoint. */
  readonly lingerMs?: number
}

const defaultAttempts = 8

export async function runProjection(
  deps: RunnerDeps,
  { signal, toHead = false, lingerMs = 0 }: RunOptions,
): Promise<Outcome> {
  const { projection, source, clock, ids } = deps
  const { reset, finish, write, ...lifecycle } = makeLifecycle(deps)
  const { page: pageLimits = defaultPageLimits, attempts = defaultAttempts } = deps.limits ?? {}
  let failures = 0
  let kept: Checkpoint | undefined
  let lookedAt = 0

  for (;;) {
    const round = childOf(signal)
    // Listening begins before the head is read, so that no ring is missed between the two.
    const woken = toHead ? undefined : source.wake(round.signal)
    try {
      const outcome = await catchUp()
      if (outcome.state !== 'caught-up' || woken === undefined) return outcome
      await woken
      if (lingerMs > 0) await clock.sleep(lingerMs, signal)
    } finally {
      round.release()
    }
  }

  async function catchUp(): Promise<Outcome> {
    // An own checkpoint need not be read again at every commit; now and then, because others may ask for a rebuild.
    let checkpoint = kept === undefined || clock.now() - lookedAt > lookAgainMs * 1000 ? await begin() : kept
    for (;;) {
      if (typeof checkpoint === 'number') return { state: 'superseded', by: checkpoint }
      const { place, state, parked } = checkpoint
      if (state === 'parked') return { state, place, parked: parked as Parked }
      if (signal.aborted) return { state: 'stopped', place }
      const next = state === 'resetting' ? await reset(checkpoint) : await advance(checkpoint)
      kept = next
      if (next === checkpoint) return { state: signal.aborted ? 'stopped' : 'caught-up', place }
      // Whoever resets at the same time is not kept in step with.
      if (next === undefined && state === 'resetting') await backOff(clock, ids, firstBackOff, signal)
      // Somebody else has moved it, another worker or a rebuild; or the page has to be tried again.
      checkpoint = next ?? (await begin())
    }
  }

  function begin(): Promise<Checkpoint | number> {
    lookedAt = clock.now()
    return lifecycle.begin()
  }

  /** Applies what lies before the head. The same checkpoint again: there was nothing left to do. */
  async function advance(checkpoint: Checkpoint): Promise<Checkpoint | undefined> {
    const head = await source.head()
    let current = checkpoint
    for await (const page of pagesOf(source, projection, current.place, head.seq, pageLimits)) {
      const saved = await applyPage(page, current, head.seq)
      if (saved === undefined || signal.aborted || saved.state !== current.state) return saved
      current = saved
      if (comparePlaces(current.place, page.to) < 0) return current
    }
    if (current !== checkpoint) return current
    return finish(checkpoint, signal)
  }

  async function applyPage(page: Page, current: Checkpoint, head: number): Promise<Checkpoint | undefined> {
    const began = clock.now()
    const applied = await tryApply(page, current)
    if (applied === 'stopped') return current
    const { place = page.to, memo = current.memo } = applied
    const moved = comparePlaces(place, page.from) > 0
    if (moved) failures = 0
    if (!('failure' in applied)) {
      const ms = (clock.now() - began) / 1000
      deps.onMeasure?.({ kind: 'page', events: page.events.length, ms, place, head })
      return write({ ...current, place, memo })
    }
    failures++
    deps.onMeasure?.({ kind: 'failure', failures, error: applied.failure, place })
    if (failures >= attempts) return park({ ...current, place, memo }, applied.failure)
    if (moved) await write({ ...current, place, memo })
    await backOff(clock, ids, failures + firstBackOff, signal)
    return undefined
  }

  async function tryApply(page: Page, { memo, state }: Checkpoint): Promise<Applied | 'stopped'> {
    if (page.events.length === 0 && projection.place === undefined) return {}
    try {
      const context = { signal, memo, isRebuild: state !== 'running' }
      return await withinGrace(projection.apply(page, context), signal, clock)
    } catch (failure) {
      return signal.aborted ? 'stopped' : { place: page.from, failure }
    }
  }

  async function park(checkpoint: Checkpoint, failure: unknown): Promise<Checkpoint | undefined> {
    const { seq, done } = checkpoint.place
    const position = formatPosition({ partition: source.partition, seq: seq + 1, index: done })
    const was = checkpoint.state as Parked['was']
    const parked: Parked = { position, cause: describeFailure(failure), failures, was }
    failures = 0
    deps.onMeasure?.({ kind: 'parked', parked })
    return write({ ...checkpoint, state: 'parked', parked })
  }
}

/** The first pause after a failure is some tens of milliseconds: most failures are no matter of one. */
const firstBackOff = 3
/** How often an idle runner looks whether somebody has asked for a rebuild, in milliseconds. */
const lookAgainMs = 2_000
