/**
 * The ports of a copy: trouble that passes is waited out, and what fails at the destination says where. Every call that a
 * copy makes may be made twice: it reads, creates what never changes, or publishes facts.
 */
import { type AnnalsError, annalsError, isAnnalsError } from '../../domain/error.js'
import { attempt, run } from '../../domain/task.js'
import { type PatienceDeps, patience, patientBlobs } from '../patience.js'
import type { Side } from './side.js'

/** The side with all calls that a copy makes itself repeated while they fail in a way that may pass. */
export function patient(side: Side, deps: PatienceDeps): Side {
  const again = patience(deps)
  const { blobs, pointers } = side
  return {
    ...side,
    open: (log, shards) => run(again(attempt(() => side.open(log, shards)))),
    blobs: patientBlobs(blobs, again),
    pointers: {
      ...pointers,
      get: (pk, sk) => again(pointers.get(pk, sk)),
      putAll: (items) => again(pointers.putAll(items)),
      advance: (item) => again(pointers.advance(item)),
    },
  }
}

/** Both stores hold the same keys, so an error that names one has to say whose it is. */
export async function atDestination<A>(step: () => Promise<A>): Promise<A> {
  try {
    return await step()
  } catch (error) {
    throw isAnnalsError(error) ? placed(error) : error
  }
}

const there = 'at the destination: '
const named = (text: string): string => (text.startsWith(there) ? text : there + text)

function placed(error: AnnalsError): AnnalsError {
  switch (error._tag) {
    case 'Unavailable':
    case 'StorageRefused':
      return annalsError(error._tag, { ...error.data, cause: named(error.data.cause) })
    case 'Corrupt':
      return annalsError('Corrupt', { ...error.data, problem: named(error.data.problem) })
    case 'NeedsRecovery':
      return annalsError('NeedsRecovery', { ...error.data, problem: named(error.data.problem) })
    case 'LogMismatch':
      return annalsError('LogMismatch', { ...error.data, problem: named(error.data.problem) })
    default:
      return error
  }
}
