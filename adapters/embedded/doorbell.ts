/**
 * Rings in this process at once, and in others through files that are touched: each process touches its own under
 * `bell/` and watches the others'. Where the system can watch no more files, the listeners' slow poll remains.
 */
import fs from 'node:fs'
import { join } from 'node:path'
import { Observable, Subject } from 'rxjs'
import type { Doorbell, Ring } from '../../domain/ports/index.js'
import { isOfDeadProcess, processName } from './process-name.js'

/** Rings of other processes that come within this time are one. */
const coalesceMs = 2

export interface EmbeddedDoorbell extends Doorbell {
  close(): void
}

export function embeddedDoorbell(folder: string): EmbeddedDoorbell {
  const rings = new Subject<Ring>()
  const ownFile = processName()
  let watcher: fs.FSWatcher | undefined
  let listeners = 0
  let isTouchDue = false
  let isRingDue = false
  let fd: number | undefined
  let isClosed = false

  const touch = (): void => {
    isTouchDue = false
    if (isClosed) return
    try {
      fd ??= fs.openSync(join(folder, ownFile), 'w')
      const now = new Date()
      fs.futimesSync(fd, now, now)
    } catch {
      // A bell may fail: listeners poll.
    }
  }

  const onChange = (_event: string, file: string | null): void => {
    if (file === ownFile || isRingDue) return
    isRingDue = true
    setTimeout(() => {
      isRingDue = false
      rings.next({ log: '*', seq: 0 })
    }, coalesceMs).unref()
  }

  const startWatching = (): void => {
    if (listeners++ > 0 || isClosed) return
    try {
      watcher = fs.watch(folder, { persistent: false }, onChange)
      watcher.on('error', () => watcher?.close())
    } catch {
      watcher = undefined
    }
  }

  const stopWatching = (): void => {
    if (--listeners > 0) return
    watcher?.close()
    watcher = undefined
  }

  return {
    ring: (log, seq) => {
      rings.next({ log, seq })
      // Once per turn, however many commits it brought.
      if (isTouchDue || isClosed) return
      isTouchDue = true
      setImmediate(touch)
    },

    listen: () =>
      new Observable<Ring>((listener) => {
        const subscription = rings.subscribe(listener)
        startWatching()
        return () => {
          subscription.unsubscribe()
          stopWatching()
        }
      }),

    close: () => {
      if (isClosed) return
      isClosed = true
      watcher?.close()
      rings.complete()
      if (fd === undefined) return
      fs.closeSync(fd)
      fs.rmSync(join(folder, ownFile), { force: true })
    },
  }
}

/** Removes the bells of processes that ended. */
export function sweepBells(folder: string): void {
  for (const name of fs.readdirSync(folder)) {
    if (isOfDeadProcess(name)) fs.rmSync(join(folder, name), { force: true })
  }
}
