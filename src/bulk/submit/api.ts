/** Bulk submissions: what callers say and hear. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../../../domain/error.js'
import type { NamedFile } from '../../../domain/ports/index.js'
import type { Promised } from '../../promised.js'

/** A submission is named by who submits, and the name that they give to it. */
export interface SubmissionName {
  readonly submitter: string
  readonly submission: string
}

/**
 * `in-progress`: takes manifests. `completed`: takes no more; those that are there are processed to their end. `stopping`: what it did
 * is being taken back. `stopped`: it has been, but for the conflicts that are listed.
 */
export type SubmissionState = 'in-progress' | 'completed' | 'stopping' | 'stopped'

/** `replaced`: another one stands in its place, or none; what it did is taken back. */
export type ManifestState = 'pending' | 'processing' | 'completed' | 'failed' | 'replaced'

/** What becomes of a line. `create-or-update`: the resource is as the line says. `merge-patch`: as RFC 7396 makes it of what is there. */
export type SubmissionMode = 'create-or-update' | 'merge-patch' | 'create-only'

export interface SubmissionOptions {
  /** Default: `create-or-update`. */
  readonly mode?: SubmissionMode
  /** `false` skips the lines of resources that exist, as `create-only` does (default: true). */
  readonly allowUpdates?: boolean
  /** `false` ends a manifest at its first line that fails (default: true). */
  readonly continueOnError?: boolean
  /** A manifest with more lines that fail is ended (default 0: however many). */
  readonly maxErrors?: number
  /** `packed` (default): inputs and results of many lines in one object. `each-line`: an object for each line. */
  readonly keep?: 'packed' | 'each-line'
  readonly actor?: string
  readonly reason?: string
}

/** A manifest that says itself which files it has, or one that is found at a URL. */
export interface ManifestInput {
  /** Default: of its URL, or of its files. The same id is the same manifest. */
  readonly id?: string
  readonly url?: string
  readonly files?: ReadonlyArray<NamedFile>
  /** Headers of the requests for it and its files. They are forgotten when it has ended. */
  readonly headers?: Readonly<Record<string, string>>
  /** The id of the manifest whose place it takes. */
  readonly replaces?: string
}

export interface LineCounts {
  readonly lines: number
  readonly created: number
  readonly updated: number
  readonly deleted: number
  /** What a line says was there already. */
  readonly unchanged: number
  readonly skipped: number
  readonly validationErrors: number
  readonly processingErrors: number
}

export type LineOutcome = 'success' | 'validation-error' | 'processing-error' | 'skipped'

/** What became of a line, or of one deletion of it. */
export interface LineResult {
  /** From 1. */
  readonly line: number
  readonly outcome: LineOutcome
  readonly type?: string
  readonly id?: string
  /** The version that stands for it. */
  readonly version?: number
  /** Absent where nothing had to be written. */
  readonly op?: 'create' | 'update' | 'delete'
  readonly transaction?: string
  /** Why it failed or was skipped. */
  readonly issue?: { readonly code: string; readonly diagnostics: string }
}

export interface FileStatus extends NamedFile {
  readonly isDone: boolean
  /** What is wrong with it: it cannot be read, ends too early, has another number of lines than the manifest says. */
  readonly problem?: string
  readonly counts: LineCounts
}

export interface ManifestStatus {
  readonly id: string
  readonly url?: string
  readonly state: ManifestState
  readonly files: ReadonlyArray<FileStatus>
  readonly counts: LineCounts
  /** Why it failed. */
  readonly error?: string
  readonly replaces?: string
  /** Of one that was replaced. */
  readonly undone?: Undone
  readonly added: string
}

/** What was taken back. */
export interface Undone {
  readonly transactions: number
  readonly resources: number
  /** Resources that others have changed since: they were left alone. */
  readonly conflicts: number
}

export interface SubmissionStatus extends SubmissionName {
  readonly state: SubmissionState
  readonly options: SubmissionOptions
  readonly begun: string
  readonly manifests: ReadonlyArray<ManifestStatus>
  readonly counts: LineCounts
  /** Whether there is nothing left to do: no more manifests will come, and each has ended. */
  readonly isEnded: boolean
  /** Whether somebody is at it, or has to be. */
  readonly hasWork: boolean
  readonly undone?: Undone
}

/** A resource of a submission that somebody else has changed since. */
export interface UndoConflict {
  readonly type: string
  readonly id: string
  /** The version that the submission wrote. */
  readonly version: number
  readonly actual: number
}

export interface ProcessOptions {
  readonly signal?: AbortSignal
  /** `false` leaves what others are working at to them (default: waits until they have done it, or have died). */
  readonly wait?: boolean
  /** Called after each group of lines. `bytes`: of the lines of the manifest that have been read so far, those done before included. */
  readonly onProgress?: (progress: {
    readonly manifest: string
    readonly counts: LineCounts
    readonly bytes: number
  }) => void
}

export interface SubmissionsFp {
  /** Begins a submission, or answers the one of that name. Its options never change. */
  begin(name: SubmissionName, options?: SubmissionOptions): TaskEither<AnnalsError, SubmissionStatus>
  /** Adds a manifest. Nothing is read before it is processed. */
  add(name: SubmissionName, manifest: ManifestInput): TaskEither<AnnalsError, ManifestStatus>
  /** Takes back what a manifest did; none stands in its place. */
  discard(name: SubmissionName, manifest: string): TaskEither<AnnalsError, ManifestStatus>
  /** No more manifests will come. */
  complete(name: SubmissionName): TaskEither<AnnalsError, SubmissionStatus>
  /** Stops it and takes back what it did, in any process. Conflicts are listed by `conflicts`. */
  abort(name: SubmissionName): TaskEither<AnnalsError, SubmissionStatus>
  /** Processes what there is, also what others have left unfinished, until nothing is left to do. */
  process(name: SubmissionName, options?: ProcessOptions): TaskEither<AnnalsError, SubmissionStatus>
  /** `undefined`: there is none. */
  status(name: SubmissionName): TaskEither<AnnalsError, SubmissionStatus | undefined>
  /** In the order of their names. */
  list(): TaskEither<AnnalsError, ReadonlyArray<SubmissionStatus>>
  /** How many have something to do, in any process. Costs one query, however many there have been. */
  waiting(): TaskEither<AnnalsError, number>
  /** Takes back the change of one line, unless the resource was changed since, which is a `Conflict`. */
  undoLine(name: SubmissionName, at: { manifest: string; file: number; line: number }): TaskEither<AnnalsError, void>
}

export interface Submissions extends Promised<SubmissionsFp> {
  /** Line by line, in order. */
  results(name: SubmissionName, manifest: string, file: number): AsyncIterable<LineResult>
  conflicts(name: SubmissionName): AsyncIterable<UndoConflict>
}
