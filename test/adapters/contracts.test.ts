import { afterAll, describe, test } from 'vitest'
import { memoryBlobStore, memoryDoorbell, memoryPointerStore } from '../../adapters/memory/index.js'
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
