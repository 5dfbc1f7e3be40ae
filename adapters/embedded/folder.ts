/**
 * The folder of an embedded store, and who may be in it.
 *
 *     annals.json   what this folder is
 *     objects/      the objects, one file each: the truth, and all that a backup needs besides annals.json
 *     pointers/     LMDB: can be rebuilt from the objects
 *     tmp/          objects that are being written
 *     lock/         LMDB as a lock: holds nothing
 *     bell/         touched to wake other processes
 */
import fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { annalsError } from '../../domain/error.js'
import { storeManifestKey } from '../../domain/keys.js'
import { errnoOf, unless } from './storage-error.js'

export interface Folder {
  readonly root: string
  readonly objects: string
  readonly pointers: string
  readonly tmp: string
  readonly lock: string
  readonly bell: string
  /** Throws if the folder was removed or replaced since it was opened, so that "no such object" is never a guess. */
  assertPresent(operation: string, key: string): void
  close(): void
}

const ownFolders = ['objects', 'pointers', 'tmp', 'lock', 'bell'] as const

/** Left by others where a store may still be created: an empty volume is not always quite empty. */
const harmless: ReadonlySet<string> = new Set(['lost+found', 'pointers.lost', ...ownFolders])

/** Opens the folder, or with `create` makes it of nothing. Throws typed errors and errors of the system. */
export function openFolder(path: string, create: boolean): Folder {
  const root = resolve(path)
  if (!isThere(root)) {
    if (!create) notAStore(root, 'the folder does not exist; check the path, or ask to create the store')
    createDurably(root)
  }
  if (!isStore(root) && !create) notAStore(root, 'it is an empty folder; check the path, or ask to create the store')
  const [objects, pointers, tmp, lock, bell] = ownFolders.map((name) => join(root, name)) as [
    string,
    string,
    string,
    string,
    string,
  ]
  for (const folder of [objects, pointers, tmp, lock, bell]) makeFolder(folder)
  syncFolder(root)
  return { root, objects, pointers, tmp, lock, bell, ...unlessReplaced(root, objects) }
}

/** Held open, so that no folder that replaces it can get its inode number. */
export function unlessReplaced(root: string, objects: string): Pick<Folder, 'assertPresent' | 'close'> {
  const fd = fs.openSync(objects, 'r')
  const opened = fs.fstatSync(fd)
  return {
    close: () => fs.closeSync(fd),
    assertPresent: (operation, key) => {
      const now = fs.statSync(objects, { throwIfNoEntry: false })
      if (now?.ino === opened.ino && now.dev === opened.dev) return
      throw annalsError('Unavailable', {
        operation,
        key,
        cause: `the folder ${root} was removed or replaced while the store was open; reopen the store`,
      })
    },
  }
}

function isThere(root: string): boolean {
  const stats = unless('ENOTDIR', () => fs.statSync(root, { throwIfNoEntry: false }), 'file' as const)
  if (stats === undefined) return false
  if (stats === 'file' || !stats.isDirectory()) notAStore(root, 'it is, or is inside, a file; name a folder')
  return true
}

/** Whether the folder is a store already. One that is neither a store nor free for one is refused. */
function isStore(root: string): boolean {
  const names = fs.readdirSync(root)
  if (names.includes(storeManifestKey)) return true
  const foreign = names.find((name) => !harmless.has(name))
  if (foreign !== undefined) {
    notAStore(root, `it holds other files (${foreign}) and no ${storeManifestKey}; name an empty folder`)
  }
  // Our own folders without a manifest are a creation that was interrupted, but only as long as they hold no object.
  if (names.includes('objects') && fs.readdirSync(join(root, 'objects')).length > 0) {
    // Objects come after the manifest: if another process has just made the store, the manifest is there by now.
    if (fs.existsSync(join(root, storeManifestKey))) return true
    notAStore(root, `it holds objects, but ${storeManifestKey} is missing; restore that file from a backup`)
  }
  return false
}

/**
 * Makes a folder and those above it that are missing, and syncs the way down: a new folder is durable only when the one
 * that holds it was synced. Not by `mkdir` with `recursive`, which never returns where a file system refuses with ENOENT.
 */
export function createDurably(root: string): void {
  if (fs.existsSync(root)) return
  createDurably(dirname(root))
  makeFolder(root)
  syncFolder(dirname(root))
}

const makeFolder = (path: string): void => unless('EEXIST', () => fs.mkdirSync(path), undefined)

export function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r')
  try {
    fs.fsyncSync(fd)
  } catch (error) {
    // A file system that knows no sync of folders answers EINVAL, a read-only one EROFS: both have nothing to sync.
    if (!['EINVAL', 'EROFS'].includes(errnoOf(error) ?? '')) throw error
  } finally {
    fs.closeSync(fd)
  }
}

function notAStore(url: string, problem: string): never {
  throw annalsError('NotAStore', { url, problem })
}
