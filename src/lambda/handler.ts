/**
 * Projections as an AWS Lambda function on the stream of the store's table. The stream only says which heads have moved:
 * what has happened, and in which order, comes from the log, so records may come twice, late, or not at all.
 */
import { annalsError } from '../../domain/error.js'
import { mapBounded, orThrow } from '../../domain/task.js'
import { type DefinedProjection, isAnnalsError, type OpenOptions, openStore, type Store } from '../index.js'
import { decodeEvent, lowest, type MovedTenant } from './event.js'
import { type FailurePlace, reportFailure } from './report.js'
import { type TimeBudget, timeBudget } from './time-budget.js'

export interface ProjectionHandlerOptions {
  /**
   * The URL of the store, or a function that opens it: once for each execution environment, and again at the next
   * invocation if it failed. Nothing is created.
   */
  readonly store: string | (() => Promise<Store>)
  /** For a store of a URL. */
  readonly options?: Omit<OpenOptions, 'create'>
  readonly projections: ReadonlyArray<DefinedProjection>
  /** Only these tenants (default: all). */
  readonly tenants?: ReadonlyArray<string>
  /** How long before the end of the invocation to stop, in milliseconds (default 2,000); at most half of its time. */
  readonly marginMs?: number
  /**
   * Hears each failure, which may hold content if it is a projection's own; a `ProjectionParked` of each parked projection;
   * and a `Cancelled` of each one that time ran out for. Default: one line to `console.error`, without content.
   */
  readonly onFailure?: (error: unknown, place: FailurePlace) => void
}

/** The part of a function's context that is used. */
export interface InvocationContext {
  getRemainingTimeInMillis(): number
}

/** What Lambda reads where the event source mapping has `ReportBatchItemFailures`. */
export interface BatchResponse {
  batchItemFailures: Array<{ itemIdentifier: string }>
}

export type ProjectionHandler = (event: unknown, context: InvocationContext) => Promise<BatchResponse>

const defaultMarginMs = 2_000
/** Tenants that are worked on side by side: each projection of each holds a page of bodies in memory. */
const tenantsAtOnce = 8

export function projectionHandler(options: ProjectionHandlerOptions): ProjectionHandler {
  const { projections, marginMs = defaultMarginMs, onFailure = reportFailure } = options
  checkOptions(options)
  const open = openedOnce(options)
  const only = options.tenants && new Set(options.tenants)

  /** Whether the projection has come to the head, or waits for a person there is no use in retrying for. */
  async function runOne(store: Store, tenant: string, defined: DefinedProjection, time: TimeBudget): Promise<boolean> {
    const tell = (error: unknown): void => onFailure(error, { tenant, projection: defined.name })
    const { signal } = time
    try {
      const statuses = await time.within(store.projections.run(tenant, [defined], { signal, onFailure: tell }))
      if (statuses === undefined) throw outOfTime()
      for (const { parked } of statuses)
        if (parked !== undefined) tell(annalsError('ProjectionParked', { projection: defined.name, ...parked }))
      return true
    } catch (error) {
      tell(isAnnalsError(error) && error._tag === 'Cancelled' ? outOfTime() : error)
      return false
    }
  }

  /** One by one rather than in one run: what keeps one projection from its work keeps no other. */
  async function runAll(store: Store, { tenant }: MovedTenant, time: TimeBudget): Promise<boolean> {
    if (time.signal.aborted) return false
    const done = await Promise.all(projections.map((defined) => runOne(store, tenant, defined, time)))
    return done.every((isDone) => isDone)
  }

  return async (event, context) => {
    const moved = orThrow(decodeEvent(event)).filter(({ tenant }) => only === undefined || only.has(tenant))
    if (moved.length === 0) return batchResponse([])
    const time = timeBudget(context.getRemainingTimeInMillis(), marginMs)
    try {
      const store = await time.within(open())
      if (store === undefined)
        throw annalsError('Unavailable', { operation: 'open', key: 'store', cause: 'no time left' })
      const done = await mapBounded(moved, tenantsAtOnce, (each) => runAll(store, each, time))
      return batchResponse(moved.filter((_, i) => done[i] !== true))
    } finally {
      time.release()
    }
  }
}

/**
 * One record stands for all that is unfinished. Of several that are named Lambda takes the lowest sequence number, and sends
 * everything again from there on; what comes again finds its checkpoint at the head. Source: AWS Lambda Developer Guide,
 * "Configuring partial batch response with DynamoDB and Lambda".
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 */
function batchResponse(unfinished: ReadonlyArray<MovedTenant>): BatchResponse {
  if (unfinished.length === 0) return { batchItemFailures: [] }
  return { batchItemFailures: [{ itemIdentifier: unfinished.map(({ sequence }) => sequence).reduce(lowest) }] }
}

const outOfTime = () => annalsError('Cancelled', { what: 'projecting (no time left; the next attempt goes on)' })

function openedOnce({ store, options }: ProjectionHandlerOptions): () => Promise<Store> {
  const open = typeof store === 'string' ? () => openStore(store, { ...options, create: false }) : store
  let opening: Promise<Store> | undefined
  return async () => {
    opening ??= open()
    try {
      return await opening
    } catch (error) {
      opening = undefined
      throw error
    }
  }
}

function checkOptions({ projections, marginMs = defaultMarginMs }: ProjectionHandlerOptions): void {
  const problem =
    projections.length === 0
      ? 'it needs a projection at least'
      : !Number.isSafeInteger(marginMs) || marginMs < 1
        ? 'marginMs is a whole number from 1'
        : undefined
  if (problem !== undefined) throw annalsError('InvalidInput', { what: 'projectionHandler', problem })
}
