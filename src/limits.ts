/** Every bound of the store, with its default. */

export interface Limits {
  /** A body larger than this goes to `blobs/` instead of its commit. */
  readonly maxInlineBytes: number
  /** The largest body. */
  readonly maxBodyBytes: number
  /** The largest transaction: the bytes of its bodies, and its operations. */
  readonly maxTransactionBytes: number
  readonly maxTransactionOperations: number
  /** Where group commit stops adding transactions to a commit. A single larger transaction still goes alone. */
  readonly maxCommitBytes: number
  readonly maxCommitEvents: number
  /** The queue of one writer: more waiting bytes or transactions are refused. */
  readonly maxQueuedBytes: number
  readonly maxQueuedTransactions: number
  /** How long a caller waits for a write, in milliseconds. */
  readonly writeTimeoutMs: number
  /** How long `close` waits for what was accepted, in milliseconds. */
  readonly closeTimeoutMs: number
  /** How far the last commit may lie in the future of the own clock, in milliseconds. */
  readonly maxClockSkewMs: number
  /** Bodies kept in memory, in bytes; 0 keeps none. */
  readonly cacheBytes: number
  /** Resources whose last version the writer keeps in memory. */
  readonly cachedStates: number
  /** Requests in flight for one call that needs many. */
  readonly concurrency: number
  /** The longest page of history. */
  readonly maxPage: number
  /** The bodies of a page of history or of a list, together; one that is larger is a page by itself. */
  readonly maxPageBytes: number
  /** The bodies that a Bundle answers with, and those that a condition looks at, together. */
  readonly maxReadBytes: number
  /** The largest file of an export, but for a single resource that is larger. */
  readonly exportPartBytes: number
  /** What an export has in memory of files that are not written yet, all types together. */
  readonly exportBufferBytes: number
  /** How much of the log an export reads, in bytes, before it keeps where it stands; later, a sixteenth of what it has read. */
  readonly exportCheckpointBytes: number
  /** How long others wait for a process that works on an export before they go on with it, in milliseconds. */
  readonly exportLeaseMs: number
  /** How long the files of an export are kept after its end, in milliseconds. */
  readonly exportKeepMs: number
  /** Exports that one process runs at a time, and those of one tenant that wait for it. */
  readonly maxExports: number
  readonly maxWaitingExports: number
  /** Patients of one export: those that are named, or the members of a group. */
  readonly maxExportPatients: number
  /** Versions that such a page looks at and leaves out. */
  readonly maxPassedOver: number
}

const mebibyte = 1024 * 1024

export const defaultLimits: Limits = {
  maxInlineBytes: mebibyte,
  maxBodyBytes: 64 * mebibyte,
  maxTransactionBytes: 128 * mebibyte,
  maxTransactionOperations: 100_000,
  maxCommitBytes: 8 * mebibyte,
  maxCommitEvents: 2_000,
  maxQueuedBytes: 256 * mebibyte,
  maxQueuedTransactions: 100_000,
  writeTimeoutMs: 30_000,
  closeTimeoutMs: 10_000,
  maxClockSkewMs: 60_000,
  cacheBytes: 64 * mebibyte,
  cachedStates: 20_000,
  concurrency: 16,
  maxPage: 1_000,
  maxPageBytes: 32 * mebibyte,
  maxReadBytes: 128 * mebibyte,
  exportPartBytes: 32 * mebibyte,
  exportBufferBytes: 64 * mebibyte,
  exportCheckpointBytes: 1024 * mebibyte,
  exportLeaseMs: 15_000,
  exportKeepMs: 24 * 60 * 60 * 1000,
  maxExports: 2,
  maxWaitingExports: 100,
  maxExportPatients: 200_000,
  maxPassedOver: 1_000,
}
