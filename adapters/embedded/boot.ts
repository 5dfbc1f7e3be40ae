/**
 * Whether the pointers survived: they are never synced while they are in use.
 *
 * A crash of the process is no matter, since the system still has what was written. A crash of the machine is: LMDB
 * may then be half of one state and half of another. So every process that opens the pointers leaves a marker there
 * that names the machine's boot, and removes it after it has synced and closed them. A marker of an earlier boot says
 * that the pointers cannot be trusted; the log can rebuild them.
 */
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { syncFolder } from './folder.js'
import { isOfDeadProcess, processName } from './process-name.js'
import { unless } from './storage-error.js'

/** Where there is no boot id, the time of boot is the identity, which the clock's corrections move a little. */
const bootTimeToleranceSeconds = 60

export function bootIdentity(): string {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return `t${Math.round(Date.now() / 1000 - os.uptime())}`
  }
}

const isSameBoot = (a: string, b: string): boolean =>
  a === b ||
  (/^t\d+$/.test(a) && /^t\d+$/.test(b) && Math.abs(Number(a.slice(1)) - Number(b.slice(1))) < bootTimeToleranceSeconds)

export interface Marker {
  /** Removes the marker after `close`, which syncs the pointers, has succeeded. */
  removeAfter(close: () => Promise<void>): Promise<void>
}

/**
 * Removes pointers that an earlier boot left open. Only under the store's lock, so that no process uses what this one
 * removes. Answers whether pointers were ever removed so: whatever is missing from these may be rebuilt without asking.
 */
export function removeUntrusted(pointers: string, boot: string): boolean {
  dropUntrusted(pointers, boot)
  return fs.existsSync(join(pointers, lostFile))
}

const lostFile = 'rebuilt-after-crash'

function dropUntrusted(pointers: string, boot: string): void {
  const aside = `${pointers}.lost`
  // Of an earlier removal that did not come to its end.
  fs.rmSync(aside, { recursive: true, force: true })
  const isLost = markersIn(pointers).some((name) => {
    const marked = readMarker(join(pointers, openFolder, name))
    return marked !== undefined && !isSameBoot(marked, boot)
  })
  if (!isLost) return
  // In one step: if this process dies while deleting, nobody must find the pointers without their markers.
  fs.renameSync(pointers, aside)
  fs.mkdirSync(pointers)
  fs.writeFileSync(join(pointers, lostFile), '', { flush: true })
  fs.rmSync(aside, { recursive: true, force: true })
}

const openFolder = 'open'

/** Says durably that this process has the pointers open. */
export function placeMarker(pointers: string, boot: string): Marker {
  const folder = join(pointers, openFolder)
  unless('EEXIST', () => fs.mkdirSync(folder), undefined)
  const path = join(folder, processName())
  // Renamed when it is whole: a process that dies while it writes must not leave a marker that names no boot, for which
  // the pointers would be removed under those who use them. The store's lock makes this name ours alone.
  const unnamed = join(pointers, 'marker')
  fs.writeFileSync(unnamed, boot, { flush: true })
  fs.renameSync(unnamed, path)
  for (const each of [folder, pointers]) syncFolder(each)

  // Syncing our writes syncs those of processes of this boot that died before. Other boots are not ours to judge.
  const isDone = (name: string): boolean =>
    isOfDeadProcess(name) && isSameBoot(readMarker(join(folder, name)) ?? '', boot)

  return {
    removeAfter: async (close) => {
      const done = markersIn(pointers).filter(isDone)
      await close()
      for (const each of [path, ...done.map((name) => join(folder, name))]) {
        unless('ENOENT', () => fs.unlinkSync(each), undefined)
      }
    },
  }
}

const markersIn = (pointers: string): ReadonlyArray<string> =>
  unless('ENOENT', () => fs.readdirSync(join(pointers, openFolder)), [])

/** The boot that a marker names, unless its process has removed it meanwhile. A damaged marker names none. */
const readMarker = (path: string): string | undefined =>
  unless('ENOENT', () => fs.readFileSync(path, 'utf8').trim(), undefined)
