/**
 * A lock between the processes that share a folder, for a few microseconds each.
 *
 * It is the write lock of an LMDB environment that never holds anything: the kernel frees it when its holder dies, so
 * there are no stale locks to find, which lock files can only guess at.
 */
import { open, type RootDatabase } from 'lmdb'
import { annalsError } from '../../domain/error.js'
import { damageOf } from './lmdb-file.js'

export interface Lock {
  /** Runs `body`, which must be quick and synchronous, while no other process runs one. */
  exclusively<A>(body: () => A): A
  close(): Promise<void>
}

export function openLock(folder: string): Lock {
  const environment = openOrExplain(folder)
  return {
    // Wrapped, because a transaction waits for what looks like a promise.
    exclusively: (body) => environment.transactionSync(() => ({ result: body() })).result,
    close: () => environment.close(),
  }
}

function openOrExplain(folder: string): RootDatabase {
  const damage = damageOf(folder)
  if (damage === undefined) return open({ path: folder, noSync: true, overlappingSync: false, encoding: 'binary' })
  const cause = `${damage}; delete this folder, which holds nothing, while no process has the store open`
  throw annalsError('StorageRefused', { operation: 'open', key: folder, cause })
}
