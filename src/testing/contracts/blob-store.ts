/** What every `BlobStore` promises. */
import type { BlobStore } from '../../../domain/ports/index.js'
import { blobListContract } from './blob-store-lists.js'
import { blobReadContract } from './blob-store-reads.js'
import { blobWriteContract } from './blob-store-writes.js'
import type { ContractPromise } from './promise.js'

export type MakeBlobStore = () => Promise<BlobStore>

export const blobStoreContract: ReadonlyArray<ContractPromise<MakeBlobStore>> = [
  ...blobReadContract,
  ...blobWriteContract,
  ...blobListContract,
]
