/** Lists, runs, rebuilds and resumes the projections of a store's tenants, once or as one of many workers. */
import { annalsError, isAnnalsError } from '../../domain/error.js'
import { formatInstant } from '../../domain/instant.js'
import { leaseSk } from '../../domain/keys.js'
import type { Clock, Ids, PointerStore } from '../../domain/ports/index.js'
import { attempt, mapBounded } from '../../domain/task.js'
import { type Checkpoint, type CheckpointStore, checkpointStore } from '../../projections/checkpoint.js'
import { requestRebuild, resumeParked } from '../../projections/maintain.js'
import { pageLimits } from '../../projections/pages.js'
import type { EventSource, Projection } from '../../projections/projection.js'
import { type Measure, type Outcome, type RunOptions, runProjection } from '../../projections/runner.js'
import { type Task, work } from '../../projections/worker.js'
import { type Promised, promised } from '../promised.js'
import type { ProjectionStatus, ProjectionsFp, RunProjectionsOptions, Worker, WorkOptions } from './api.js'
import type { Binding, DefinedProjection } from './definition.js'

/** A tenant's log, for its projections. */
export interface ProjectedLog extends Binding {
  readonly source: EventSource
}

/** One page, one failure or one parking of a projection, of whichever tenant. */
export interface ProjectionMeasure {
  readonly projection: string
  readonly outcome: 'page' | 'failure' | 'parked'
  readonly events: number
  readonly ms: number
  /** Commits between its place and the head. */
  readonly lag: number
}

export interface ProjectionsDeps {
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly ids: Ids
  readonly workerName: string
  /** For metrics. */
  onProjection?(measure: ProjectionMeasure): void
  /** Fails with `TenantNotFound`. */
  logsOf(tenant: string): Promise<ReadonlyArray<ProjectedLog>>
  tenants(): AsyncIterable<string>
}

export interface Projections extends Promised<ProjectionsFp> {
  /** Works on the projections of all tenants, together with every other process that does, until it is stopped. */
  work(projections: ReadonlyArray<DefinedProjection>, options?: WorkOptions): Worker
}

const defaultLeaseMs = 10_000
/** How long a list of all tenants is good for, in milliseconds. */
const tenantsMs = 30_000
/** Tenants whose manifests are read side by side. */
const tenantsAtOnce = 16

export interface ProjectionsFaces {
  readonly fp: ProjectionsFp
  readonly projections: Projections
  /** Stops every worker. */
  close(): Promise<void>
}

export function makeProjections(deps: ProjectionsDeps): ProjectionsFaces {
  const { clock } = deps
  const workers = new Set<Worker>()

  const boundTo = (log: ProjectedLog, defined: DefinedProjection): Running => ({
    log,
    checkpoints: checkpointStore(deps.pointers, log),
    projection: defined.bind(log),
  })

  async function runOne(running: Running, options: RunProjectionsOptions, how: Following): Promise<Outcome> {
    const { projection, log, checkpoints } = running
    const onMeasure = report(projection, log.partition, options, deps.onProjection)
    const limits = { page: pageLimits(options.page) }
    const runner = { projection, source: log.source, checkpoints, clock, ids: deps.ids, limits, onMeasure }
    return runProjection(runner, { signal: options.signal ?? new AbortController().signal, ...how })
  }

  async function statuses(log: ProjectedLog): Promise<ReadonlyArray<ProjectionStatus>> {
    const { source, partition } = log
    const recorded = await checkpointStore(deps.pointers, log).list()
    const head = await source.head()
    return recorded.flatMap(({ name, serving, checkpoints }) =>
      [...checkpoints]
        .sort(([a], [b]) => a - b)
        .map(([version, checkpoint]) =>
          statusOf({ name, version, partition, checkpoint, head, serves: serving?.version === version }),
        ),
    )
  }

  async function statusAfter(log: ProjectedLog, { name, version }: DefinedProjection): Promise<ProjectionStatus> {
    const found = (await statuses(log)).find((each) => each.name === name && each.version === version)
    if (found !== undefined) return found
    const problem = `version ${version} is out of date: a newer one serves`
    throw annalsError('InvalidInput', { what: `projection ${name}`, problem })
  }

  async function run(tenant: string, all: ReadonlyArray<DefinedProjection>, options: RunProjectionsOptions) {
    // A failure stops none of the others, and nothing goes on behind the back of a caller who hears of it.
    const logs = await deps.logsOf(tenant)
    const each = logs.flatMap((log) => all.map((defined) => ({ log, defined })))
    const ends = await Promise.allSettled(
      each.map(({ log, defined }) => runOne(boundTo(log, defined), options, { toHead: true })),
    )
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    if (options.signal?.aborted === true) throw annalsError('Cancelled', { what: 'projecting' })
    return Promise.all(each.map(({ log, defined }) => statusAfter(log, defined)))
  }

  const fp: ProjectionsFp = {
    list: (tenant) => attempt(async () => (await Promise.all((await deps.logsOf(tenant)).map(statuses))).flat()),
    run: (tenant, all, options = {}) => attempt(() => run(tenant, all, options)),
    rebuild: (tenant, defined, options = {}) =>
      attempt(async () => {
        for (const log of await deps.logsOf(tenant)) {
          const { checkpoints, projection } = boundTo(log, defined)
          await requestRebuild(checkpoints, projection, clock.now())
        }
        return run(tenant, [defined], options)
      }),
    resume: (tenant, name) =>
      attempt(async () => {
        const each = (await deps.logsOf(tenant)).map((log) => checkpointStore(deps.pointers, log))
        const recorded = await Promise.all(
          each.map(async (checkpoints) => ({
            checkpoints,
            found: (await checkpoints.list()).find((one) => one.name === name),
          })),
        )
        if (recorded.every(({ found }) => found === undefined))
          throw annalsError('InvalidInput', { what: 'projection', problem: `'${name}' has never run on '${tenant}'` })
        const resumed = recorded.flatMap(({ checkpoints, found }) =>
          [...(found?.checkpoints.keys() ?? [])].map((version) =>
            resumeParked(checkpoints, { name, version }, clock.now()),
          ),
        )
        return (await Promise.all(resumed)).includes(true)
      }),
  }

  function startWork(all: ReadonlyArray<DefinedProjection>, options: WorkOptions = {}): Worker {
    const stopping = new AbortController()
    const { leaseMs = defaultLeaseMs, onFailure = () => undefined } = options
    // What cannot be is said now, rather than by every task.
    pageLimits(options.page)
    const listTenants = remembered(clock, tenantsMs, async () => {
      const tenants = await collect(options.tenants ?? deps.tenants())
      return mapBounded(tenants, tenantsAtOnce, async (tenant) => ({ tenant, logs: await logsOrNone(tenant) }))
    })
    const name = `${deps.workerName}:${deps.ids.uuid().slice(-8)}`
    const tasks = async (): Promise<ReadonlyArray<Task>> =>
      (await listTenants()).flatMap(({ tenant, logs }) => all.flatMap((each) => tasksOf(tenant, logs, each, options)))
    const ended = work(
      { ...deps, name, leaseMs, tasks, onFailure: (error, task) => onFailure(error, task ?? 'leases') },
      stopping.signal,
    )
    const worker: Worker = {
      name,
      stop: async () => {
        stopping.abort()
        await ended
        workers.delete(worker)
      },
    }
    workers.add(worker)
    return worker
  }

  /** One for each log. What cannot be told now is asked again by the one task of the first log, which says why it fails. */
  function tasksOf(
    tenant: string,
    logs: ReadonlyArray<ProjectedLog> | undefined,
    defined: DefinedProjection,
    options: WorkOptions,
  ): ReadonlyArray<Task> {
    const key = (partition: number): string => leaseSk(tenant, partition, `${defined.name}@${defined.version}`)
    const task = (log: ProjectedLog) => async (signal: AbortSignal) => {
      await runOne(boundTo(log, defined), { ...options, signal }, { lingerMs: options.lingerMs ?? 0 })
    }
    if (logs !== undefined) return logs.map((log) => ({ key: key(log.partition), run: task(log) }))
    const first = async (): Promise<ProjectedLog> => (await deps.logsOf(tenant))[0] as ProjectedLog
    return [{ key: key(0), run: async (signal) => task(await first())(signal) }]
  }

  const logsOrNone = (tenant: string): Promise<ReadonlyArray<ProjectedLog> | undefined> =>
    deps.logsOf(tenant).catch((error) => {
      if (isAnnalsError(error)) return undefined
      throw error
    })

  return {
    fp,
    projections: { ...promised(fp), work: startWork },
    close: async () => {
      await Promise.all([...workers].map((worker) => worker.stop()))
    },
  }
}

type Following = Pick<RunOptions, 'toHead' | 'lingerMs'>

interface Running {
  readonly log: ProjectedLog
  readonly checkpoints: CheckpointStore
  readonly projection: Projection
}

interface Recorded {
  readonly name: string
  readonly version: number
  readonly partition: number
  readonly checkpoint: Checkpoint
  readonly head: { readonly seq: number; readonly at: number }
  readonly serves: boolean
}

function statusOf({ name, version, partition, checkpoint, head, serves }: Recorded): ProjectionStatus {
  const { place, state, parked, savedAt } = checkpoint
  const commits = Math.max(0, head.seq - place.seq)
  return {
    name,
    version,
    partition,
    state,
    serves,
    settings: checkpoint.settings,
    seq: place.seq,
    lag: { commits, seconds: commits === 0 || place.seq === 0 ? 0 : (head.at - place.at) / 1_000_000 },
    ...(parked === undefined
      ? undefined
      : { parked: { position: parked.position, cause: parked.cause, failures: parked.failures } }),
    savedAt: formatInstant(savedAt),
  }
}

function report(
  { name }: Projection,
  partition: number,
  { onProgress, onFailure }: RunProjectionsOptions,
  tell: ProjectionsDeps['onProjection'],
): (measure: Measure) => void {
  let events = 0
  return (measure) => {
    const { kind } = measure
    if (kind === 'failure') onFailure?.(measure.error, name)
    if (kind !== 'page') return tell?.({ projection: name, outcome: kind, events: 0, ms: 0, lag: 0 })
    const { place, head, ms } = measure
    events += measure.events
    tell?.({ projection: name, outcome: kind, events: measure.events, ms, lag: head - place.seq })
    onProgress?.({ projection: name, partition, done: place.seq, total: head, events })
  }
}

/** Asks again only when the last answer is too old. */
function remembered<A>(clock: Clock, ms: number, ask: () => Promise<A>): () => Promise<A> {
  let last: { readonly answer: A; readonly until: number } | undefined
  return async () => {
    if (last === undefined || clock.now() >= last.until) last = { answer: await ask(), until: clock.now() + ms * 1000 }
    return last.answer
  }
}

async function collect<A>(all: Iterable<A> | AsyncIterable<A>): Promise<A[]> {
  const found: A[] = []
  for await (const each of all) found.push(each)
  return found
}
