/** Ports whose trouble is waited out while it may pass: for calls that may be made twice, which read or create what never changes. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { backOff } from '../domain/backoff.js'
import type { AnnalsError } from '../domain/error.js'
import type { BlobStore, Clock, Ids } from '../domain/ports/index.js'
import { attempt, run } from '../domain/task.js'

export interface PatienceDeps {
  readonly clock: Clock
  readonly ids: Ids
  /** How long a call is repeated. */
  readonly forMs: number
  readonly signal: AbortSignal
}

export type Again = <A>(step: TaskEither<AnnalsError, A>) => TaskEither<AnnalsError, A>

export const patience =
  ({ clock, ids, forMs, signal }: PatienceDeps): Again =>
  (step) =>
  async () => {
    const until = clock.now() + forMs * 1000
    for (let attempt = 0; ; attempt++) {
      const result = await step()
      const isFinal = result._tag === 'Right' || !result.left.retryable
      if (isFinal || signal.aborted || clock.now() >= until) return result
      await backOff(clock, ids, attempt, signal)
    }
  }

/** Of work that waits in the background, in milliseconds. */
const patienceMs = 5 * 60_000

/** The same of a step that throws. */
export const patiently = <A>({ clock, ids, signal }: Omit<PatienceDeps, 'forMs'>, step: () => Promise<A>): Promise<A> =>
  run(patience({ clock, ids, signal, forMs: patienceMs })(attempt(step)))

/** Reads, lists and creates are repeated; what replaces or deletes is not. */
export const patientBlobs = (blobs: BlobStore, again: Again): BlobStore => ({
  ...blobs,
  get: (key, range) => again(blobs.get(key, range)),
  head: (key) => again(blobs.head(key)),
  list: (prefix, options) => again(blobs.list(prefix, options)),
  createIfAbsent: (key, bytes) => again(blobs.createIfAbsent(key, bytes)),
})
