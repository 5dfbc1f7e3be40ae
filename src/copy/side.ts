/** What a copy needs of a store. A store hides its ports from everybody but the copies of this package. */
import { annalsError } from '../../domain/error.js'
import type { BlobStore, Clock, Doorbell, Ids, PointerStore } from '../../domain/ports/index.js'
import type { VerifyOptions, VerifyReport } from '../api.js'
import type { Limits } from '../limits.js'
import type { LogReader } from '../read/log-reader.js'

export interface Ports {
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly doorbell: Doorbell
  readonly clock: Clock
  readonly ids: Ids
  readonly limits: Limits
  /** Brings the pointers of a log of a tenant that is there to its end, as whoever opens it does. */
  open(log: LogReader, shards: number): Promise<unknown>
  verify(tenant: string, options: VerifyOptions): Promise<VerifyReport>
}

/** One of the two stores of a copy. */
export interface Side extends Ports {
  /** Aborts when the store is closed. */
  readonly closing: AbortSignal
  /** The store is not closed before the copy has ended. */
  during<A>(copy: Promise<A>): Promise<A>
}

/** Its log of one tenant. */
export interface CopyLog {
  readonly side: Side
  readonly log: LogReader
}

const sides = new WeakMap<object, Side>()

/** The ports behind a store that was opened here. */
export function sideOf(store: object): Side {
  const side = sides.get(store)
  if (side !== undefined) return side
  throw annalsError('InvalidInput', { what: 'destination', problem: 'it is no store that openStore has opened' })
}

export interface Lent {
  readonly side: Side
  /** Names the store that these ports stand behind. */
  to<S extends object>(store: S): S
  /** Ends every copy that uses them. */
  end(): Promise<void>
}

export function lend(ports: Ports): Lent {
  const closing = new AbortController()
  const copies = new Set<Promise<unknown>>()
  const side: Side = {
    ...ports,
    closing: closing.signal,
    async during(copy) {
      copies.add(copy)
      try {
        return await copy
      } finally {
        copies.delete(copy)
      }
    },
  }
  return {
    side,
    to: (store) => {
      sides.set(store, side)
      return store
    },
    async end() {
      closing.abort()
      await Promise.allSettled(copies)
    },
  }
}
