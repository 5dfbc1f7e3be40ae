/**
 * A projection: a deterministic fold of the log into something readable, with a name and a version.
 *
 * Delivery is at least once and in log order. A page may come again, whole or in part, after a crash, a lost lease or a
 * failure; its effect has to be the same then.
 */
import type { ChainLink, Commit } from '../domain/commit.js'
import type { Op } from '../domain/header.js'
import type { VersionPointer } from '../domain/pointer.js'

/** A version event as projections see it. The body is shared: it may be kept and must not be changed. */
export interface ProjectedEvent {
  readonly pointer: VersionPointer
  /** Absent for a deletion, and where the projection does not ask for bodies. */
  readonly body: Uint8Array | undefined
}

/** How far a projection has come: every commit up to `seq`, and `done` events of the next one. */
export interface Place extends ChainLink {
  readonly done: number
}

/** A stretch of the log between two places: the events of it that the projection asks for, in log order. */
export interface Page {
  readonly events: ReadonlyArray<ProjectedEvent>
  readonly from: Place
  readonly to: Place
  /** The place before an event of the page: everything before it is done, the event is not. */
  placeBefore(event: ProjectedEvent): Place
}

export interface ApplyContext {
  readonly signal: AbortSignal
  /** What the page before has left, from the same item as the place: so the two can't disagree. */
  readonly memo: string | undefined
  /** What is there may be wrong: it is compared and replaced, rather than trusted. */
  readonly isRebuild: boolean
}

/** What a page leaves behind: where it ended, if not at its end, and the memo for the next page. */
export interface Applied {
  /** Where contiguous finished work ends (default: the end of the page). */
  readonly place?: Place
  /** Why it ended there. The page is tried again from that place. */
  readonly failure?: unknown
  readonly memo?: string
}

export interface Projection {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string
  /** From 1. A higher version is built beside the one that serves, and takes over once it has caught up. */
  readonly version: number
  /** Only events of these types and operations (default: all). */
  readonly types?: ReadonlyArray<string>
  readonly operations?: ReadonlyArray<Op>
  /** Whether bodies are read (default: yes). */
  readonly bodies: boolean
  /** Begins at the head that it finds at its first start, and nothing before fires, also not in a later version. */
  readonly sideEffects: boolean
  /** What has to be the same at every run of one version; another one asks for a rebuild. */
  readonly settings: string
  apply(page: Page, context: ApplyContext): Promise<Applied>
  /**
   * Where the projection's own store says that it stands, if it keeps its place there, in one transaction with its effect;
   * `undefined`: at the beginning.
   */
  place?(): Promise<Place | undefined>
  /** Before a rebuild: forgets everything, its own place included. May be called more than once. */
  reset?(): Promise<void>
  /** After a rebuild has caught up: removes what no event makes. */
  sweep?(signal: AbortSignal): Promise<void>
  /** Removes what an older version has left, once this one has taken over. May be called more than once. */
  retire?(version: number): Promise<void>
}

/** The log as projections read it. */
export interface EventSource {
  readonly name: string
  readonly partition: number
  /** The last commit that readers see. */
  head(): Promise<ChainLink>
  /** The chain link of a commit; `undefined` where the log does not hold it. */
  linkAt(seq: number): Promise<ChainLink | undefined>
  /** The commits after `link` up to number `to`, each checked against the chain; reads ahead within bounds. */
  follow(link: ChainLink, options: { readonly to: number; readonly bodies: boolean }): AsyncIterable<SourceCommit>
  /** Resolves when the head may have moved, after a while all the same, or when the signal aborts. */
  wake(signal: AbortSignal): Promise<void>
}

export interface SourceCommit {
  readonly commit: Commit
  /** In the order of the pointers; a deletion has no body. */
  bodies(pointers: ReadonlyArray<VersionPointer>): Promise<ReadonlyArray<Uint8Array | undefined>>
}

export const wants =
  ({ types, operations }: Pick<Projection, 'types' | 'operations'>) =>
  ({ type, op }: VersionPointer): boolean =>
    (types === undefined || types.includes(type)) && (operations === undefined || operations.includes(op))
