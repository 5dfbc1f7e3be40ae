/** Exit codes, and which failure has which. */
import { absurd, type ErrorTag } from '../../domain/error.js'

export const exitCodes = {
  done: 0,
  /** The check or the write failed: a difference, a conflict, a resource that is not there. */
  failed: 1,
  /** The command line or the input is not acceptable. */
  usage: 2,
  /** The store cannot be opened or reached, or is damaged. */
  unavailable: 3,
  /** A defect of Annals. */
  defect: 70,
  /** Stopped by Ctrl-C before its end. */
  interrupted: 130,
} as const

export function exitCodeOf(tag: ErrorTag): number {
  switch (tag) {
    case 'Conflict':
    case 'NoMatch':
    case 'MultipleMatches':
    case 'PatchFailed':
    case 'Forbidden':
    case 'RequestKeyReused':
    case 'ProjectionParked':
    case 'Diverged':
      return exitCodes.failed
    case 'InvalidInput':
    case 'InvalidBody':
    case 'LimitExceeded':
    case 'NotSupported':
    case 'TenantMismatch':
      return exitCodes.usage
    case 'Unpublished':
    case 'OutcomeUnknown':
    case 'Contended':
    case 'Unavailable':
    case 'StorageRefused':
    case 'TenantNotFound':
    case 'NotAStore':
    case 'UnsupportedFormat':
    case 'NeedsRecovery':
    case 'LogMismatch':
    case 'Corrupt':
    case 'ClockSkew':
      return exitCodes.unavailable
    case 'Cancelled':
      return exitCodes.interrupted
    default:
      return absurd(tag)
  }
}
