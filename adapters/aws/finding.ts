/** What was found of the storage, and what to do about it. */
import { isAnnalsError } from '../../domain/error.js'
import { serviceError } from './service-error.js'

export interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly detail: string
  /** Absent when all is well. */
  readonly advice?: string
}

export const finding = (check: string, ok: boolean, detail: string, advice: string): Finding =>
  ok ? { check, ok, detail } : { check, ok, detail, advice }

/** That something could not be found out. A defect is thrown again. */
export function failedFinding(check: string, error: unknown, key: string): Finding {
  const failure = isAnnalsError(error) ? error : serviceError(error, { operation: check, key, writes: false })
  return finding(check, false, failure.message, 'see docs/operations.md for what a store needs')
}
