/**
 * A look at an LMDB file before LMDB itself opens it: a file that is none, or that ends too early, would end the
 * process, where an error can still say what to do.
 */
import fs from 'node:fs'
import { join } from 'node:path'

/** Where the meta pages, one at the start and one a page later, keep what is looked at. Little-endian. */
const metaBytes = 160
const offsets = { magic: 24, pageSize: 48, freeRoot: 88, mainRoot: 136, transaction: 152 } as const
const magic = 0xbeefc0de
const noRoot = 0xffff_ffff_ffff_ffffn

/** What is wrong with the environment in `folder`, as far as its first pages tell. None yet is fine. */
export function damageOf(folder: string): string | undefined {
  const path = join(folder, 'data.mdb')
  // Looked at twice, because another process may be writing a meta page just now.
  return inspect(path) === undefined ? undefined : inspect(path)
}

function inspect(path: string): string | undefined {
  const size = fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0) return undefined
  const fd = fs.openSync(path, 'r')
  try {
    const first = readMeta(fd, 0)
    if (first === undefined) return 'it is no LMDB file'
    const second = readMeta(fd, first.readUInt32LE(offsets.pageSize))
    if (second === undefined) return 'its second page is damaged'
    const isNewer = second.readBigUInt64LE(offsets.transaction) > first.readBigUInt64LE(offsets.transaction)
    const newest = isNewer ? second : first
    const pages = BigInt(Math.floor(size / first.readUInt32LE(offsets.pageSize)))
    const roots = [newest.readBigUInt64LE(offsets.freeRoot), newest.readBigUInt64LE(offsets.mainRoot)]
    return roots.some((root) => root !== noRoot && root >= pages) ? 'its end is missing' : undefined
  } finally {
    fs.closeSync(fd)
  }
}

function readMeta(fd: number, position: number): Buffer | undefined {
  const meta = Buffer.alloc(metaBytes)
  const isWhole = fs.readSync(fd, meta, 0, metaBytes, position) === metaBytes
  return isWhole && meta.readUInt32LE(offsets.magic) === magic ? meta : undefined
}
