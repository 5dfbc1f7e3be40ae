/**
 * Brings an export to its end, or follows whoever does. A process that works on it holds its lease and renews it; one that died is
 * replaced when its lease ends. Each run counts up the epoch of the state first, so that whoever it replaced can no longer move it.
 */
import { Buffer } from 'node:buffer'
import { backoffMs } from '../../../domain/backoff.js'
import { type AnnalsError, annalsError, isAnnalsError } from '../../../domain/error.js'
import type { Clock, Ids, PointerStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { childOf } from '../../../projections/stopping.js'
import { keepLease, type Lease, takeLease } from '../../lease.js'
import type { Limits } from '../../limits.js'
import type { ExportPart, ExportProgress } from './api.js'
import { leaseKey, toldOf } from './lease.js'
import { manifestOf } from './manifest.js'
import { partsIn, type Sink } from './parts.js'
import { removeFiles } from './remove.js'
import { runExport } from './run.js'
import type { Selection } from './selection.js'
import { type ExportedLog, settled } from './snapshot.js'
import { type Journal, type StoredExport, totalOf } from './state.js'

export interface DriveDeps {
  readonly tenant: string
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly ids: Ids
  readonly limits: Limits
  readonly journal: Journal
  /** All logs of the tenant. */
  readonly logs: ReadonlyArray<ExportedLog>
  selectionOf(state: StoredExport, logs: ReadonlyArray<ExportedLog>): Promise<Selection>
  /** Where the parts go, for as long as `use` takes. */
  withSink<A>(state: StoredExport, use: (sink: Sink) => Promise<A>): Promise<A>
  /** Hears how far it has come, and of each part that is there. */
  readonly onProgress: (progress: ExportProgress) => void
  readonly onPart: (part: ExportPart) => void
}

/** How often to look what becomes of an export that another process has, in milliseconds. */
export const followMs = 1_000
/** Trouble with the storage is waited out, so many times in a row without a checkpoint between. */
const maxFailures = 12
const pauseFactor = 30

export const isEnded = ({ state }: StoredExport): boolean => state !== 'accepted' && state !== 'in-progress'

/** The state at its end. Throws where it has none yet: trouble that does not pass, or `Cancelled` when the signal aborts. */
export async function driveExport(deps: DriveDeps, job: string, signal: AbortSignal): Promise<StoredExport> {
  const { clock, ids } = deps
  const leaseMs = deps.limits.exportLeaseMs
  let failures = 0
  let lastRead: number | undefined
  let hasWorked = false
  for (;;) {
    try {
      const state = await deps.journal.read(job)
      if (state === undefined) throw annalsError('InvalidInput', { what: 'export', problem: `'${job}' was removed` })
      if (isEnded(state)) {
        if (hasWorked && state.state === 'cancelled') await removeOwn(deps, state)
        return state
      }
      if (signal.aborted) throw annalsError('Cancelled', { what: 'this run of the export, which can be resumed,' })
      if (state.read !== lastRead) failures = 0
      lastRead = state.read
      const lease = await takeLease(deps, leaseKey(deps.tenant, job), leaseMs)
      if (lease === undefined) await clock.sleep(Math.min(followMs, leaseMs / 3), signal)
      else {
        hasWorked = true
        await workOn(deps, job, lease, signal)
      }
    } catch (error) {
      if (!isAnnalsError(error) || !error.retryable || ++failures === maxFailures) throw error
      await clock.sleep(pauseFactor * backoffMs(failures, ids.random()), signal)
    }
  }
}

/** What was still being written when another process cancelled it. A place outside may be of another export by now. */
async function removeOwn({ withSink }: DriveDeps, state: StoredExport): Promise<void> {
  if (state.request.to === undefined) await withSink(state, removeFiles)
}

/** One run, with its lease. Throws what may pass. */
async function workOn(deps: DriveDeps, job: string, lease: Lease, signal: AbortSignal): Promise<void> {
  const { signal: stopping, release: stop } = childOf(signal)
  let progress: ExportProgress = { commits: 0, resources: 0, bytes: 0 }
  let epoch: number | undefined
  const onProgress = (now: ExportProgress): void => {
    progress = now
    deps.onProgress(now)
  }
  const renewing = keepLease(deps, lease, stopping, stop, {
    leaseMs: deps.limits.exportLeaseMs,
    told: () => toldOf(progress),
  })
  try {
    await runOnce({ ...deps, onProgress }, job, stopping, (begun) => {
      epoch = begun.epoch
    })
    stop()
    await renewing
    await lease.end()
  } catch (error) {
    stop()
    await renewing
    const isFinal = isAnnalsError(error) && !error.retryable && error._tag !== 'Cancelled'
    if (isFinal) await fail(deps, job, epoch, error)
    await (isFinal ? lease.end() : lease.release())
    // What has ended it otherwise says the state: it has failed, was cancelled, or is another's.
    if (!isAnnalsError(error) || error.retryable) throw error
  }
}

async function runOnce(
  deps: DriveDeps,
  job: string,
  signal: AbortSignal,
  onBegun: (begun: StoredExport) => void,
): Promise<void> {
  const { journal, clock } = deps
  const begun = await begin(deps, job, signal)
  if (begun === undefined) return
  onBegun(begun)
  const logs = logsOf(deps.logs, begun)
  const selection = await deps.selectionOf(begun, logs)
  await deps.withSink(begun, async (sink) => {
    const done = await runExport({ ...deps, logs, selection, sink, signal }, begun)
    const manifest = Buffer.from(JSON.stringify(manifestOf(done.instant, partsIn(done.parts))))
    await run(sink.blobs.createIfAbsent(`${sink.prefix}manifest.json`, manifest))
    await journal.move(job, (state) =>
      isOurs(state, begun)
        ? {
            ...done,
            state: 'complete',
            movedAt: clock.now(),
            endedAt: clock.now(),
            place: { log: logs.length, seq: 0 },
          }
        : undefined,
    )
  })
}

const isOurs = (state: StoredExport, begun: StoredExport): boolean =>
  state.state === 'in-progress' && state.epoch === begun.epoch

/** Takes the state over, with the snapshot settled. `undefined`: it has ended meanwhile. */
async function begin(deps: DriveDeps, job: string, signal: AbortSignal): Promise<StoredExport | undefined> {
  const { journal, clock } = deps
  const state = await journal.read(job)
  if (state === undefined || isEnded(state)) return undefined
  const logs = logsOf(deps.logs, state)
  const ends = state.settled ? state.ends : await settled(deps, logs, state, signal)
  const total = totalOf(state.request, ends)
  const begun = await journal.move(job, (now) => {
    if (isEnded(now)) return undefined
    const epoch = now.epoch + 1
    const progress = { ...now.progress, total }
    const place = now.settled ? now.place : { log: 0, seq: ends[0]?.seq ?? 0 }
    const firm = now.settled ? { ends: now.ends, place } : { ends, place }
    return { ...now, ...firm, settled: true, state: 'in-progress', epoch, progress, movedAt: clock.now() }
  })
  return begun?.moved === true ? begun.state : undefined
}

/** Those of the snapshot, in its order. */
const logsOf = (logs: ReadonlyArray<ExportedLog>, { ends }: StoredExport): ExportedLog[] =>
  ends.map(({ partition }) => logs[partition] as ExportedLog)

/** `epoch`: of the run, if it had begun. One that was replaced fails alone. */
async function fail(
  { journal, clock }: DriveDeps,
  job: string,
  epoch: number | undefined,
  error: AnnalsError,
): Promise<void> {
  const { _tag: tag, data } = error
  await journal.move(job, (state) =>
    isEnded(state) || state.epoch !== (epoch ?? state.epoch)
      ? undefined
      : { ...state, state: 'error', movedAt: clock.now(), endedAt: clock.now(), error: { tag, data: { ...data } } },
  )
}
