/** The promise face of an interface of `TaskEither`s: the same functions, which throw an `AnnalsError`. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../domain/error.js'
import { run } from '../domain/task.js'

export type Promised<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => TaskEither<AnnalsError, infer R>
    ? (...args: A) => Promise<R>
    : T[K]
}

/** Wraps every function; other members stay as they are. `T` must hold no other kind of function. */
export function promised<T extends object>(face: T): Promised<T> {
  const entries = Object.entries(face).map(([name, member]) => [
    name,
    typeof member === 'function' ? (...args: unknown[]) => run(member(...args)) : member,
  ])
  return Object.fromEntries(entries) as Promised<T>
}
