/** Keys in ascending byte order, from the directories that can hold them. */
import fs from 'node:fs'
import { join } from 'node:path'
import { storeManifestKey } from '../../domain/keys.js'
import type { BlobPage } from '../../domain/ports/index.js'
import { compareUtf8 } from '../utf8-order.js'
import type { Folder } from './folder.js'
import { unless } from './storage-error.js'

/** From this many names on, the last directory read is kept, so that paging through it does not read it each time. */
const largeDirectory = 1000

/** A directory's time of change stands still for milliseconds: only one that is old enough proves that nothing changed. */
const settledMs = 1000

interface Names {
  readonly directory: string
  readonly mtimeNs: bigint
  /** Directories end in a slash, so that names sort as the keys do: `a-b` before `a/b`. */
  readonly names: ReadonlyArray<string>
}

interface Walk {
  readonly prefix: string
  readonly after: string
  readonly limit: number
  readonly entries: Array<{ key: string; size: number }>
  more: boolean
}

export type List = (prefix: string, after: string | undefined, limit: number) => Promise<BlobPage>

export function makeListing(folder: Folder): List {
  let last: Names | undefined

  const namesOf = async (directory: string): Promise<ReadonlyArray<string>> => {
    const stats = unless('ENOTDIR', () => fs.statSync(directory, { bigint: true, throwIfNoEntry: false }), undefined)
    if (stats === undefined || !stats.isDirectory()) return []
    const { mtimeNs } = stats
    if (last?.directory === directory && last.mtimeNs === mtimeNs) return last.names
    const isSettled = Date.now() - Number(mtimeNs / 1_000_000n) > settledMs
    const found = await fs.promises.readdir(directory, { withFileTypes: true })
    const names = found.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    if (directory === folder.objects && fs.existsSync(join(folder.root, storeManifestKey))) names.push(storeManifestKey)
    names.sort(compareUtf8)
    if (isSettled && names.length >= largeDirectory) last = { directory, mtimeNs, names }
    return names
  }

  const walk = async (above: string, page: Walk): Promise<void> => {
    for (const name of await namesOf(join(folder.objects, above))) {
      const key = above + name
      const isFolder = name.endsWith('/')
      if (!key.startsWith(page.prefix)) continue
      if (isFolder) {
        // Every key below a folder starts with its name: so one comparison rules the whole of it in or out.
        if (compareUtf8(key, page.after) > 0 || page.after.startsWith(key)) await walk(key, page)
      } else if (compareUtf8(key, page.after) > 0) {
        const path = key === storeManifestKey ? join(folder.root, key) : join(folder.objects, key)
        const stats = fs.statSync(path, { throwIfNoEntry: false })
        if (stats === undefined) continue
        if (page.entries.length === page.limit) page.more = true
        else page.entries.push({ key, size: stats.size })
      }
      if (page.more) return
    }
  }

  return async (prefix, after, limit) => {
    const page: Walk = { prefix, after: after ?? '', limit, entries: [], more: false }
    await walk(prefix.slice(0, prefix.lastIndexOf('/') + 1), page)
    folder.assertPresent('list', prefix)
    return { entries: page.entries, more: page.more }
  }
}
