/**
 * A folder of plain files, one for each object, for what leaves the store: exports. Whoever opens it may read and copy the files; the
 * only other thing in it is a folder for files that are being written, which goes when it is closed.
 */
import fs from 'node:fs'
import { join, resolve } from 'node:path'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type AnnalsError, annalsError, isAnnalsError } from '../../domain/error.js'
import type { BlobPage, BlobStore } from '../../domain/ports/index.js'
import { attempt, run } from '../../domain/task.js'
import { embeddedBlobStore } from './blob-store.js'
import { type Disk, nodeDisk } from './disk.js'
import { createDurably, type Folder, unlessReplaced } from './folder.js'
import { errnoOf, storageError, unless } from './storage-error.js'
import { sweepTempFiles } from './temp-files.js'

export interface PlainFolder {
  readonly blobs: BlobStore
  close(): Promise<void>
}

const temporary = '.annals-tmp'

/** Makes the folder where there is none. */
export const openPlainFolder = (path: string, disk: Disk = nodeDisk): TaskEither<AnnalsError, PlainFolder> =>
  attempt(async () => {
    try {
      return open(resolve(path), disk)
    } catch (error) {
      if (isAnnalsError(error)) throw error
      throw storageError(error, { operation: 'open', key: path, applied: false })
    }
  })

function open(root: string, disk: Disk): PlainFolder {
  if (unless('ENOTDIR', () => fs.statSync(root, { throwIfNoEntry: false })?.isDirectory() === false, true))
    throw annalsError('InvalidInput', { what: 'folder', problem: `${root} is, or is inside, a file; name a folder` })
  createDurably(root)
  const tmp = join(root, temporary)
  unless('EEXIST', () => fs.mkdirSync(tmp), undefined)
  sweepTempFiles(tmp)
  const presence = unlessReplaced(root, root)
  const folder: Folder = { root, objects: root, pointers: '', tmp, lock: '', bell: '', ...presence }
  // Files are created, which is one step of the system, and never replaced.
  const blobs = embeddedBlobStore(folder, { exclusively: (body) => body(), close: async () => undefined }, disk)
  return {
    blobs: { ...blobs, list: (prefix, options) => attempt(() => listed(blobs, prefix, options)) },
    close: async () => {
      await blobs.close()
      presence.close()
      removeIfEmpty(tmp)
    },
  }
}

/** Without what is being written. */
async function listed(
  blobs: BlobStore,
  prefix: string,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<BlobPage> {
  const isHidden = (key: string): boolean => key.startsWith(`${temporary}/`)
  // '0' follows '/': the hidden files stand together, and what comes behind them is asked for.
  const page = await run(blobs.list(prefix, { after, limit }))
  if (!page.entries.some(({ key }) => isHidden(key))) return page
  const before = page.entries.filter(({ key }) => key < `${temporary}/`)
  if (before.length === limit) return { entries: before, more: true }
  const rest = await run(blobs.list(prefix, { after: `${temporary}0`, limit: limit - before.length }))
  return { entries: [...before, ...rest.entries], more: rest.more }
}

/** Another process may be writing there, too. */
function removeIfEmpty(folder: string): void {
  try {
    fs.rmdirSync(folder)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error
  }
}
