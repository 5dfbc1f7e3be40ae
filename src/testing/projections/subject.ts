/** What a projection's author tells the contract: where it writes, and what it reads like. */
import type { Kind } from '../../../domain/resource.js'
import type { BodyInput } from '../../api.js'
import type { DefinedProjection } from '../../project/definition.js'
import type { History } from './history.js'

export interface ProjectionSubject<Target> {
  /** A fresh target, empty: a map, a table, a folder. */
  target(): Target | Promise<Target>
  /** The projection that writes to it. Asked for again where another process would begin: what it keeps itself is lost then. */
  projection(target: Target): DefinedProjection
  /** What the target holds, as a value for `assert.deepStrictEqual`. */
  read(target: Target): unknown
  /** Lets go of a target. */
  close?(target: Target): unknown
  /** The projection keeps its own checkpoint, in one transaction with its effect. */
  readonly exactlyOnce?: boolean
  /** Histories to check beside the generated ones. */
  readonly histories?: ReadonlyArray<History>
  /** Bodies of generated histories (default: an object with the members `n` and `text`). */
  body?(type: string, id: string, n: number): BodyInput
  /** Of the tenant (default `json`). */
  readonly kind?: Kind
  /** Generated histories for each promise (default 25). */
  readonly runs?: number
  /** Repeats what an error has told (default: another one each time). */
  readonly seed?: number
}

/** A promise as a sentence, and the check that fails if the projection breaks it. */
export interface ProjectionPromise {
  readonly promise: string
  readonly check: () => Promise<void>
}
