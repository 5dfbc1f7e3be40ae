export { blobStoreContract, type MakeBlobStore } from './blob-store.js'
export { doorbellContract, type MakeDoorbell } from './doorbell.js'
export { type MakePointerStore, pointerStoreContract } from './pointer-store.js'
export type { ContractPromise } from './promise.js'
