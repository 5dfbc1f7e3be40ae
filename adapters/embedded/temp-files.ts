/** Objects on their way: written whole and synced under `tmp/`, and then linked or renamed to their place. */
import fs from 'node:fs'
import { join } from 'node:path'
import type { Disk } from './disk.js'
import { isOfDeadProcess, processName } from './process-name.js'
import { unless } from './storage-error.js'

/** A temp file older than this belongs to nobody, whatever process made it. */
const maxTempAgeMs = 60 * 60 * 1000

export interface TempFile {
  readonly path: string
  readonly fd: number
}

export interface TempFiles {
  /**
   * Writes and syncs a new file, which the caller closes. It gets a modification time of its own in microseconds: the
   * kernel's stands still for milliseconds, in which a file replaced twice could look like the first one again.
   */
  write(bytes: Uint8Array): Promise<TempFile>
  /** The same for what need not survive a crash of the machine: without the sync. */
  writeLoosely(bytes: Uint8Array): Promise<TempFile>
  discard(path: string): void
}

export function makeTempFiles(folder: string, disk: Disk): TempFiles {
  const owner = processName()
  let count = 0

  const discard = (path: string): void => {
    // A temp file that stays is swept by a later opening; it must not turn a success into a failure.
    try {
      disk.unlink(path)
    } catch {}
  }

  const write = async (bytes: Uint8Array, isDurable: boolean): Promise<TempFile> => {
    const path = join(folder, `${owner}.${++count}`)
    const fd = disk.open(path, 'wx')
    try {
      const writing = disk.write(fd, bytes)
      if (writing !== undefined) await writing
      stampNow(fd)
      if (isDurable) await disk.fsync(fd)
      return { path, fd }
    } catch (error) {
      disk.close(fd)
      discard(path)
      throw error
    }
  }

  return { discard, write: (bytes) => write(bytes, true), writeLoosely: (bytes) => write(bytes, false) }
}

function stampNow(fd: number): void {
  const seconds = (performance.timeOrigin + performance.now()) / 1000
  fs.futimesSync(fd, seconds, seconds)
}

/** Makes sure that `fd`, which is about to replace a file, is of a later time than it. */
export function stampAfter(fd: number, replaced: { readonly mtimeNs: bigint } | undefined): void {
  if (replaced === undefined || fs.fstatSync(fd, { bigint: true }).mtimeNs > replaced.mtimeNs) return
  const seconds = Number(replaced.mtimeNs / 1_000_000n + 1n) / 1000
  fs.futimesSync(fd, seconds, seconds)
}

/** Removes what processes that ended have left behind. */
export function sweepTempFiles(folder: string): void {
  const oldest = Date.now() - maxTempAgeMs
  for (const name of fs.readdirSync(folder)) {
    const path = join(folder, name)
    const stats = fs.statSync(path, { throwIfNoEntry: false })
    if (stats === undefined || (stats.mtimeMs >= oldest && !isOfDeadProcess(name))) continue
    unless('ENOENT', () => fs.unlinkSync(path), undefined)
  }
}
