import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { afterAll, describe, test } from 'vitest'
import { openPlainFolder } from '../../adapters/embedded/plain-folder.js'
import { memoryBlobStore, memoryDoorbell, memoryPointerStore } from '../../adapters/memory/index.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { blobStoreContract, doorbellContract, pointerStoreContract } from '../../src/testing/contracts/index.js'
import { makeFolders } from './embedded-folder.js'

const folders = makeFolders()
afterAll(folders.removeAll)

describe('blobs in memory', () => {
  for (const { promise, check } of blobStoreContract) test(promise, () => check(async () => memoryBlobStore()))
})

describe('blobs in a folder', () => {
  for (const { promise, check } of blobStoreContract) {
    test(promise, () => check(async () => (await folders.open()).blobs))
  }
})

describe('blobs as plain files in a folder', () => {
  for (const { promise, check } of blobStoreContract)
    test(promise, () => check(async () => (await run(openPlainFolder(folders.folder()))).blobs))
})

/** The same folder, seen from the room of the object model: what stands there is written without a sync. */
const projected = (blobs: BlobStore): BlobStore => {
  const room = 't/resources/'
  return {
    ...blobs,
    get: (key, range) => blobs.get(room + key, range),
    head: (key) => blobs.head(room + key),
    createIfAbsent: (key, bytes) => blobs.createIfAbsent(room + key, bytes),
    replaceIfMatch: (key, bytes, etag) => blobs.replaceIfMatch(room + key, bytes, etag),
    put: (key, bytes) => blobs.put(room + key, bytes),
    delete: (keys) => blobs.delete(keys.map((key) => room + key)),
    list: (prefix, { after, limit }) =>
      pipe(
        blobs.list(room + prefix, { limit, ...(after !== undefined && { after: room + after }) }),
        TE.map(({ entries, more }) => ({
          entries: entries.map(({ key, size }) => ({ key: key.slice(room.length), size })),
          more,
        })),
      ),
  }
}

describe('projected objects in a folder', () => {
  for (const { promise, check } of blobStoreContract) {
    // No object there is write-once.
    if (promise.startsWith('commits and large bodies are never deleted')) continue
    test(promise, () => check(async () => projected((await folders.open()).blobs)))
  }
})

describe('pointers in memory', () => {
  for (const { promise, check } of pointerStoreContract) {
    test(promise, () => check(async (clock) => memoryPointerStore({ clock })))
  }
})

describe('pointers in LMDB', () => {
  for (const { promise, check } of pointerStoreContract) {
    test(promise, () => check(async (clock) => (await folders.open(undefined, { clock })).pointers))
  }
})

describe('doorbell in memory', () => {
  const make = async () => {
    const bell = memoryDoorbell()
    return { here: bell, there: bell }
  }
  for (const { promise, check } of doorbellContract) test(promise, () => check(make))
})

describe('doorbell of a folder', () => {
  const make = async () => {
    const path = folders.folder()
    return { here: (await folders.open(path)).doorbell, there: (await folders.open(path)).doorbell }
  }
  for (const { promise, check } of doorbellContract) test(promise, () => check(make))
})
