import { annalsError } from '../domain/error.js'

/** A page holds at least one entry. */
export function checkLimit(limit: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1) return
  throw annalsError('InvalidInput', { what: 'limit', problem: `${limit} is not a whole number of at least 1` })
}
