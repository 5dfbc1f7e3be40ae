/**
 * The bridge between `TaskEither`, which every I/O step returns, and `async` functions, in which loops are readable.
 *
 * A typed error is a Left on one side and a throw on the other; a defect (any other throw) stays a rejected promise on
 * both, so that a bug is never mistaken for a failure of the storage.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type AnnalsError, isAnnalsError } from './error.js'

/** Runs a step inside an `async` function: the Right's value, or a throw of the typed error. */
export async function run<A>(step: TaskEither<AnnalsError, A>): Promise<A> {
  const result = await step()
  if (result._tag === 'Left') throw result.left
  return result.right
}

/** Makes a step of an `async` function: a thrown typed error becomes the Left. */
export const attempt =
  <A>(body: () => Promise<A>): TaskEither<AnnalsError, A> =>
  async () => {
    try {
      return E.right(await body())
    } catch (error) {
      if (isAnnalsError(error)) return E.left(error)
      throw error
    }
  }

/** The value of a Right, or a throw of the typed error. */
export function orThrow<A>(either: E.Either<AnnalsError, A>): A {
  if (either._tag === 'Left') throw either.left
  return either.right
}

/** Calls that begin before everybody else gets a turn. */
export const callsInOneTurn = 256

/** Whatever waits to be done meanwhile comes first. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * Maps with at most `width` calls in flight; results keep the order. The first failure stops new calls and is thrown when
 * those in flight have ended: nothing of a call that failed goes on behind the back of what follows. Calls that wait for nothing,
 * however many, do not keep others waiting.
 */
export async function mapBounded<A, B>(
  values: ReadonlyArray<A>,
  width: number,
  map: (value: A, index: number) => Promise<B>,
): Promise<B[]> {
  // The rule on the way of a write: there is nothing to bound.
  if (values.length === 1) return [await map(values[0] as A, 0)]
  const results = new Array<B>(values.length)
  let next = 0
  let failure: { readonly error: unknown } | undefined
  let pause: Promise<void> | undefined
  const worker = async (): Promise<void> => {
    while (next < values.length && failure === undefined) {
      if (pause !== undefined) {
        await pause
        continue
      }
      const index = next++
      if (next % callsInOneTurn === 0)
        pause = turn().then(() => {
          pause = undefined
        })
      try {
        results[index] = await map(values[index] as A, index)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, values.length) }, worker))
  if (failure !== undefined) throw failure.error
  return results
}
