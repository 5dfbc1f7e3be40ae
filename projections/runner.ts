/**
 * Runs one projection over one log: from its checkpoint to the head, and on as the log grows.
 *
 * The checkpoint moves by compare-and-set, over finished work without a gap. So a worker that was taken for dead and comes
 * back can't undo newer work: its save is refused, and it looks again.
 */
import { backOff } from '../domain/backoff.js'
import { annalsError } from '../domain/error.js'
import type { Clock, Ids } from '../domain/ports/index.js'
import { formatPosition } from '../domain/position.js'
import { describeFailure } from './cause.js'
import type { Checkpoint, CheckpointState, CheckpointStore, Parked } from './checkpoint.js'
import { defaultPageLimits, type PageLimits, pagesOf } from './pages.js'
import { beginning, comparePlaces } from './place.js'
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
}

export const defaultAttempts = 8

export async function runProjection(deps: RunnerDeps, { signal, toHead = false }: RunOptions): Promise<Outcome> {
  const { projection, source, checkpoints, clock, ids } = deps
  const { name, version } = projection
  const { page: pageLimits = defaultPageLimits, attempts = defaultAttempts } = deps.limits ?? {}
  let failures = 0
  let olderAreGone = false
  let kept: Checkpoint | undefined
  let lookedAt = 0
  let knownHash: string | undefined

  for (;;) {
    const round = childOf(signal)
    // Listening begins before the head is read, so that no ring is missed between the two.
    const woken = toHead ? undefined : source.wake(round.signal)
    try {
      const outcome = await catchUp()
      if (outcome.state !== 'caught-up' || woken === undefined) return outcome
      await woken
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
      // Somebody else has moved it, another worker or a rebuild; or the page has to be tried again.
      checkpoint = next ?? (await begin())
    }
  }

  /** The checkpoint of this version, made at its first start; a number: the newer version that serves. */
  async function begin(): Promise<Checkpoint | number> {
    lookedAt = clock.now()
    const serving = await checkpoints.serving(name)
    if (serving !== undefined && serving.version > version) return serving.version
    let checkpoint = await checkpoints.load(name, version)
    while (checkpoint === undefined) {
      const place = projection.sideEffects ? await firstPlace(serving?.version) : beginning
      // What an earlier life has left is compared and swept, rather than trusted.
      const state = projection.sweep === undefined ? 'running' : 'rebuilding'
      checkpoint = await write({ place, state, rev: 0 })
      checkpoint ??= await checkpoints.load(name, version)
    }
    if (serving === undefined) await checkpoints.serve(name, version, 0)
    if (checkpoint.settings !== projection.settings)
      throw annalsError('InvalidInput', {
        what: `projection ${name}`,
        problem: `it was built with the settings '${checkpoint.settings}', not '${projection.settings}': rebuild it, or use those`,
      })
    const own = await projection.place?.()
    return own === undefined ? checkOwn(checkpoint) : checkOwn({ ...checkpoint, place: own })
  }

  async function checkOwn(checkpoint: Checkpoint): Promise<Checkpoint> {
    const { seq, hash } = checkpoint.place
    if (seq === 0 || hash === knownHash || (await source.linkAt(seq))?.hash === hash) {
      knownHash = hash
      return checkpoint
    }
    const problem = `the projection '${name}' has seen a commit ${seq} that this log does not hold; rebuild it`
    throw annalsError('LogMismatch', { log: source.name, seq, problem })
  }

  /** Side effects begin where the older version stands, or now. */
  async function firstPlace(older: number | undefined): Promise<Place> {
    const before = older === undefined ? undefined : await checkpoints.load(name, older)
    return before?.place ?? { ...(await source.head()), done: 0 }
  }

  async function reset(checkpoint: Checkpoint): Promise<Checkpoint | undefined> {
    await projection.reset?.()
    return write({ ...checkpoint, state: 'rebuilding' })
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
    return finish(checkpoint)
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

  /** At the head: ends a rebuild, takes over from an older version, and removes what that has left. */
  async function finish(checkpoint: Checkpoint): Promise<Checkpoint | undefined> {
    if (checkpoint.state === 'rebuilding') return write({ ...checkpoint, state: 'sweeping' })
    if (checkpoint.state === 'sweeping') {
      await projection.sweep?.(signal)
      return signal.aborted ? checkpoint : write({ ...checkpoint, state: 'running' })
    }
    if (olderAreGone) return checkpoint
    const serving = await checkpoints.serving(name)
    if (serving === undefined || serving.version > version) return undefined
    if (serving.version < version && !(await checkpoints.serve(name, version, serving.rev))) return undefined
    await retireOlder()
    olderAreGone = true
    return checkpoint
  }

  async function retireOlder(): Promise<void> {
    const recorded = (await checkpoints.list()).find((each) => each.name === name)
    for (const older of recorded?.checkpoints.keys() ?? []) {
      if (older >= version) continue
      await projection.retire?.(older)
      await checkpoints.remove(name, older)
    }
  }

  function write(next: { place: Place; memo?: string; state: CheckpointState; parked?: Parked; rev: number }) {
    const { place, memo, state, rev } = next
    const parked = state === 'parked' ? next.parked : undefined
    const saved = { place, memo, state, parked, settings: projection.settings, savedAt: clock.now() }
    return checkpoints.save(name, version, saved, rev)
  }
}

/** The first pause after a failure is some tens of milliseconds: most failures are no matter of one. */
const firstBackOff = 3
/** How often an idle runner looks whether somebody has asked for a rebuild, in milliseconds. */
const lookAgainMs = 2_000
