/** A write as its client sees it: one call, and the attempts to have it done. */
import type { OperationInput } from '../../src/api.js'
import type { ExpectedResult } from './reference.js'

export interface Call {
  readonly name: string
  /** Its request key, with which it may be tried again. */
  readonly request: string | undefined
  readonly operations: ReadonlyArray<OperationInput>
  /** Asked for through `create`, `update` or `delete` instead of `transact`. */
  readonly single: boolean
  readonly timeoutMs: number
  readonly attempts: Attempt[]
  /** Where it stands in the log, if it does. */
  written?: Written
}

export interface Attempt {
  /** Stands in the log as the transaction's reason, so that every write there is known by the attempt that made it. */
  readonly name: string
  readonly call: Call
  readonly process: string
  /** Commits in the log when it began. */
  readonly began: number
  /** Microseconds: when its caller runs out of patience. */
  readonly deadline: number
  /** What its caller was promised. Absent: nothing yet, or nothing at all. */
  promised?: 'written' | 'not written'
  /** The error that promised it. */
  because?: string
}

export interface Written {
  readonly attempt: Attempt
  readonly seq: number
  readonly transaction: number
  readonly results: ReadonlyArray<ExpectedResult>
}

/** Thrown by every check: what was promised and is not so. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

export function violate(message: string): never {
  throw new Violation(message)
}
