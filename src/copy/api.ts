/** What a copy is told, and what it tells. */
import type { Progress, VerifyReport } from '../api.js'
import type { Difference } from '../recover/difference.js'

export interface CopyOptions {
  /** Goes on with new commits as they come, until `signal` aborts: a warm standby. */
  readonly follow?: boolean
  /** Verifies the whole destination when everything is there. Not with `follow`. */
  readonly verify?: boolean
  /**
   * Ends the copy within a second. With `follow` that is its regular end, otherwise it is `Cancelled`; what was copied stays, and
   * the next copy goes on behind it.
   */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: CopyProgress) => void
  /** Hears each difference that `verify` finds. */
  readonly onDifference?: (difference: Difference) => void
}

/** `done` is the last commit that the destination's readers see (verified), `total` the last one that the source's see. */
export interface CopyProgress extends Progress {
  readonly step: 'copy' | 'verify'
  /** Copied so far, commits and large bodies. */
  readonly bytes: number
}

export interface CopyReport {
  readonly commits: number
  readonly events: number
  /** Of the commits and the large bodies. */
  readonly bytes: number
  /** Large bodies that the destination did not have. */
  readonly blobs: number
  /** The first commit that the destination did not have. */
  readonly from: number
  /** The last commit that it has now; `from - 1` if there was nothing to copy. */
  readonly to: number
  /** With `verify`. */
  readonly verified?: VerifyReport
}
