/**
 * The life of one version of a projection: its first start, a rebuild step by step, taking over from an older version and
 * removing what that has left. Each step is a change of one checkpoint, so that whoever comes after a crash goes on.
 */
import { annalsError, isAnnalsError } from '../domain/error.js'
import type { Clock } from '../domain/ports/index.js'
import type { Checkpoint, CheckpointState, CheckpointStore, Parked } from './checkpoint.js'
import { requestRebuild } from './maintain.js'
import { beginning } from './place.js'
import type { EventSource, Place, Projection } from './projection.js'

export interface Lifecycle {
  /** The checkpoint of this version, made at its first start; a number: the newer version that serves. */
  begin(): Promise<Checkpoint | number>
  reset(checkpoint: Checkpoint): Promise<Checkpoint | undefined>
  /** At the head: the next step, or the same checkpoint when there is none; `undefined`: somebody else was faster. */
  finish(checkpoint: Checkpoint, signal: AbortSignal): Promise<Checkpoint | undefined>
  write(next: NextCheckpoint): Promise<Checkpoint | undefined>
}

export interface NextCheckpoint {
  readonly place: Place
  readonly memo?: string
  readonly state: CheckpointState
  readonly parked?: Parked
  readonly rev: number
}

export interface LifecycleDeps {
  readonly projection: Projection
  readonly source: EventSource
  readonly checkpoints: CheckpointStore
  readonly clock: Clock
}

/** Between attempts to ask for a rebuild, in milliseconds. */
const firstWaitMs = 50
const lastWaitMs = 10_000

export function makeLifecycle({ projection, source, checkpoints, clock }: LifecycleDeps): Lifecycle {
  const { name, version } = projection
  let knownHash: string | undefined
  let olderAreGone = false

  async function begin(): Promise<Checkpoint | number> {
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
    // What a rebuild is about to forget is not gone by. One that keeps its place and has none stands at the beginning.
    if (projection.place === undefined || checkpoint.state === 'resetting') return checkOwn(checkpoint)
    return checkOwn({ ...checkpoint, place: (await projection.place()) ?? beginning })
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
    // Whoever has read of the reset long ago hears now that others have gone on, before it undoes what they did.
    const claimed = projection.reset === undefined ? checkpoint : await write(checkpoint)
    if (claimed === undefined) return undefined
    await projection.reset?.()
    const saved = await write({ ...claimed, state: 'rebuilding' })
    if (saved !== undefined || projection.reset === undefined) return saved
    await askAgain()
    return undefined
  }

  /** Others have gone on, and this reset, coming late, may have undone what they did: once more. Nobody else knows of it. */
  async function askAgain(): Promise<void> {
    for (let waitMs = firstWaitMs; ; waitMs *= 2)
      try {
        if ((await checkpoints.load(name, version))?.state !== 'resetting')
          await requestRebuild(checkpoints, projection, clock.now())
        return
      } catch (error) {
        if (!isAnnalsError(error) || !error.retryable || waitMs > lastWaitMs) throw error
        await clock.sleep(waitMs)
      }
  }

  async function finish(checkpoint: Checkpoint, signal: AbortSignal): Promise<Checkpoint | undefined> {
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

  function write(next: NextCheckpoint): Promise<Checkpoint | undefined> {
    const { place, memo, state, rev } = next
    const parked = state === 'parked' ? next.parked : undefined
    const saved = { place, memo, state, parked, settings: projection.settings, savedAt: clock.now() }
    return checkpoints.save(name, version, saved, rev)
  }

  return { begin, reset, finish, write }
}
