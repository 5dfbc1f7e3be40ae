/** A store on one folder of one machine, shared safely by any number of its processes. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type AnnalsError, isAnnalsError } from '../../domain/error.js'
import type { BlobStore, Clock, Doorbell, PointerStore } from '../../domain/ports/index.js'
import { attempt } from '../../domain/task.js'
import { systemClock } from '../system-clock.js'
import { embeddedBlobStore } from './blob-store.js'
import { bootIdentity, type Marker, placeMarker, removeUntrusted } from './boot.js'
import { type Disk, nodeDisk } from './disk.js'
import { embeddedDoorbell, sweepBells } from './doorbell.js'
import { type Environment, openEnvironment } from './environment.js'
import { type Folder, openFolder } from './folder.js'
import { type Lock, openLock } from './lock.js'
import { embeddedPointerStore } from './pointer-store.js'
import { storageError } from './storage-error.js'
import { sweepTempFiles } from './temp-files.js'

export interface EmbeddedOptions {
  /** Makes the store if the folder is missing or empty; a folder that holds anything else is never taken. */
  readonly create?: boolean
  readonly clock?: Clock
  /** For tests: the machine's boot, and the calls that write. */
  readonly boot?: string
  readonly disk?: Disk
}

export interface EmbeddedAdapters {
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly doorbell: Doorbell
  /** The machine crashed with pointers open, so they were removed: what is missing may be rebuilt without asking. */
  readonly pointersLost: boolean
  /** Waits for the calls in flight, makes the pointers durable and frees everything. Never fails; repeatable. */
  close(): Promise<void>
}

export const openEmbedded = (path: string, options: EmbeddedOptions = {}): TaskEither<AnnalsError, EmbeddedAdapters> =>
  attempt(async () => {
    try {
      return await open(path, options)
    } catch (error) {
      if (isAnnalsError(error)) throw error
      throw storageError(error, { operation: 'open', key: path, applied: false })
    }
  })

async function open(path: string, options: EmbeddedOptions): Promise<EmbeddedAdapters> {
  const { create = false, clock = systemClock, boot = bootIdentity(), disk = nodeDisk } = options
  const folder = openFolder(path, create)
  const { lock, environment, marker, pointersLost } = await openParts(folder, boot)
  const blobs = embeddedBlobStore(folder, lock, disk)
  const pointers = embeddedPointerStore(environment, lock, clock)
  const doorbell = embeddedDoorbell(folder.bell)

  const closeAll = async (): Promise<void> => {
    doorbell.close()
    await Promise.all([blobs.close(), pointers.close()])
    // If the pointers cannot be made durable, their marker stays and says so.
    await marker.removeAfter(environment.closeDurably).catch(() => undefined)
    await lock.close()
    folder.close()
  }
  let closing: Promise<void> | undefined

  return {
    blobs,
    pointers,
    doorbell,
    pointersLost,
    close: () => {
      closing ??= closeAll()
      return closing
    },
  }
}

interface Parts {
  readonly lock: Lock
  readonly environment: Environment
  readonly marker: Marker
  readonly pointersLost: boolean
}

async function openParts(folder: Folder, boot: string): Promise<Parts> {
  let lock: Lock | undefined
  try {
    sweepTempFiles(folder.tmp)
    sweepBells(folder.bell)
    lock = openLock(folder.lock)
    // One process at a time: what one removes, no other may just be opening.
    const pointers = lock.exclusively(() => {
      const pointersLost = removeUntrusted(folder.pointers, boot)
      const marker = placeMarker(folder.pointers, boot)
      return { environment: openEnvironment(folder.pointers), marker, pointersLost }
    })
    return { lock, ...pointers }
  } catch (error) {
    await lock?.close()
    folder.close()
    throw error
  }
}
