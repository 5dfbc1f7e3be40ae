/** The exports of a tenant: begins, lists, resumes, cancels and removes them. */
import { sha256 } from '../../../domain/commit.js'
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import type { FhirVersion } from '../../../domain/fhir/version.js'
import { exportPrefix, exportsPrefix } from '../../../domain/keys.js'
import { type ByteRange, type Clock, type Ids, maxSignedUrlMs, type PointerStore } from '../../../domain/ports/index.js'
import type { Kind } from '../../../domain/resource.js'
import { attempt, run } from '../../../domain/task.js'
import { everyName } from '../../../domain/walk.js'
import { isHeld } from '../../lease.js'
import type { Limits } from '../../limits.js'
import { forEachOf } from '../each.js'
import type {
  ExportingFp,
  ExportJob,
  ExportOptions,
  ExportPart,
  ExportProgress,
  ExportState,
  ExportStatus,
} from './api.js'
import { type DriveDeps, driveExport, isEnded } from './drive.js'
import { makeJob } from './job.js'
import { leaseOf, offer, progressOf, revoke } from './lease.js'
import { partsIn } from './parts.js'
import { checkPatients, patientsOf } from './patients.js'
import { checkEmpty, type SinkDeps, withSink } from './places.js'
import { removeExport, removeFiles } from './remove.js'
import { checkJob, requestOf } from './request.js'
import type { RunningExports } from './running.js'
import { makeSelection } from './selection.js'
import { type ExportedLog, snapshotOf } from './snapshot.js'
import { type ExportRequest, type Journal, makeJournal, type StoredExport, totalOf } from './state.js'
import { expiryOf, statusOf } from './status.js'

export interface ExportingDeps extends SinkDeps {
  readonly kind: Kind
  readonly fhirVersion: FhirVersion
  readonly shards: number
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly ids: Ids
  readonly limits: Limits
  /** All logs of the tenant, in order, patient by themselves. */
  readonly logs: ReadonlyArray<ExportedLog>
  readonly running: RunningExports
}

export interface Exporting {
  readonly fp: ExportingFp
  /** For workers: goes on with an export that nobody works on. */
  takeUp(id: string): Promise<void>
}

/** `partition`: exports of one log alone. */
export function makeExporting(deps: ExportingDeps, partition?: number): Exporting {
  const { tenant, blobs, clock, ids, limits, running } = deps
  const journal = makeJournal(tenant, blobs)

  async function begin(options: ExportOptions): Promise<ExportJob> {
    const id = checkJob(options.id ?? ids.uuid())
    if (options.keepMs !== undefined && !(options.keepMs >= 0))
      throw invalid('keepMs', 'it is a number of milliseconds')
    const request = await requested(options)
    const digest = sha256(JSON.stringify(request))
    const there = options.id === undefined ? undefined : await journal.read(id)
    if (there !== undefined) return jobOf(checkSame(there, digest))
    running.checkRoom(tenant)
    if (request.to !== undefined) await checkEmpty(deps.places, request.to)
    const state = await journal.create(await initial(id, digest, request, options))
    checkSame(state, digest)
    await offer(deps, id)
    return jobOf(state)
  }

  async function requested(options: ExportOptions): Promise<ExportRequest> {
    const request = await requestOf(deps, options)
    const { to } = request
    return {
      ...request,
      ...(to === undefined ? undefined : { to: deps.places.resolve(to) }),
      ...(partition === undefined ? undefined : { partition }),
    }
  }

  async function initial(
    id: string,
    digest: string,
    request: ExportRequest,
    { actor, note, keepMs = limits.exportKeepMs }: ExportOptions,
  ): Promise<Omit<StoredExport, 'format'>> {
    const logs = chosen(deps.logs, request)
    const { instant, ends } = await snapshotOf(logs, request.until)
    await checkPatients({ logs, ends, limits }, request)
    const now = clock.now()
    return {
      id,
      digest,
      state: 'accepted',
      epoch: 0,
      actor,
      note,
      request,
      bounds: {
        partBytes: limits.exportPartBytes,
        bufferBytes: limits.exportBufferBytes,
        checkpointBytes: limits.exportCheckpointBytes,
      },
      keepMs,
      createdAt: now,
      movedAt: now,
      endedAt: undefined,
      instant,
      ends: [...ends],
      settled: ends.length === 1,
      place: { log: 0, seq: ends[0]?.seq ?? 0 },
      read: 0,
      progress: { commits: 0, total: totalOf(request, ends), resources: 0, bytes: 0 },
      parts: { output: {}, deleted: [], error: [] },
      error: undefined,
    }
  }

  /** Runs it here, unless it has ended. */
  function jobOf({ id }: Pick<StoredExport, 'id'>): ExportJob {
    const started = running.start(tenant, keyOf(id), (hearing, signal) =>
      driveExport({ ...driving(deps, journal), ...hearing }, id, signal),
    )
    return makeJob({ id, clock, running: started, status: () => statusNow(id), cancel: () => cancel(id) })
  }

  const keyOf = (id: string): string => exportPrefix(tenant, id)

  async function status(id: string): Promise<ExportStatus | undefined> {
    const state = await journal.read(checkJob(id))
    if (state === undefined) return undefined
    return statusOf(state, running.find(keyOf(id))?.progress ?? (isEnded(state) ? undefined : await progressTold(id)))
  }

  /** What whoever works on it says. */
  async function progressTold(id: string): Promise<ExportProgress | undefined> {
    const lease = await leaseOf(deps, id)
    return lease && progressOf(lease)
  }

  async function statusNow(id: string): Promise<ExportStatus> {
    return (await status(id)) ?? unknown(id)
  }

  async function resume(id: string): Promise<ExportJob> {
    const moved = await journal.move(checkJob(id), (state) =>
      state.state === 'error'
        ? { ...state, state: 'in-progress', movedAt: clock.now(), endedAt: undefined, error: undefined }
        : undefined,
    )
    return jobOf(moved?.state ?? unknown(id))
  }

  async function cancel(id: string): Promise<ExportStatus> {
    const moved = await journal.move(checkJob(id), (state) =>
      state.state === 'cancelled'
        ? undefined
        : { ...state, state: 'cancelled', movedAt: clock.now(), endedAt: clock.now(), error: undefined },
    )
    const { state } = moved ?? unknown(id)
    await revoke(deps, id)
    // Nothing of it is written any more, if it runs here. Elsewhere it is heard of within seconds.
    const here = running.find(keyOf(id))
    here?.stop()
    await here?.ended.catch(() => undefined)
    await withSink(deps, state, removeFiles)
    return statusOf(state)
  }

  async function list({ state }: { readonly state?: ExportState } = {}): Promise<ExportStatus[]> {
    const found: ExportStatus[] = []
    for await (const [id = ''] of everyName(blobs, exportsPrefix(tenant))) {
      const known = await status(id)
      if (known !== undefined && (state === undefined || known.state === state)) found.push(known)
    }
    return found
  }

  async function cleanup(): Promise<number> {
    let removed = 0
    await forEachOf(everyName(blobs, exportsPrefix(tenant)), async ([id = '']) => {
      if (running.find(keyOf(id)) !== undefined) return
      const state = await journal.read(id)
      const lease = state === undefined || isEnded(state) ? undefined : await leaseOf(deps, id)
      if (state !== undefined && (expiryOf(state) > clock.now() || (lease !== undefined && isHeld(lease, clock)))) {
        // Whoever asked for it may have died before it was offered, or the pointers were lost.
        if (lease === undefined && !isEnded(state)) await offer(deps, id)
        return
      }
      await removeExport(blobs, tenant, id)
      await revoke(deps, id)
      if (state !== undefined) removed++
    })
    return removed
  }

  /** What is offered, if it has no end yet. A folder is of the machine of whoever has named it, and this may be another one. */
  async function takeUp(id: string): Promise<void> {
    const state = await journal.read(id)
    if (state === undefined || isEnded(state)) await revoke(deps, id)
    else if (!isFolder(state.request.to)) jobOf(state)
  }

  /** What is known to be a part: nothing else can be asked for. */
  async function partsOf(
    id: string,
  ): Promise<{ readonly state: StoredExport; readonly parts: ReadonlyArray<ExportPart> }> {
    const state = (await journal.read(checkJob(id))) ?? unknown(id)
    // From the state, or from its run here.
    const parts = [...partsIn(state.parts), ...(running.find(keyOf(id))?.parts ?? [])]
    return { state, parts: state.state === 'cancelled' ? [] : parts }
  }

  async function read(id: string, name: string, range?: ByteRange): Promise<Uint8Array> {
    const { state, parts } = await partsOf(id)
    if (!parts.some((each) => each.name === name))
      throw invalid('part', `the export '${id}' has no part '${name.slice(0, 64)}'`)
    return withSink(deps, state, async ({ blobs, prefix }) => {
      const blob = await run(blobs.get(prefix + name, range))
      if (blob !== undefined) return blob.bytes
      throw annalsError('Corrupt', { key: prefix + name, problem: 'the part is missing, though the export names it' })
    })
  }

  async function signedUrls(id: string, ms: number): Promise<ReadonlyMap<string, string> | undefined> {
    if (!Number.isSafeInteger(ms) || ms < 1_000 || ms > maxSignedUrlMs)
      throw invalid('ms', 'a signed URL is good for a second to a week, in milliseconds')
    const { state, parts } = await partsOf(id)
    const options = { ms, contentType: 'application/fhir+ndjson' }
    return withSink(deps, state, async ({ blobs: { signedUrl }, prefix }) => {
      if (signedUrl === undefined) return undefined
      const sign = async ({ name }: ExportPart) => [name, await run(signedUrl(prefix + name, options))] as const
      return new Map(await Promise.all(parts.map(sign)))
    })
  }

  const fp: ExportingFp = {
    export: (options = {}) => attempt(() => begin(options)),
    exports: {
      list: (options) => attempt(() => list(options)),
      status: (id) => attempt(() => status(id)),
      resume: (id) => attempt(() => resume(id)),
      cancel: (id) => attempt(() => cancel(id)),
      cleanup: () => attempt(cleanup),
      read: (id, name, range) => attempt(() => read(id, name, range)),
      signedUrls: (id, ms) => attempt(() => signedUrls(id, ms)),
    },
  }
  return { fp, takeUp }
}

const driving = (deps: ExportingDeps, journal: Journal): Omit<DriveDeps, 'onProgress' | 'onPart'> => ({
  ...deps,
  journal,
  selectionOf: async ({ request, ends }, logs) =>
    makeSelection(request, deps.fhirVersion, await patientsOf({ logs, ends, limits: deps.limits }, request)),
  withSink: (state, use) => withSink(deps, state, use),
})

const isFolder = (to: string | undefined): boolean => to?.startsWith('file:') === true

const chosen = (logs: ReadonlyArray<ExportedLog>, { partition }: ExportRequest): ReadonlyArray<ExportedLog> =>
  partition === undefined ? logs : logs.filter(({ log }) => log.partition === partition)

function checkSame(state: StoredExport, digest: string): StoredExport {
  if (state.digest === digest) return state
  throw invalid('id', 'there is another export of this id; give this one its own')
}

function unknown(id: string): never {
  throw invalid('export', `this tenant has no export '${id.slice(0, 64)}'`)
}

const invalid = (what: string, problem: string): AnnalsError => annalsError('InvalidInput', { what, problem })
