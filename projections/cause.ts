/** Why a projection failed, in words that may be stored and shown. */
import { isAnnalsError } from '../domain/error.js'

const longest = 300

/**
 * An `AnnalsError` never holds content. Of any other error only its name and code are told: its message may quote the
 * event, and belongs to the worker's own report.
 */
export function describeFailure(failure: unknown): string {
  if (isAnnalsError(failure)) return `${failure.code}: ${failure.message}`.slice(0, longest)
  if (!(failure instanceof Error)) return `a thrown ${failure === null ? 'null' : typeof failure}`
  const { code } = failure as { code?: unknown }
  const told = typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? ` (${code})` : ''
  return `${failure.name.slice(0, 64)}${told}; the worker's onFailure hears the rest`
}
