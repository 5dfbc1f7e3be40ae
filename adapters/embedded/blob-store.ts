/**
 * Objects as files: `{folder}/objects/{key}`, shared safely by any number of processes.
 *
 * A new object is written whole under `tmp/`, synced, and then linked to its name, which fails if the name is taken:
 * one atomic step in which of many creators one wins. Syncing the directory then makes it last.
 */
import type fs from 'node:fs'
import { dirname, join } from 'node:path'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../../domain/error.js'
import { isProjected, storeManifestKey } from '../../domain/keys.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { attempt } from '../../domain/task.js'
import { checkDeletable, checkKey, checkPrefix, checkRange, refuse } from '../blob-rules.js'
import { checkLimit } from '../check-limit.js'
import { isMissing, makeDirectories } from './directories.js'
import { type Disk, nodeDisk } from './disk.js'
import type { Folder } from './folder.js'
import { makeGate } from './gate.js'
import { makeListing } from './listing.js'
import type { Lock } from './lock.js'
import { etagOf, makeObjectReads, statObject } from './object-reads.js'
import { type Call, errnoOf, storageError } from './storage-error.js'
import { makeTempFiles, stampAfter, type TempFile } from './temp-files.js'

/** Gives a temp file its name. */
type Place<A> = (temp: TempFile, path: string) => A

/** Deletions of one turn under the lock. */
const deletesPerTurn = 100

export interface EmbeddedBlobStore extends BlobStore {
  /** Waits for the calls in flight; later ones are `Cancelled`. */
  close(): Promise<void>
}

export function embeddedBlobStore(folder: Folder, lock: Lock, disk: Disk = nodeDisk): EmbeddedBlobStore {
  const directories = makeDirectories(folder, disk)
  const temps = makeTempFiles(folder.tmp, disk)
  const reads = makeObjectReads(folder, directories)
  const list = makeListing(folder)
  const gate = makeGate()

  const pathOf = (key: string): string => join(key === storeManifestKey ? folder.root : folder.objects, key)

  const step = <A>(operation: string, key: string, body: (call: Call) => Promise<A>): TaskEither<AnnalsError, A> =>
    attempt(() =>
      gate.pass(operation, key, async () => {
        const call: Call = { operation, key, applied: false }
        try {
          return await body(call)
        } catch (error) {
          if (isMissing(error)) folder.assertPresent(operation, key)
          throw storageError(error, call)
        }
      }),
    )

  /** Writes a temp file, and lets `place` give it its name, which answers what has happened. */
  const write = <A>(call: Call, bytes: Uint8Array, place: Place<A>): Promise<A> =>
    isProjected(call.key) ? writeLoosely(call, bytes, place) : writeDurably(call, bytes, place)

  /** What the log can rebuild is whole, and not synced: after a crash of the machine it is rebuilt. */
  const writeLoosely = async <A>(call: Call, bytes: Uint8Array, place: Place<A>): Promise<A> => {
    const path = pathOf(call.key)
    folder.assertPresent(call.operation, call.key)
    const temp = await temps.writeLoosely(bytes)
    try {
      const answer = inDirectory(dirname(path), () => place(temp, path))
      call.applied = true
      return answer
    } finally {
      temps.discard(temp.path)
      disk.close(temp.fd)
    }
  }

  const inDirectory = <A>(directory: string, body: () => A): A => {
    try {
      return body()
    } catch (error) {
      if (!isMissing(error)) throw error
      directories.make(directory)
      return body()
    }
  }

  const writeDurably = <A>(call: Call, bytes: Uint8Array, place: Place<A>): Promise<A> => {
    const path = pathOf(call.key)
    return directories.use(dirname(path), call, async (directory) => {
      folder.assertPresent(call.operation, call.key)
      const temp = await temps.write(bytes)
      let synced: Promise<void>
      let answer: A
      try {
        answer = place(temp, path)
        call.applied = true
        synced = disk.fsync(directory.fd)
      } catch (error) {
        if (isMissing(error)) directories.forget(dirname(path))
        throw error
      } finally {
        // While the directory is being synced: the temp name is no longer needed, whatever has happened.
        temps.discard(temp.path)
        disk.close(temp.fd)
      }
      await synced
      return answer
    })
  }

  const create = async (call: Call, bytes: Uint8Array): Promise<'created' | 'exists'> => {
    const answer = await write(call, bytes, (temp, path) => {
      try {
        disk.link(temp.path, path)
        return 'created' as const
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error
        if (statObject(path) === undefined) refuse(call.key, 'it holds further objects, and cannot be one')
        // The directory is synced all the same: what the caller reads next has to be durable, and the winner may not
        // have come to it yet, or have died.
        return 'exists' as const
      }
    })
    reads.markDurable(call.key)
    return answer
  }

  const replace = (call: Call, bytes: Uint8Array, isAsExpected: (current: fs.BigIntStats | undefined) => boolean) =>
    write(call, bytes, (temp, path) =>
      // Looking at the current object and replacing it is one step among all processes.
      lock.exclusively(() => {
        const current = statObject(path)
        if (!isAsExpected(current)) return false
        stampAfter(temp.fd, current)
        disk.rename(temp.path, path)
        return true
      }),
    )

  const remove = async (call: Call, keys: ReadonlyArray<string>): Promise<void> => {
    folder.assertPresent(call.operation, call.key)
    const touched = new Set<string>()
    for (let done = 0; done < keys.length; done += deletesPerTurn) {
      lock.exclusively(() => {
        for (const key of keys.slice(done, done + deletesPerTurn)) {
          const path = pathOf(key)
          if (statObject(path) === undefined) continue
          disk.unlink(path)
          call.applied = true
          touched.add(dirname(path))
        }
      })
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const directory of touched) await directories.sync(directory)
  }

  return {
    get: (key, range) =>
      step('get', key, async () => {
        checkKey(key)
        if (range !== undefined) checkRange(key, range)
        return reads.get(key, pathOf(key), range)
      }),

    head: (key) =>
      step('head', key, async () => {
        checkKey(key)
        return reads.head(key, pathOf(key))
      }),

    createIfAbsent: (key, bytes) =>
      step('create', key, async (call) => {
        checkKey(key)
        return create(call, bytes)
      }),

    replaceIfMatch: (key, bytes, etag) =>
      step('replace', key, async (call) => {
        checkKey(key)
        const isSame = (current: fs.BigIntStats | undefined): boolean =>
          current !== undefined && etagOf(current) === etag
        folder.assertPresent('replace', key)
        if (!isSame(statObject(pathOf(key)))) return 'mismatch'
        return (await replace(call, bytes, isSame)) ? 'replaced' : 'mismatch'
      }),

    put: (key, bytes) =>
      step('put', key, async (call) => {
        checkKey(key)
        await replace(call, bytes, () => true)
      }),

    list: (prefix, { after, limit }) =>
      step('list', prefix, async () => {
        checkPrefix(prefix)
        checkLimit(limit)
        return list(prefix, after, limit)
      }),

    delete: (keys) =>
      step('delete', keys[0] ?? '', async (call) => {
        checkDeletable(keys)
        await remove(call, keys)
      }),

    close: async () => {
      await gate.close()
      directories.close()
      reads.close()
    },
  }
}
