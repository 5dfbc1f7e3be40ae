/** Files and folders that nobody but their owner may read. */
import fs from 'node:fs'
import { annalsError } from '../../domain/error.js'
import { type Disk, nodeDisk } from './disk.js'

const folderMode = 0o700
const fileMode = 0o600

/** What it makes is private from the first moment: a mode set afterwards would come too late. */
export const privateDisk: Disk = {
  ...nodeDisk,
  open: (path, flags) => fs.openSync(path, flags, fileMode),
  mkdir: (path) => fs.mkdirSync(path, folderMode),
}

/** Refuses what others than the owner may use. Windows has other means, and its modes say nothing. */
export function assertPrivate(path: string, stats: fs.Stats, operation: string, key: string): void {
  if (process.platform === 'win32' || (stats.mode & 0o077) === 0) return
  const mode = (stats.mode & 0o777).toString(8)
  const wanted = (stats.isDirectory() ? folderMode : fileMode).toString(8)
  const cause = `others may use ${path}, whose mode is ${mode}: consider what it holds as known, and chmod it to ${wanted}`
  throw annalsError('StorageRefused', { operation, key, cause })
}

/** The whole of a private file. */
export function readPrivate(path: string, operation: string, key: string): Buffer {
  const fd = fs.openSync(path, 'r')
  try {
    assertPrivate(path, fs.fstatSync(fd), operation, key)
    return fs.readFileSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
