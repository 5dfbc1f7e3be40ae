/**
 * A lock between the processes that share a folder, for a few microseconds each.
 *
 * It is the write lock of an LMDB environment that never holds anything: the kernel frees it when its holder dies, so
 * there are no stale locks to find, which lock files can only guess at.
 */
import { open } from 'lmdb'

export interface Lock {
  /** Runs `body`, which must be quick and synchronous, while no other process runs one. */
  exclusively<A>(body: () => A): A
  close(): Promise<void>
}

export function openLock(folder: string): Lock {
  const environment = open({ path: folder, noSync: true, overlappingSync: false, encoding: 'binary' })
  return {
    // Wrapped, because a transaction waits for what looks like a promise.
    exclusively: (body) => environment.transactionSync(() => ({ result: body() })).result,
    close: () => environment.close(),
  }
}
