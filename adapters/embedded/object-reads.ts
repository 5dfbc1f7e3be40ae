/** Reading objects: from descriptors that stay open for write-once keys, and afresh for all others. */
import fs from 'node:fs'
import { dirname } from 'node:path'
import { isWriteOnce } from '../../domain/keys.js'
import type { Blob, BlobInfo, ByteRange } from '../../domain/ports/index.js'
import type { Directories } from './directories.js'
import { type FdCache, type Handle, makeFdCache } from './fd-cache.js'
import type { Folder } from './folder.js'
import { errnoOf } from './storage-error.js'

export const maxOpenObjects = 256

/**
 * Up to this size a read is synchronous: 2 µs from the page cache instead of 40 µs through the thread pool. A read
 * that has to go to the device holds the process up for as long as the device takes, 0.1 ms on a solid-state disk.
 */
const maxSyncReadBytes = 64 * 1024

/** A directory entry younger than this may not be durable yet: its writer may be about to sync it, or have died. */
const youngMs = 60_000

/** How many keys are remembered that need no second look at their durability. */
const maxKnownDurable = 4096

export interface ObjectReads {
  get(key: string, path: string, range: ByteRange | undefined): Promise<Blob | undefined>
  head(key: string, path: string): Promise<BlobInfo | undefined>
  /** This process has synced the directory since the object was linked there. */
  markDurable(key: string): void
  close(): void
  readonly openObjects: number
}

export function makeObjectReads(folder: Folder, directories: Directories): ObjectReads {
  const opened: FdCache<BlobInfo> = makeFdCache(maxOpenObjects, fs.closeSync)
  const durable = new Set<string>()

  /** Looks afterwards whether the folder is still the one that was opened: another's objects are none of ours. */
  const open = (key: string, path: string): number | undefined => {
    const fd = openObject(path)
    try {
      folder.assertPresent('get', key)
      return fd
    } catch (error) {
      if (fd !== undefined) fs.closeSync(fd)
      throw error
    }
  }

  const markDurable = (key: string): void => {
    durable.add(key)
    if (durable.size > maxKnownDurable) for (const oldest of durable) return void durable.delete(oldest)
  }

  // Whoever reads a commit acts on it: so it has to be one that a crash of the machine cannot take back.
  const ensureDurable = async (key: string, path: string, stats: fs.BigIntStats): Promise<void> => {
    if (durable.has(key) || Date.now() - Number(stats.ctimeNs / 1_000_000n) > youngMs) return
    await directories.sync(dirname(path))
    markDurable(key)
  }

  const acquire = async (key: string, path: string): Promise<Handle<BlobInfo> | undefined> => {
    const known = opened.acquire(key)
    if (known !== undefined) {
      if (fs.fstatSync(known.fd).nlink > 0) return known
      // Replaced or removed by hand, a redaction for example: the name leads elsewhere now.
      opened.forget(key)
      opened.release(known)
    }
    const fd = open(key, path)
    if (fd === undefined) return undefined
    try {
      const stats = fs.fstatSync(fd, { bigint: true })
      if (!stats.isFile()) return void fs.closeSync(fd)
      await ensureDurable(key, path, stats)
      return opened.adopt(key, fd, { size: Number(stats.size), etag: etagOf(stats) })
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
  }

  const getWriteOnce = async (key: string, path: string, range: ByteRange | undefined): Promise<Blob | undefined> => {
    const handle = await acquire(key, path)
    if (handle === undefined) return undefined
    try {
      const { size, etag } = handle.value
      const reading = read(handle.fd, size, range)
      return { bytes: reading instanceof Promise ? await reading : reading, etag }
    } finally {
      opened.release(handle)
    }
  }

  return {
    markDurable,
    close: opened.close,
    get openObjects() {
      return opened.size
    },

    get: async (key, path, range) => {
      if (isWriteOnce(key)) return getWriteOnce(key, path, range)
      const fd = open(key, path)
      if (fd === undefined) return undefined
      try {
        const stats = fs.fstatSync(fd, { bigint: true })
        if (!stats.isFile()) return undefined
        return { bytes: await read(fd, Number(stats.size), range), etag: etagOf(stats) }
      } finally {
        fs.closeSync(fd)
      }
    },

    head: async (key, path) => {
      const stats = statObject(path)
      folder.assertPresent('head', key)
      if (stats === undefined) return undefined
      if (isWriteOnce(key)) await ensureDurable(key, path, stats)
      return { size: Number(stats.size), etag: etagOf(stats) }
    },
  }
}

export const etagOf = (stats: fs.BigIntStats): string =>
  `"${stats.ino.toString(36)}-${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}"`

/** The file of an object. A directory is none, and nor is what would lie inside a file. */
export function statObject(path: string): fs.BigIntStats | undefined {
  try {
    const stats = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
    return stats?.isFile() === true ? stats : undefined
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function openObject(path: string): number | undefined {
  try {
    return fs.openSync(path, 'r')
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

function read(fd: number, size: number, range: ByteRange | undefined): Uint8Array | Promise<Uint8Array> {
  const start = range?.start ?? 0
  const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(range?.end ?? size, size) - start))
  if (bytes.length > maxSyncReadBytes) return readLarge(fd, bytes, start)
  for (let done = 0; done < bytes.length; ) {
    const count = fs.readSync(fd, bytes, done, bytes.length - done, start + done)
    if (count === 0) return bytes.subarray(0, done)
    done += count
  }
  return bytes
}

async function readLarge(fd: number, bytes: Buffer, start: number): Promise<Uint8Array> {
  for (let done = 0; done < bytes.length; ) {
    const count = await new Promise<number>((resolve, reject) => {
      fs.read(fd, bytes, done, bytes.length - done, start + done, (error, read) =>
        error === null ? resolve(read) : reject(error),
      )
    })
    if (count === 0) return bytes.subarray(0, done)
    done += count
  }
  return bytes
}
