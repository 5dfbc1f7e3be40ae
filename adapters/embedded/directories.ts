/**
 * Directories whose names are known to be durable.
 *
 * A file survives a crash of the machine only if every directory above it does, and each of those is durable once the
 * directory that holds it was synced. Another process may have made a directory and not come to syncing it, so that a
 * process syncs the way down by itself when it first uses a directory, new or not.
 */
import fs from 'node:fs'
import { dirname } from 'node:path'
import type { Disk } from './disk.js'
import { type FdCache, type Handle, makeFdCache } from './fd-cache.js'
import type { Folder } from './folder.js'
import { type Call, errnoOf, unless } from './storage-error.js'

/** The log's directory stays among them, whatever else is written. */
const maxOpenDirectories = 128

export interface Directories {
  /** Runs `body` with a descriptor of the durable directory `path`, made if need be. */
  use<A>(path: string, call: Call, body: (directory: Handle<null>) => Promise<A>): Promise<A>
  /** Makes a directory and those above it that are missing. Not durably: for what need not survive the machine. */
  make(path: string): void
  /** Syncs the entries of a directory that must exist. */
  sync(path: string): Promise<void>
  /** After a directory was found missing: the next use makes it again. */
  forget(path: string): void
  close(): void
}

export function makeDirectories(folder: Folder, disk: Disk): Directories {
  const open: FdCache<null> = makeFdCache(maxOpenDirectories, disk.close)

  const acquire = async (path: string, call: Call): Promise<Handle<null>> => {
    const known = open.acquire(path)
    if (known !== undefined) return known
    // Opening the store made the root and its objects/ durable. If they are gone, they are never made again.
    if (path === folder.root || path === folder.objects) {
      folder.assertPresent(call.operation, call.key)
    } else {
      const parent = await acquire(dirname(path), call)
      try {
        unless('EEXIST', () => disk.mkdir(path), undefined)
        await disk.fsync(parent.fd)
      } finally {
        open.release(parent)
      }
    }
    return open.adopt(path, disk.open(path, 'r'), null)
  }

  return {
    use: async (path, call, body) => {
      const directory = await acquire(path, call)
      try {
        return await body(directory)
      } finally {
        open.release(directory)
      }
    },

    make: (path) => {
      const missing: string[] = []
      for (let above = path; above.length > folder.objects.length && !isThere(above); above = dirname(above))
        missing.push(above)
      for (const each of missing.reverse()) unless('EEXIST', () => disk.mkdir(each), undefined)
    },

    sync: async (path) => {
      const directory = open.acquire(path) ?? open.adopt(path, disk.open(path, 'r'), null)
      try {
        await disk.fsync(directory.fd)
      } finally {
        open.release(directory)
      }
    },

    forget: (path) => {
      for (let above = path; above.length > folder.objects.length; above = dirname(above)) open.forget(above)
    },

    close: open.close,
  }
}

const isThere = (path: string): boolean => fs.statSync(path, { throwIfNoEntry: false }) !== undefined

/** Whether this process found a directory of the way missing. */
export const isMissing = (error: unknown): boolean => errnoOf(error) === 'ENOENT'
