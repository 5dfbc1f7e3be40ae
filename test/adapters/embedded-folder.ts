import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { type EmbeddedAdapters, type EmbeddedOptions, openEmbedded } from '../../adapters/embedded/index.js'
import { run } from '../../domain/task.js'

/** Folders and stores of one test file, closed and removed at its end. */
export function makeFolders() {
  const root = fs.mkdtempSync(join(os.tmpdir(), 'annals-'))
  const stores: EmbeddedAdapters[] = []
  let count = 0

  const folder = (): string => join(root, String(++count))
  const open = async (path = folder(), options: EmbeddedOptions = {}): Promise<EmbeddedAdapters> => {
    const store = await run(openEmbedded(path, { create: true, ...options }))
    stores.push(store)
    return store
  }
  /** As the application opens it: the first thing in a new folder is its manifest. */
  const openStore = async (path = folder(), options: EmbeddedOptions = {}): Promise<EmbeddedAdapters> => {
    const store = await open(path, options)
    await run(store.blobs.createIfAbsent('annals.json', Buffer.from('{}')))
    return store
  }
  const removeAll = async (): Promise<void> => {
    for (const store of stores) await store.close()
    fs.rmSync(root, { recursive: true, force: true })
  }
  return { folder, open, openStore, removeAll }
}
