/** Sagas: what callers say and hear. */
import type { OnConflict } from '../../domain/compensation.js'
import type { VersionConflict } from '../../domain/error.js'
import type { OperationInput } from '../api.js'

/** One transaction of a saga. */
export interface SagaStep {
  /** A tenant that exists. Where its resources are in several of the tenant's logs, there is one step in each of these. */
  readonly tenant: string
  readonly operations: ReadonlyArray<OperationInput>
}

export interface SagaOptions {
  /** Default: a UUID. The same id with the same content goes on with that saga, or answers its report again. */
  readonly id?: string
  /** `sequential` (default): one step after the other. `parallel`: up to `concurrency` at once. */
  readonly strategy?: 'sequential' | 'parallel'
  /** Steps under way at once (default 4), where they are parallel. */
  readonly concurrency?: number
  /** How long steps are tried, in milliseconds (default a minute, at most 12 hours); then what was applied is compensated. */
  readonly deadlineMs?: number
  /** Cancels: no further step is begun, and what was applied is compensated. */
  readonly signal?: AbortSignal
  readonly actor?: string
  readonly reason?: string
  /** For resources that others have changed before a compensation (default `fail`: the saga is `stuck`). */
  readonly onConflict?: OnConflict
}

export type SagaState = 'running' | 'completed' | 'compensating' | 'compensated' | 'stuck'

/** What became of a step. `transaction` is absent where nothing had to be written. */
export type StepOutcome =
  | { readonly outcome: 'applied'; readonly transaction?: string }
  | { readonly outcome: 'compensated'; readonly transaction: string; readonly by?: string }
  | {
      readonly outcome: 'could-not-compensate'
      readonly transaction: string
      readonly why: string
      readonly conflicts: ReadonlyArray<VersionConflict>
    }
  /** `why`: the error that made the saga turn back. */
  | { readonly outcome: 'not-applied'; readonly why?: string }
  /** To be settled by `resume`. */
  | { readonly outcome: 'unknown'; readonly why?: string }

export interface SagaReport {
  readonly id: string
  /** `running` and `compensating`: not at its end, to be resumed. */
  readonly state: SagaState
  /** `partition`: in which log of a tenant that has several. */
  readonly steps: ReadonlyArray<{ readonly tenant: string; readonly partition?: number } & StepOutcome>
}
