/** What verification works on, and what it can find: a closed set, so that an operator's script can tell them apart. */
import type { BlobStore, Clock, PointerStore } from '../../domain/ports/index.js'
import type { EventLookup } from '../../projections/objects/index.js'
import type { LogReader } from '../read/log-reader.js'

export interface VerifyDeps {
  readonly tenant: string
  readonly shards: number
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly log: LogReader
  readonly lookup: EventLookup
}

export interface Difference {
  readonly kind: DifferenceKind
  /** The object or the item. */
  readonly key: string
  readonly problem: string
}

export type DifferenceKind =
  | 'commit-missing'
  | 'commit-damaged'
  | 'chain-broken'
  | 'version-order'
  | 'body-damaged'
  | 'blob-missing'
  | 'pointer-missing'
  | 'pointer-different'
  | 'pointer-extra'
  | 'head-missing'
  | 'head-behind'
  | 'head-ahead'
  | 'head-different'
  | 'projection-mismatch'
  | 'index-missing'
  | 'index-different'
  | 'index-extra'
  | 'count-different'
  | 'object-missing'
  | 'object-different'
  | 'object-stale'
  | 'object-extra'

/** Hears of a difference. */
export type Found = (kind: DifferenceKind, key: string, problem: string) => void
