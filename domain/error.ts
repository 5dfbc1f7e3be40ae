/**
 * Every way in which Annals can fail, as one closed union.
 *
 * An error says what failed, where, and what to do next. It never holds a resource's content or a secret. `_tag` names
 * the failure for a `switch`, `code` is stable across releases for logs and scripts, and `retryable` tells whether the
 * same call may succeed later.
 */

import { type Permission, permissionNames } from './fhir/permission.js'

/** What each failure carries. The keys are the tags of the union. */
export interface Failures {
  /** The caller's input is not acceptable: a type, an id, an option, a cursor, a URL. */
  InvalidInput: {
    readonly what: string
    readonly problem: string
    /** It is not there at all. */
    readonly isAbsent?: true
  }
  /** A body is not the JSON that it has to be. Line and column count from 1, `offset` in bytes from 0. */
  InvalidBody: {
    readonly problem: string
    readonly line: number
    readonly column: number
    readonly offset: number
    readonly path: string
  }
  /** A body or a transaction is over its bound. */
  LimitExceeded: { readonly what: string; readonly limit: number; readonly actual: number; readonly unit: string }
  /** Nothing was written, because resources are not as the caller expected. All conflicts are listed. */
  Conflict: { readonly conflicts: ReadonlyArray<VersionConflict> }
  /** Nothing was written: whatever the transaction was planned on, others changed it first, until the time was over. */
  Contended: { readonly what: string; readonly plans: number }
  /** A condition that has to select one resource selects none. */
  NoMatch: { readonly what: string }
  /** A condition that has to select at most one resource selects several. */
  MultipleMatches: { readonly what: string; readonly matches: number }
  /** An operation of a patch cannot be: what it names is not there, or a test fails. Nothing was written. */
  PatchFailed: { readonly what: string; readonly problem: string }
  /** Whoever asks may not do that with resources of this type. Nothing was written. */
  Forbidden: { readonly what: string; readonly permission: Permission; readonly type: string }
  /** The input asks for something that Annals does not do. */
  NotSupported: {
    readonly what: string
    readonly problem: string
    /** A type of resources that there is not. */
    readonly isUnknownType?: true
  }
  /** The request key was used before, for another request. */
  RequestKeyReused: { readonly position: string }
  /** The write is durable; its commit's first event stands at `position`. But its pointers could not be published before the deadline. */
  Unpublished: { readonly position: string; readonly cause: string }
  /** It is not known whether the write happened. A retry with the same request key settles it. */
  OutcomeUnknown: { readonly log: string; readonly seq: number; readonly cause: string }
  /** The storage cannot be reached or is overloaded. */
  Unavailable: { readonly operation: string; readonly key: string; readonly cause: string }
  /** The storage refused and certainly did nothing: a full disk, a read-only folder, missing permission. */
  StorageRefused: { readonly operation: string; readonly key: string; readonly cause: string }
  /** There is no such tenant, and the caller did not ask to create it. */
  TenantNotFound: { readonly tenant: string }
  /** The tenant exists, but not of the kind that the caller asked for. */
  TenantMismatch: {
    readonly tenant: string
    readonly what: 'kind' | 'shards' | 'partitions' | 'fhirVersion'
    readonly expected: string | number
    readonly actual: string | number
  }
  /** The place holds something, and it is no Annals store. */
  NotAStore: { readonly url: string; readonly problem: string }
  /** The store, a tenant or a commit was written by a newer release. */
  UnsupportedFormat: { readonly key: string; readonly format: string; readonly supported: string }
  /** The log is there and its pointers are not. */
  NeedsRecovery: { readonly log: string; readonly problem: string }
  /** Pointers and log do not belong together: the pointers know of commits that the log does not hold. */
  LogMismatch: { readonly log: string; readonly seq: number; readonly problem: string }
  /** The destination of a copy holds, from commit `seq` on, something else than the source. */
  Diverged: { readonly log: string; readonly seq: number; readonly problem: string }
  /** Stored bytes are not what their hash, their format or the chain says. */
  Corrupt: { readonly key: string; readonly problem: string }
  /** The last commit lies further in the future of this machine's clock than the allowed skew. */
  ClockSkew: { readonly log: string; readonly headAt: string; readonly now: string; readonly allowedMs: number }
  /** A projection has failed too often at one event, and waits for a person. `position`: the first event that is not done. */
  ProjectionParked: {
    readonly projection: string
    readonly position: string
    readonly cause: string
    readonly failures: number
  }
  /** The call was cancelled, or the store was closed under it. */
  Cancelled: { readonly what: string }
}

/** One resource that is not as expected. Version 0 stands for a resource that does not exist. */
export interface VersionConflict {
  /** Index of the operation in its transaction, from 0. */
  readonly operation: number
  readonly type: string
  readonly id: string
  readonly expected: number | ReadonlyArray<number> | 'exists' | 'absent'
  readonly actual: number
  readonly deleted: boolean
  /** The condition that was to select it selects nothing. */
  readonly isUnselected?: true
  /** `exists` is what an If-Match demands, of an interaction that could do without. */
  readonly isDemanded?: true
}

export type ErrorTag = keyof Failures

/** A failure with its data. Thrown by the promise face, the left side of every `TaskEither`. */
export class Failure<T extends ErrorTag = ErrorTag> extends Error {
  override readonly name = 'AnnalsError'

  constructor(
    readonly _tag: T,
    readonly data: Failures[T],
  ) {
    super(describe(_tag, data))
  }

  /** Stable across releases, in upper snake case: `VERSION_CONFLICT`, `NEEDS_RECOVERY`. */
  get code(): string {
    return `ANNALS_${this._tag.replace(/(?<!^)([A-Z])/g, '_$1').toUpperCase()}`
  }

  /** Whether the same call, unchanged, may succeed later. */
  get retryable(): boolean {
    return isRetryable(this._tag)
  }

  toJSON(): { tag: T; code: string; message: string; retryable: boolean } & Failures[T] {
    return { tag: this._tag, code: this.code, message: this.message, retryable: this.retryable, ...this.data }
  }
}

/** The closed union: `switch (error._tag)` narrows `error.data`. */
export type AnnalsError = { [T in ErrorTag]: Failure<T> }[ErrorTag]

export const annalsError = <T extends ErrorTag>(tag: T, data: Failures[T]): AnnalsError =>
  new Failure(tag, data) as AnnalsError

export const isAnnalsError = (u: unknown): u is AnnalsError => u instanceof Failure

function isRetryable(tag: ErrorTag): boolean {
  switch (tag) {
    case 'Unavailable':
    case 'Unpublished':
    case 'OutcomeUnknown':
    case 'Contended':
      return true
    case 'InvalidInput':
    case 'InvalidBody':
    case 'LimitExceeded':
    case 'Conflict':
    case 'NoMatch':
    case 'MultipleMatches':
    case 'PatchFailed':
    case 'Forbidden':
    case 'NotSupported':
    case 'RequestKeyReused':
    case 'StorageRefused':
    case 'TenantNotFound':
    case 'TenantMismatch':
    case 'NotAStore':
    case 'UnsupportedFormat':
    case 'NeedsRecovery':
    case 'LogMismatch':
    case 'Diverged':
    case 'Corrupt':
    case 'ClockSkew':
    case 'ProjectionParked':
    case 'Cancelled':
      return false
    default:
      return absurd(tag)
  }
}

const messages: { [T in ErrorTag]: (data: Failures[T]) => string } = {
  InvalidInput: (d) => `${d.what}: ${d.problem}`,
  InvalidBody: (d) =>
    `the body is not acceptable JSON at line ${d.line}, column ${d.column}${at(d.path)}: ${d.problem}`,
  LimitExceeded: (d) => `${d.what} is over its limit: ${d.actual} ${d.unit}, at most ${d.limit} are allowed`,
  Conflict: (d) => d.conflicts.map(describeConflict).join('; '),
  Contended: (d) =>
    `${d.what}: others changed the resources that it depends on, ${d.plans} ${d.plans === 1 ? 'time' : 'times'} in a row; try again`,
  NoMatch: (d) => `${d.what}: the condition selects no resource, and has to select one`,
  MultipleMatches: (d) =>
    `${d.what}: the condition selects ${d.matches} resources, and may select one only; make it more precise`,
  PatchFailed: (d) => `${d.what}: ${d.problem}; nothing was written`,
  Forbidden: (d) => `${d.what}: no permission to ${permissionNames[d.permission]} ${d.type}`,
  NotSupported: (d) => `${d.what}: ${d.problem}`,
  RequestKeyReused: (d) => `the request key was already used for another request, at ${d.position}; use a new key`,
  Unpublished: (d) =>
    `the write is durable at ${d.position}, but its pointers are not published yet (${d.cause}); ` +
    'retry with the same request key to learn its result',
  OutcomeUnknown: (d) =>
    `it is not known whether commit ${d.seq} of ${d.log} was written (${d.cause}); retry with the same request key`,
  Unavailable: (d) => `${d.operation} ${d.key}: the storage is unavailable (${d.cause}); try again later`,
  StorageRefused: (d) => `${d.operation} ${d.key}: the storage refused, nothing was written (${d.cause})`,
  TenantNotFound: (d) => `there is no tenant '${d.tenant}' in this store`,
  TenantMismatch: ({ tenant, what, expected, actual }) =>
    `the ${tenantTraits[what]} of tenant '${tenant}' is ${actual}, not ${expected}; it never changes, and need not be given`,
  NotAStore: (d) => `${d.url} is no Annals store: ${d.problem}`,
  UnsupportedFormat: (d) =>
    `${d.key} has the format '${d.format}'; this release reads '${d.supported}': upgrade Annals to open it`,
  NeedsRecovery: (d) => `${d.log}: ${d.problem}; run 'annals recover' to rebuild the pointers from the log`,
  LogMismatch: (d) =>
    `${d.log}: the pointers and the log do not belong together at commit ${d.seq}: ${d.problem}; ` +
    "restore the log that belongs to these pointers, or run 'annals recover' to trust the log alone",
  Diverged: (d) =>
    `${d.log}: the destination is no earlier state of the source from commit ${d.seq} on: ${d.problem}; ` +
    'copy to another place, and see that nobody but the copy writes to this tenant there',
  Corrupt: (d) => `${d.key} is damaged: ${d.problem}; restore this object from a backup and run 'annals verify'`,
  ClockSkew: (d) =>
    `${d.log}: the last commit is of ${d.headAt}, this machine's clock says ${d.now}; ` +
    `more than ${d.allowedMs} ms ahead is not accepted: set the clock right`,
  ProjectionParked: (d) =>
    `the projection '${d.projection}' is parked at ${d.position} after ${d.failures} failures (${d.cause}); ` +
    `mend the cause, then run 'annals projections resume ${d.projection}'`,
  Cancelled: (d) => `${d.what} was cancelled`,
}

const tenantTraits = {
  kind: 'kind',
  shards: 'number of shards',
  partitions: 'number of partitions',
  fhirVersion: 'FHIR version',
} as const

const at = (path: string): string => (path === '' ? '' : ` (${path})`)

function describe<T extends ErrorTag>(tag: T, data: Failures[T]): string {
  return messages[tag](data)
}

export function describeConflict({ type, id, expected, actual, deleted, isUnselected }: VersionConflict): string {
  const now = actual === 0 ? 'it does not exist' : `it is at version ${actual}${deleted ? ', deleted' : ''}`
  if (isUnselected !== true) return `${type}/${id} was expected to be ${stateOf(expected)}, but ${now}`
  return expected === 'absent'
    ? `the condition selects nothing, but ${type}/${id} exists: ${now}; leave the id out, or mend the condition`
    : `what the condition selects was expected to be ${stateOf(expected)}, but it selects nothing`
}

function stateOf(expected: VersionConflict['expected']): string {
  if (expected === 'exists') return 'present'
  if (expected === 'absent' || expected === 0) return 'absent'
  const versions = [expected].flat()
  return versions.length === 0 ? 'at another version' : `at version ${versions.join(' or ')}`
}

/** For the `default` of a `switch` over a closed union. */
export function absurd(never: never): never {
  throw new TypeError(`unreachable: ${String(never)}`)
}
