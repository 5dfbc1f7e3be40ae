/** The public interface: what a store, a tenant and a snapshot offer. Every I/O function is a `TaskEither`; `promised.ts` makes the promise face of it. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Observable } from 'rxjs'
import type { HistoryOrder } from '../domain/cursor.js'
import type { Expectation } from '../domain/decide.js'
import type { AnnalsError } from '../domain/error.js'
import type { EntryResponse } from '../domain/fhir/bundle/response.js'
import type { FhirVersion } from '../domain/fhir/version.js'
import type { Method, Op } from '../domain/header.js'
import type { Position } from '../domain/position.js'
import type { Kind } from '../domain/resource.js'
import type { BundleOptions, BundleResponse, InteractionRequest } from './bundle/api.js'
import type { CopyOptions, CopyReport } from './copy/api.js'
import type { ProjectionStatus, RunProjectionsOptions } from './project/api.js'
import type { DefinedProjection } from './project/definition.js'
import type { WaitOptions } from './project/when-projected.js'
import type { SubscribeOptions, SubscriptionMessage } from './read/subscription.js'
import type { Difference } from './recover/difference.js'
import type { RestorePoint, RestoreScope, RevertOptions, RevertPlan, RevertTarget } from './revert/api.js'
import type { SagaOptions, SagaReport, SagaStep } from './saga/api.js'
import type { Store } from './store.js'
import type { TransactionResult, WriteResult } from './write/result.js'

/** JSON as bytes, as text, or as a value for `JSON.stringify`. Bytes and text keep every digit and every space. */
export type BodyInput = Uint8Array | string | object

/** An instant (`2026-11-22`, `2026-11-22T10:15:30.123456Z`, a `Date`) or a position; the answer is what was current then. */
export type AsOf = string | Date | Position

export interface WriteOptions {
  /** Who does it, for the audit. */
  readonly actor?: string
  /** Why, for the audit. */
  readonly reason?: string
  /** What the write is part of, such as a submission: what shares it can be taken back together. */
  readonly correlation?: string
  /** What brought it about, such as the id of a message. */
  readonly causation?: string
  /** An idempotency key: within 24 hours, a second write with it returns the first one's result and writes nothing. */
  readonly request?: string
  /** How long to wait, in milliseconds (default: the limit `writeTimeoutMs`). */
  readonly timeoutMs?: number
}

export interface CreateOptions extends WriteOptions {
  /** Without it the store assigns a UUID of version 7. */
  readonly id?: string
}

export interface UpdateOptions extends WriteOptions {
  /** `any` (default: creates what does not exist), `exists`, `absent`, the version that is expected (0: none), or one of a list. */
  readonly expect?: Expectation
  /** Writes nothing when the body says what the current version says, token by token. Costs a read of that version. */
  readonly onlyIfChanged?: boolean
}

export interface PatchOptions extends WriteOptions {
  /** `exists` (default), or the version that is expected. */
  readonly expect?: Expectation
}

export interface DeleteOptions extends WriteOptions {
  readonly expect?: Expectation
}

/** One operation of a transaction. */
export type OperationInput =
  | { readonly op: 'create'; readonly type: string; readonly id?: string; readonly body: BodyInput }
  | ({ readonly op: 'update'; readonly type: string; readonly id: string; readonly body: BodyInput } & Pick<
      UpdateOptions,
      'expect' | 'onlyIfChanged'
    >)
  | { readonly op: 'delete'; readonly type: string; readonly id: string; readonly expect?: Expectation }
  /** Writes nothing: the others happen only if the resource is as expected. */
  | { readonly op: 'check'; readonly type: string; readonly id: string; readonly expect: Expectation }

/** The resources at one head, for a decision. What it reads has to be as it was when what it decided is written. */
export interface DecisionState {
  readonly seq: number
  readonly at: string
  /** The current version; `undefined`: there is none. A deletion is a version. */
  read(type: string, id: string): Promise<ResourceVersion | undefined>
  /** What a condition selects, as in `match`. */
  match(type: string, condition: string): Promise<ReadonlyArray<ResourceVersion>>
}

/** Decides what to write. It is called again when others have changed what it read, so it has no effects of its own. */
export type Decide = (state: DecisionState) => ReadonlyArray<OperationInput> | Promise<ReadonlyArray<OperationInput>>

/** One version of a resource. A deletion is a version without a body. */
export interface ResourceVersion {
  readonly type: string
  readonly id: string
  /** 1, 2, 3 … without gaps. */
  readonly version: number
  readonly op: Op
  readonly method: Method
  readonly deleted: boolean
  /** The instant of its commit, with microseconds. */
  readonly at: string
  readonly position: Position
  /** `{commit}-{index}` of its transaction. */
  readonly transaction: string
  readonly actor?: string
  readonly reason?: string
  /** Of a compensating event: the version whose state it brings back (0: none). It answers every version in between. */
  readonly restores?: number
  /** The transaction that its own takes back. */
  readonly compensates?: string
  /** Bytes of the body, known even where the body was left out. Absent for a deletion. */
  readonly length?: number
  /** The bytes as stored: a copy of the caller's own. Absent for a deletion, and where bodies were not asked for. */
  readonly body?: Uint8Array
  /** The body as text. Throws `TypeError` where there is none. */
  text(): string
  /** The body through `JSON.parse`, which rounds long numbers. Throws `TypeError` where there is none. */
  json<T = unknown>(): T
}

export interface ReadOptions {
  readonly version?: number
  readonly at?: AsOf
}

export interface HistoryOptions {
  /** Entries per page (default 50). */
  readonly count?: number
  /** The `cursor` of the page before. It carries `since`, `at`, `during` and `order` of the first page. */
  readonly cursor?: string
  /** Default: newest first. */
  readonly order?: HistoryOrder
  /** Entries at or after this instant. */
  readonly since?: string | Date
  /** The history as it was then. */
  readonly at?: AsOf
  /** Versions that were current at some time in this period: from when each was written until the next one of its resource. */
  readonly during?: Period
  /** `false` leaves the bodies out, and their reads. */
  readonly bodies?: boolean
}

/** From an instant on, and before another. */
export interface Period {
  readonly from: string | Date
  readonly until: string | Date
}

export interface HistoryPage {
  /** In the order that was asked for. With `during`, and where bodies are large, there may be fewer than were asked for before the last page. */
  readonly entries: ReadonlyArray<ResourceVersion>
  /** For the next page; absent on the last one. */
  readonly cursor?: string
}

export interface ListOptions {
  /** Entries per page (default 50). */
  readonly count?: number
  /** The `cursor` of the page before. Its pages are all of one head, that of the first. */
  readonly cursor?: string
  /** The resources as they were then. */
  readonly at?: AsOf
  /** `false` leaves the bodies out, and their reads. */
  readonly bodies?: boolean
}

export interface ListPage {
  /** The current version of each resource that is not deleted, in the order of their ids' bytes. */
  readonly entries: ReadonlyArray<ResourceVersion>
  /** For the next page; absent on the last one. */
  readonly cursor?: string
}

/** One commit of the log, as subscribers and auditors see it. */
export interface CommitView {
  readonly seq: number
  readonly partition: number
  readonly id: string
  readonly writer: string
  readonly at: string
  /** SHA-256 of its header line: the next commit's `prev`. */
  readonly hash: string
  readonly prev: string
  /** Bytes of its object. Bodies that stand in `blobs/` are not among them. */
  readonly bytes: number
  /** The header line as it is stored, of which `hash` is the SHA-256. It names that of each body. Only where headers were asked for. */
  readonly header?: string
  readonly transactions: ReadonlyArray<{
    readonly id: string
    readonly request?: string
    readonly actor?: string
    readonly reason?: string
    readonly correlation?: string
    readonly causation?: string
    /** The transaction that this one takes back. */
    readonly compensates?: string
    readonly events: ReadonlyArray<ResourceVersion>
  }>
}

export interface CommitsOptions {
  /** The first commit (default 1), or the position after which to begin. */
  readonly from?: number | Position
  /** The last commit (default: the head). */
  readonly to?: number
  /** Goes on with new commits as they come, until `signal` aborts. */
  readonly follow?: boolean
  readonly signal?: AbortSignal
  /** `false` leaves the bodies out, and their reads. */
  readonly bodies?: boolean
  /** `true` adds the header of each commit as it is stored, for whoever checks the chain for themselves. */
  readonly headers?: boolean
}

/** The reads that a tenant and a snapshot share. */
export interface Reads {
  /** The current version, or the one of `version` or `at`. `undefined`: there is none; a deletion is a version. */
  read(type: string, id: string, options?: ReadOptions): TaskEither<AnnalsError, ResourceVersion | undefined>
  /** The versions of one resource, newest first unless told otherwise, without their bodies. */
  versions(type: string, id: string, options?: HistoryOptions): TaskEither<AnnalsError, HistoryPage>
  /** The history of the tenant, of a type, or of one resource, newest first unless told otherwise. */
  history(scope?: { type?: string; id?: string }, options?: HistoryOptions): TaskEither<AnnalsError, HistoryPage>
  /**
   * The resources of a type in id order. Exact at any time; what the projection `current-index` has not handled yet is read
   * from the log's own index, at most 10,000 events of it, beyond which it is `Unavailable`.
   */
  list(type: string, options?: ListOptions): TaskEither<AnnalsError, ListPage>
  /**
   * The resources of a type that a condition selects, by id: `identifier=http://example.org/mrn|123`, with `_id`, `identifier` and
   * `url` (FHIR search; commas: any of them, `&`: all of them). Exact at any time. For one resource or a few: more than 1,000 that
   * may be meant are a `LimitExceeded`.
   */
  match(
    type: string,
    condition: string,
    options?: { readonly at?: AsOf },
  ): TaskEither<AnnalsError, ReadonlyArray<ResourceVersion>>
  /** How many resources of a type there are. Exact; costs the events between the index and the head. */
  count(type: string, options?: { readonly at?: AsOf }): TaskEither<AnnalsError, number>
}

/** A text, and how often it was changed. */
export interface Checkpoint {
  readonly value: string
  readonly rev: number
}

/** One head, pinned for many reads: whatever others write meanwhile is not seen. */
export interface SnapshotFp extends Reads {
  readonly seq: number
  readonly at: string
}

export interface TenantFp extends Reads {
  /** Writes version 1, or the next version of a deleted resource. A resource that is there is a `Conflict`. */
  create(type: string, body: BodyInput, options?: CreateOptions): TaskEither<AnnalsError, WriteResult>
  /** Writes the next version, or the first. */
  update(type: string, id: string, body: BodyInput, options?: UpdateOptions): TaskEither<AnnalsError, WriteResult>
  /**
   * Writes the next version by a JSON Patch (RFC 6902), a list of operations, or for FHIR resources by a FHIRPath Patch, a Parameters
   * resource; as bytes, text or a value. Digits, the order of members and every byte that it does not name stay. An operation that cannot be is a `PatchFailed`, and a resource that is not there a `Conflict`.
   */
  patch(type: string, id: string, patch: BodyInput, options?: PatchOptions): TaskEither<AnnalsError, WriteResult>
  /** Writes a deletion. What is not there is left alone (`changed: false`). */
  delete(type: string, id: string, options?: DeleteOptions): TaskEither<AnnalsError, WriteResult>
  /**
   * All operations in one commit, or none: a `Conflict` names every operation that could not be. A function decides the
   * operations on the state at the head, anew until nobody has changed meanwhile what it read, or the time is over (`Contended`);
   * a request key alone says then which request it is. No operations are no write.
   */
  transact(
    operations: ReadonlyArray<OperationInput> | Decide,
    options?: WriteOptions,
  ): TaskEither<AnnalsError, TransactionResult>
  /**
   * Processes a FHIR Bundle: a `transaction` is one commit or nothing, the entries of a `batch` stand for themselves. Where a transaction
   * fails, `outcomeOf(error)` tells why as an OperationOutcome.
   */
  bundle(body: BodyInput, options?: BundleOptions): TaskEither<AnnalsError, BundleResponse>
  /**
   * One FHIR interaction by itself, conditional ones too, as the entry of a Bundle. A conditional one is decided in the order of the log:
   * of many that create what they have not found, one creates it.
   */
  interact(request: InteractionRequest, options?: BundleOptions): TaskEither<AnnalsError, EntryResponse>
  /**
   * Takes back a transaction, or several together, by one transaction of compensating events: each resource gets a version with the
   * state from before. What others have changed since is a `Conflict`, unless `onConflict` says otherwise.
   */
  revert(target: RevertTarget, options?: RevertOptions): TaskEither<AnnalsError, TransactionResult>
  /** What `revert` would write now, conflicts included. */
  planRevert(target: RevertTarget, options?: Pick<RevertOptions, 'onConflict'>): TaskEither<AnnalsError, RevertPlan>
  /** Brings back a resource, a type or the whole tenant as it was then, by one transaction of compensating events. */
  restore(scope: RestoreScope, to: RestorePoint, options?: WriteOptions): TaskEither<AnnalsError, TransactionResult>
  /** What `restore` would write now. */
  planRestore(scope: RestoreScope, to: RestorePoint): TaskEither<AnnalsError, RevertPlan>
  snapshot(): TaskEither<AnnalsError, SnapshotFp>
  /** A named place of your own beside the log: how far a subscriber or a load has come. Not rebuilt by recovery. */
  checkpoint(name: string): TaskEither<AnnalsError, Checkpoint | undefined>
  /** Compare-and-set: writes if the stored rev is `rev` (0: there is none), and answers whether it did. */
  saveCheckpoint(name: string, value: string, rev: number): TaskEither<AnnalsError, boolean>
  /**
   * Waits until a projection has handled the event at a position, such as that of one's own write. Fails with
   * `ProjectionParked`, and with `Unavailable` when the time is over.
   */
  whenProjected(name: string, position: Position, options?: WaitOptions): TaskEither<AnnalsError, void>
  /** The position of the last commit that readers see. */
  head(): TaskEither<AnnalsError, { readonly seq: number; readonly hash: string; readonly at: string }>
}

/** The log as it comes, in order. */
export interface Streams {
  /** Commit by commit; it ends at the head unless it follows. */
  commits(options?: CommitsOptions): AsyncIterable<CommitView>
  /**
   * Event by event, and a message whenever the subscriber has caught up. Each iteration is a subscription of its own: it hears each
   * event after its beginning once, in log order, and begins again where the caller says, so keep the position of what is done.
   * It pulls: however far behind and slow the subscriber is, at most some 24 MiB wait for it (one commit's header and one body, if
   * these are larger). Leaving the loop stops the reading.
   */
  subscribe(options?: SubscribeOptions): AsyncIterable<SubscriptionMessage>
  /**
   * The same as an Observable; unsubscribing stops the reading, and the end of the subscription completes it. Back-pressure is only
   * what JavaScript gives: the next message is read when `next` has returned, so an observer that works synchronously slows the
   * reading. One that works asynchronously does not: `concatMap`, `mergeMap`, `bufferTime` or `observeOn` keep in memory whatever
   * has not been handled, without bound. For such work pull from `subscribe`.
   */
  observe(options?: SubscribeOptions): Observable<SubscriptionMessage>
}

export interface PointersReport {
  readonly commits: number
  readonly events: number
  readonly items: number
}

export interface RecoverReport extends PointersReport {
  /** Those that were brought back, and where they stand. */
  readonly projections: ReadonlyArray<ProjectionStatus>
}

export interface RecoverOptions extends CheckOptions {
  /**
   * What is folded from the log beside the pointers (default: what the store's own projections have left traces of, in
   * items or objects). Each is built anew, in place; an empty list leaves that for later.
   */
  readonly projections?: ReadonlyArray<DefinedProjection>
  readonly onProjection?: RunProjectionsOptions['onProgress']
}

export interface VerifyReport {
  readonly commits: number
  readonly events: number
  readonly bodies: number
  readonly items: number
  /** Projected items and objects, of a deep verification. */
  readonly projected: number
  readonly differences: number
}

export interface Progress {
  readonly done: number
  /** As far as it is known. */
  readonly total: number
  readonly events: number
}

export interface CheckOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

export interface VerifyOptions extends CheckOptions {
  /** Also every item and object of the store's own projections, both ways: missing, stale, different, extra. */
  readonly deep?: boolean
  /** Hears each difference as it is found. */
  readonly onDifference?: (difference: Difference) => void
}

export interface DoctorFinding {
  readonly check: string
  readonly ok: boolean
  /** What was found. */
  readonly detail: string
  /** What to do; absent when all is well. */
  readonly advice?: string
}

export interface DoctorReport {
  readonly ok: boolean
  readonly findings: ReadonlyArray<DoctorFinding>
}

/** What a bootstrap did, step by step. */
export interface BootstrapReport {
  readonly table: string
  readonly steps: ReadonlyArray<{ readonly step: string; readonly outcome: 'done' | 'was there' | 'unsupported' }>
}

export interface DoctorOptions {
  /** The tenant whose head and clock are checked (default: all). */
  readonly tenant?: string
  readonly signal?: AbortSignal
}

/** What the writers of an open store have done since it was opened, and have before them. It names no tenant. */
export interface StoreActivity {
  /** Those that are open. */
  readonly tenants: number
  /** Transactions that wait for their commit, and the bytes of their bodies. */
  readonly waiting: number
  readonly waitingBytes: number
  readonly commits: number
  readonly events: number
}

export interface TenantOptions {
  /** Kind of a new tenant (default `fhir`). For one that exists it has to agree. */
  readonly kind?: Kind
  /** Of which version of FHIR the resources of a new tenant are: `4.0` (default), `4.3` or `5.0`. For one that exists it has to agree. */
  readonly fhirVersion?: FhirVersion
  /**
   * Over how many shards the indexes of each type are spread in a new tenant: a whole number from 1 (default) to 64. For one
   * that exists it has to agree.
   */
  readonly shards?: number
  /**
   * How many logs a new tenant has: a whole number from 1 (default) to 64. More logs take more commits side by side; a transaction
   * is of one log. For a tenant that exists it has to agree.
   */
  readonly partitions?: number
  /** Creates the tenant if there is none (default). */
  readonly create?: boolean
}

export interface StoreFp {
  /**
   * Applies every step, each a transaction, or takes back those that were applied. Its report says what became of each step.
   * Where the process dies or the store cannot be reached, `sagas.resume` brings it to its end, in any process.
   */
  saga(steps: ReadonlyArray<SagaStep>, options?: SagaOptions): TaskEither<AnnalsError, SagaReport>
  /**
   * Rebuilds every pointer of a tenant from its log alone, and then its projections. Other writers of the tenant have to be
   * stopped. What was interrupted goes on where it was.
   */
  recover(tenant: string, options?: RecoverOptions): TaskEither<AnnalsError, RecoverReport>
  /** Walks the chain, every hash and every pointer, and names each difference. */
  verify(tenant: string, options?: VerifyOptions): TaskEither<AnnalsError, VerifyReport>
  /**
   * Copies a tenant into another store: what its log there does not hold yet, commit by commit, each checked before it is written,
   * so that it can be read there at once. An interrupted copy is a shorter log; the next one goes on behind it. Nobody else may
   * write to the tenant there: what is no earlier state of the source is `Diverged`.
   */
  copy(tenant: string, destination: Store, options?: CopyOptions): TaskEither<AnnalsError, CopyReport>
  /** Checks that the storage keeps what a store relies on, with probes that it removes again. */
  doctor(options?: DoctorOptions): TaskEither<AnnalsError, DoctorReport>
  /** Finishes accepted writes and lets go of everything. */
  close(): TaskEither<AnnalsError, void>
}
