/** What a caller asks of a Bundle, and hears of it. */
import type { EntryResponse } from '../../domain/fhir/bundle/response.js'
import type { WriteOptions } from '../api.js'

export interface BundleOptions extends WriteOptions {
  /** `representation`: the answer holds what was written, too (default: only what was read). */
  readonly return?: 'minimal' | 'representation'
}

export interface BundleResponse {
  readonly type: 'transaction-response' | 'batch-response'
  /** Of a transaction that wrote something: `{commit}-{index}`. */
  readonly transaction?: string
  /** In the order of the request. */
  readonly entries: ReadonlyArray<EntryResponse>
  /** The answer as a FHIR Bundle. */
  bytes(): Uint8Array
}
