import { afterAll, describe, test } from 'vitest'
import { memoryBlobStore } from '../../adapters/memory/index.js'
import { blobStoreContract } from '../../src/testing/contracts/blob-store.js'
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
