import type { Buffer } from 'node:buffer'

/** A file that a manifest names. */
export interface NamedFile {
  readonly url: string
  /** `resources` (default): one a line. `deletions`: each line a Bundle whose entries are DELETEs. */
  readonly kind?: 'resources' | 'deletions'
  /** Every resource of the file is of this type. */
  readonly type?: string
  /** How many lines there are, as the manifest says. */
  readonly count?: number
}

/**
 * Where the manifests of submissions and their files come from: addresses of others.
 *
 * Contract:
 * - What cannot be read, or not to its end, is a `SourceProblem`; so is what is no manifest.
 * - A file that is opened again gives the same bytes, or fails.
 * - Nothing is read ahead of who iterates beyond a bound, and an aborted `signal` ends it.
 */
export interface Sources {
  manifest(url: string, headers: Headers, signal: AbortSignal): Promise<ReadonlyArray<NamedFile>>
  open(url: string, headers: Headers, signal: AbortSignal): AsyncIterable<Buffer>
}

type Headers = Readonly<Record<string, string>>

/** The message says why, and quotes nothing of what was read. */
export class SourceProblem extends Error {
  override readonly name = 'SourceProblem'
}
