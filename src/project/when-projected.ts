/** Reading one's own writes: waits until a projection has handled an event. */
import { annalsError } from '../../domain/error.js'
import type { Clock, PointerStore } from '../../domain/ports/index.js'
import { formatPosition, type Position } from '../../domain/position.js'
import { type Checkpoint, checkpointStore } from '../../projections/checkpoint.js'
import { passes } from '../../projections/place.js'

export interface WhenProjectedDeps {
  readonly tenant: string
  readonly pointers: PointerStore
  readonly clock: Clock
}

export interface WaitOptions {
  /** How long to wait, in milliseconds (default 10,000). */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

const defaultTimeoutMs = 10_000
/** Between two looks, in milliseconds: from the first to the last. */
const firstLookMs = 5
const lastLookMs = 250

/** Resolves when the version that serves has handled the event at `position`; at once if it already has. */
export async function whenProjected(
  deps: WhenProjectedDeps,
  name: string,
  position: Position,
  { timeoutMs = defaultTimeoutMs, signal }: WaitOptions = {},
): Promise<void> {
  const { clock } = deps
  const checkpoints = checkpointStore(deps.pointers, { tenant: deps.tenant, partition: position.partition })
  const until = clock.now() + timeoutMs * 1000
  for (let waitMs = firstLookMs; ; waitMs = Math.min(lastLookMs, waitMs * 2)) {
    const serving = await checkpoints.serving(name)
    const checkpoint = serving && (await checkpoints.load(name, serving.version))
    if (checkpoint !== undefined && hasHandled(checkpoint, position)) return
    if (checkpoint?.parked !== undefined)
      throw annalsError('ProjectionParked', { projection: name, ...checkpoint.parked })
    const leftMs = (until - clock.now()) / 1000
    if (signal?.aborted === true) throw annalsError('Cancelled', { what: 'waiting for a projection' })
    if (leftMs <= 0) {
      const cause =
        checkpoint === undefined
          ? 'no worker has run it on this tenant yet'
          : `it has come to commit ${checkpoint.place.seq} within ${timeoutMs} ms`
      throw annalsError('Unavailable', {
        operation: `wait for projection ${name}`,
        key: formatPosition(position),
        cause,
      })
    }
    await clock.sleep(Math.min(waitMs, leftMs), signal)
  }
}

/** While it is rebuilt in place, what it has built before still stands. */
const hasHandled = ({ place, state }: Checkpoint, position: Position): boolean =>
  state !== 'resetting' && passes(place, position)
