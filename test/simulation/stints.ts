/** Workers that follow the log in stints: each on some process, until it is stopped, its process is gone or fails. */
import type { AnnalsError } from '../../domain/error.js'
import type { ResourceVersion } from '../../src/api.js'
import { violate } from './call.js'
import { gone, type Process } from './process.js'
import { keyOf } from './reference.js'
import type { Client } from './writes.js'

export interface Subscriber {
  readonly name: string
  /** Works until told to stop. */
  run(): Promise<void>
  /** Lets it catch up with the head and end. */
  finish(): void
  /** The last version of each resource that it has heard of, where it keeps that. It outlives every stint. */
  readonly map?: ReadonlyMap<string, number>
}

/** What a stop, a crash or trouble with the storage leaves to do: start again from the checkpoint. */
export class Stopped extends Error {}

/** Stint after stint; the last one begins after `isFinishing` and comes to its end. */
export async function inStints(
  { world, reach, random, name }: Client,
  isFinishing: () => boolean,
  stint: (process: Process, last: boolean) => Promise<void>,
): Promise<void> {
  for (;;) {
    const last = isFinishing()
    const process = await reach(random)
    try {
      await stint(process, last)
      if (last) return
    } catch (error) {
      const tag = (error as AnnalsError)._tag
      const excused = error instanceof Stopped || tag === 'Unavailable' || tag === 'StorageRefused'
      if (!excused) throw error
      world.count('subscribers stopped')
    }
    await world.scheduler.pause(name, 'waits for commits', random.magnitude(1, 100))
  }
}

export async function still<A>(process: Process, promise: Promise<A>): Promise<A> {
  const answer = await process.during(promise)
  if (answer === gone) throw new Stopped()
  return answer
}

/** At least once and in order: a version may come again, and none may be left out. */
export function foldVersion(name: string, map: Map<string, number>, { type, id, version }: ResourceVersion): void {
  const key = keyOf(type, id)
  const before = map.get(key) ?? 0
  if (version > before + 1) violate(`${name} missed a version of ${key} before ${version}`)
  map.set(key, Math.max(before, version))
}
