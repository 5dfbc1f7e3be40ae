/** Exports: what callers say and hear. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../../../domain/error.js'
import type { Outcome } from '../../../domain/fhir/outcome.js'
import type { ByteRange } from '../../../domain/ports/index.js'

export interface ExportOptions {
  /** Default: a UUID. The same id with the same options is the same export, and not a second one. */
  readonly id?: string
  /** Who asks for it. */
  readonly actor?: string
  /**
   * `system` (default): everything. `patient`: what belongs to patients, by the Patient compartments of FHIR 4.0.1; of a group, what
   * belongs to its members at the snapshot, those of the groups in it included.
   */
  readonly level?: 'system' | 'patient' | { readonly group: string }
  /** Only what belongs to these patients, by their ids; they have to be there, and members of the group if there is one. */
  readonly patients?: ReadonlyArray<string>
  /** References that begin with this URL are to resources of the tenant, as relative ones are. */
  readonly base?: string
  /** Only these types (default: all). */
  readonly types?: ReadonlyArray<string>
  /**
   * `Type?query` with `_id`, `identifier`, `url` and `_lastUpdated`: of a type only what it selects. Several for one type: what any of
   * them selects. Types without one are not filtered.
   */
  readonly typeFilters?: ReadonlyArray<string>
  /**
   * `name` or `Type.name`: only these elements of the root, and those that a resource of the type has to have, with a tag SUBSETTED.
   * Resources of types for which none is named stay whole.
   */
  readonly elements?: ReadonlyArray<string>
  /** Resources that were changed at or after this instant, and with them the deletions since then. */
  readonly since?: string | Date
  /** The resources as they were then (default: now). */
  readonly until?: string | Date
  /** With `since`: whether deletions are told (default). */
  readonly deleted?: boolean
  /**
   * The URL of a place that is empty yet, `file:./folder` or `s3://bucket/prefix`: the files are written there, and stay. Without it
   * they are kept with the tenant until they expire.
   */
  readonly to?: string
  /** How long the parts are kept after the end, in milliseconds (default: the limit `exportKeepMs`). */
  readonly keepMs?: number
  /** What the caller wants to find among the errors, such as what was passed over. */
  readonly outcomes?: ReadonlyArray<Outcome>
  /** The caller's own note, such as the URL of a request. */
  readonly note?: string
}

/** `accepted`: nobody has begun yet. `in-progress`: at work, or to be resumed. */
export type ExportState = 'accepted' | 'in-progress' | 'complete' | 'error' | 'cancelled'

/** One file of an export: NDJSON. */
export interface ExportPart {
  /** `output/Patient/part-1.ndjson` */
  readonly name: string
  /** Resources; transaction Bundles that delete; OperationOutcomes. */
  readonly kind: 'output' | 'deleted' | 'error'
  /** Of `output`. */
  readonly type?: string
  /** Lines. */
  readonly count: number
  readonly bytes: number
}

export interface ExportProgress {
  /** Commits that were looked at, and how many there are; unknown with `since`, which ends where nothing is new. */
  readonly commits: number
  readonly total?: number
  readonly resources: number
  /** Of the resources. */
  readonly bytes: number
}

export interface ExportStatus {
  readonly id: string
  readonly state: ExportState
  readonly actor?: string
  readonly note?: string
  /** Everything up to this instant is in it, and nothing later. */
  readonly transactionTime: string
  readonly createdAt: string
  readonly endedAt?: string
  /** When the parts may be removed. */
  readonly expiresAt?: string
  readonly progress: ExportProgress
  /** Those that are written for good: all of them once it is complete. */
  readonly parts: ReadonlyArray<ExportPart>
  /** Where they are, if not with the tenant. */
  readonly to?: string
  /** Of an export that has failed. */
  readonly error?: { readonly tag: string; readonly code: string; readonly message: string }
}

/** An export that was asked for in this process, and which it runs. */
export interface ExportJob {
  readonly id: string
  status(): Promise<ExportStatus>
  /** The parts as they are written, by whatever process; it ends with the export. */
  parts(): AsyncIterable<ExportPart>
  /** Ends it, and removes what it has written. */
  cancel(): Promise<ExportStatus>
  /** Its end, complete or cancelled. Rejects if it has failed, or was interrupted: then `exports.resume` goes on with it. */
  done(): Promise<ExportStatus>
}

export interface ExportsFp {
  /** In the order of their ids; `state`: only those. */
  list(options?: { readonly state?: ExportState }): TaskEither<AnnalsError, ReadonlyArray<ExportStatus>>
  /** `undefined`: this tenant has none of that id. */
  status(id: string): TaskEither<AnnalsError, ExportStatus | undefined>
  /** Goes on with an export where it was interrupted or has failed, whoever began it. If another process is at work, it is followed. */
  resume(id: string): TaskEither<AnnalsError, ExportJob>
  /** Ends an export, and removes its files; also those of one that is complete. */
  cancel(id: string): TaskEither<AnnalsError, ExportStatus>
  /** Removes what has expired, and what nobody has gone on with for as long. Answers how many exports that were. */
  cleanup(): TaskEither<AnnalsError, number>
  /** The bytes of a part, or some of them. `name` as in `ExportStatus.parts`. */
  read(id: string, name: string, range?: ByteRange): TaskEither<AnnalsError, Uint8Array>
  /**
   * By the names of its parts, URLs by which whoever knows one may get the part from the storage itself, for so many milliseconds (at most
   * a week); `undefined`: the storage has none. Whoever uses one is not asked who they are.
   */
  signedUrls(id: string, ms: number): TaskEither<AnnalsError, ReadonlyMap<string, string> | undefined>
}

/** What a tenant can be asked to export. */
export interface ExportingFp {
  /** Begins an export of one snapshot, which this process runs, and any other can go on with. */
  export(options?: ExportOptions): TaskEither<AnnalsError, ExportJob>
  readonly exports: ExportsFp
}
