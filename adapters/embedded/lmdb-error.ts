/** What LMDB could not do, as a typed error. */
import { annalsError } from '../../domain/error.js'
import { messageOf } from './environment.js'
import { errnoOf, storageError } from './storage-error.js'

/** LMDB puts the real error of a failed batch behind a promise. */
export async function lmdbError(error: unknown, operation: string, key: string): Promise<unknown> {
  const commitError = (error as { commitError?: Promise<unknown> } | undefined)?.commitError
  const cause = commitError === undefined ? error : await commitError.catch((reason: unknown) => reason)
  if (errnoOf(cause) !== undefined) return storageError(cause, { operation, key, applied: false })
  const message = messageOf(cause)
  if (/No space left|Input\/output error|MDB_MAP_FULL|Commit failed/.test(message)) {
    return annalsError('Unavailable', { operation, key, cause: message })
  }
  if (/MDB_(CORRUPTED|PAGE_NOTFOUND|PANIC|BAD_TXN|INVALID)/.test(message)) {
    const problem = `the pointers are damaged (${message}): close the store, delete its pointers folder`
    return annalsError('NeedsRecovery', { log: key, problem })
  }
  return cause
}
