/** What every `PointerStore` promises. */
import type { Clock, PointerStore } from '../../../domain/ports/index.js'
import { pointerChangeContract } from './pointer-store-changes.js'
import { pointerExpiryContract } from './pointer-store-expiry.js'
import { pointerPrefixContract } from './pointer-store-prefixes.js'
import { pointerQueryContract } from './pointer-store-queries.js'
import { pointerReadContract } from './pointer-store-reads.js'
import type { ContractPromise } from './promise.js'

/** The clock is the one by which items expire. */
export type MakePointerStore = (clock: Clock) => Promise<PointerStore>

export const pointerStoreContract: ReadonlyArray<ContractPromise<MakePointerStore>> = [
  ...pointerReadContract,
  ...pointerQueryContract,
  ...pointerPrefixContract,
  ...pointerChangeContract,
  ...pointerExpiryContract,
]
