/** What a store offers for its projections. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../../domain/error.js'
import type { DefinedProjection } from './definition.js'

export interface ProjectionStatus {
  readonly name: string
  readonly version: number
  /** Which of the tenant's logs it folds. */
  readonly partition: number
  /** `running` also stands for one that nobody runs just now. The last three are the steps of a rebuild. */
  readonly state: 'running' | 'parked' | 'resetting' | 'rebuilding' | 'sweeping'
  /** Whether this is the version that readers go by, rather than one that is still being built. */
  readonly serves: boolean
  /** What it was built with, such as the parts of the projection `objects`, separated by spaces. */
  readonly settings: string
  /** The last commit that is done. */
  readonly seq: number
  /** How far it is behind the head: commits, and seconds between the two commits' instants. */
  readonly lag: { readonly commits: number; readonly seconds: number }
  /** Why it is parked, and the first event that is not done. */
  readonly parked?: { readonly position: string; readonly cause: string; readonly failures: number }
  /** When it last moved. */
  readonly savedAt: string
}

export interface ProjectionProgress {
  readonly projection: string
  /** Of which of the tenant's logs. */
  readonly partition: number
  /** The last commit that is done, and the head. */
  readonly done: number
  readonly total: number
  /** Events handled by this run. */
  readonly events: number
}

/** Where a page of events ends: where it reaches one of these. */
export interface PageOptions {
  /** Default 500. */
  readonly events?: number
  /** Bytes of their bodies (default 4 MiB). */
  readonly bytes?: number
  /** Commits, whether or not any of their events are asked for (default 1,000). */
  readonly commits?: number
}

export interface RunProjectionsOptions {
  readonly signal?: AbortSignal
  readonly page?: PageOptions
  readonly onProgress?: (progress: ProjectionProgress) => void
  /** Hears each failure of a projection, which is then tried again, until it is parked. */
  readonly onFailure?: (error: unknown, projection: string) => void
}

export interface WorkOptions extends Omit<RunProjectionsOptions, 'signal'> {
  /** Only these tenants (default: all, those that come later too). */
  readonly tenants?: ReadonlyArray<string>
  /**
   * How long it lets events gather once it has caught up, in milliseconds (default 0: it goes on with the first one). Larger
   * pages cost less, and what is projected is as much older.
   */
  readonly lingerMs?: number
  /** How long a worker that died keeps others from its work, in milliseconds (default 10,000). */
  readonly leaseMs?: number
}

/** A process's share in the work on all tenants' projections. */
export interface Worker {
  readonly name: string
  /** Ends what it does within a second, and gives its leases back. */
  stop(): Promise<void>
}

export interface ProjectionsFp {
  /** What is known of each projection of a tenant, each version and each log by itself. */
  list(tenant: string): TaskEither<AnnalsError, ReadonlyArray<ProjectionStatus>>
  /** Runs projections up to the head, side by side, and answers where they stand then. */
  run(
    tenant: string,
    projections: ReadonlyArray<DefinedProjection>,
    options?: RunProjectionsOptions,
  ): TaskEither<AnnalsError, ReadonlyArray<ProjectionStatus>>
  /** Builds a projection anew, in place, from the first event. Live writes go on. */
  rebuild(
    tenant: string,
    projection: DefinedProjection,
    options?: RunProjectionsOptions,
  ): TaskEither<AnnalsError, ReadonlyArray<ProjectionStatus>>
  /** Lets a parked projection go on, once its cause is mended; answers whether it was parked. */
  resume(tenant: string, name: string): TaskEither<AnnalsError, boolean>
}
