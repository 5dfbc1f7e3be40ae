/** What a caller asks of a Bundle, and hears of it. */
import type { EntryResponse } from '../../domain/fhir/bundle/response.js'
import type { Permission } from '../../domain/fhir/permission.js'
import type { BodyInput, WriteOptions } from '../api.js'

export interface BundleOptions extends WriteOptions {
  /** The base of the server, such as `http://localhost:8080/fhir`: URLs of entries may begin with it, and those in answers do. */
  readonly base?: string
  /** More are a `LimitExceeded` (default: as many as a transaction may have). */
  readonly maxEntries?: number
  /** `representation`: the answer holds what was written, too (default: only what was read). */
  readonly return?: 'minimal' | 'representation'
  /**
   * A Provenance without a target: it is written in the same transaction as what it is about, and its targets are the versions that
   * are written there (of a deletion, the version that is deleted). Where nothing is written, there is none. In a batch every entry that
   * writes has one of its own.
   */
  readonly provenance?: BodyInput
  /**
   * Whether the caller may do that with resources of a type (default: everything). It is asked for every interaction, and for what
   * its conditions look up, before that is looked up and before anything is written; `false` is a `Forbidden`: of the entry in a
   * batch, of the whole in a transaction. What a patch has made is shown only to those who may read it.
   */
  permit?(permission: Permission, type: string): boolean
}

/** One interaction by itself, as FHIR's RESTful API and the entries of its Bundles have it. */
export interface InteractionRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `Type`, `Type/id`, `Type/id/_history/version` or `Type?condition`. */
  readonly url: string
  /** A resource; of `PATCH`, a JSON Patch or a FHIRPath Patch. */
  readonly body?: BodyInput
  /** Versions as entity tags, such as `W/"3"` or `W/"3", W/"4"`; `*`: any that there is. */
  readonly ifMatch?: string
  /** Of `PUT`: `*`, only if there is none. */
  readonly ifNoneMatch?: string
  /** A condition, such as `identifier=123`. */
  readonly ifNoneExist?: string
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
