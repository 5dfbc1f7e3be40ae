/** A store over any adapters: opens tenants once each, and closes what it opened. */
import { hostname } from 'node:os'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type AnnalsError, annalsError } from '../domain/error.js'
import { defaultFhirVersion, type FhirVersion, fhirVersions, isFhirVersion } from '../domain/fhir/version.js'
import { formatInstant } from '../domain/instant.js'
import { decodeSegment, storeManifestKey, tenantKey } from '../domain/keys.js'
import { isPartitions, maxPartitions } from '../domain/partitions.js'
import type { BlobStore, Clock, Doorbell, Ids, PointerStore, Sources } from '../domain/ports/index.js'
import { isShards, maxShards } from '../domain/shards.js'
import { attempt, orThrow, run } from '../domain/task.js'
import {
  decodeStoreManifest,
  encodeManifest,
  fhirVersionOf,
  storeFormat,
  type TenantManifest,
  tenantFormat,
} from '../domain/tenant.js'
import type { DoctorFinding, SnapshotFp, StoreActivity, StoreFp, Streams, TenantFp, TenantOptions } from './api.js'
import type { ExportingFp, ExportJob, ExportOptions, ExportsFp } from './bulk/export/api.js'
import { makeExporting } from './bulk/export/exports.js'
import type { ExportPlaces } from './bulk/export/places.js'
import { makeRunning } from './bulk/export/running.js'
import { makeExportWorkers, type StoreExports } from './bulk/export/worker.js'
import type { Submissions } from './bulk/submit/api.js'
import { makeSubmissionWorkers, type StoreSubmissions } from './bulk/submit/worker.js'
import { copyTenant } from './copy/copy.js'
import { lend, sideOf } from './copy/side.js'
import { examine } from './doctor.js'
import type { Limits } from './limits.js'
import { type OpeningDeps, type OpenTenant, openOrRecover, openTenant } from './open-tenant.js'
import { patience, patientBlobs } from './patience.js'
import type { ProjectionsFp } from './project/api.js'
import { makeProjections, type ProjectionMeasure, type Projections } from './project/projections.js'
import { type Promised, promised } from './promised.js'
import { recoverTenant, verifyTenant } from './recover/all-logs.js'
import { makeSagas, type Sagas, type SagasFp } from './saga/sagas.js'
import { type StoredLog, storedLogs } from './stored-logs.js'
import { readTenantManifest } from './tenant-manifest.js'
import type { BatonOptions } from './write/baton.js'

/** The outside worlds that a store uses. */
export interface Adapters {
  readonly url: string
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly doorbell: Doorbell
  readonly clock: Clock
  readonly ids: Ids
  readonly baton: BatonOptions
  /** The pointers could not be trusted and were dropped: tenants rebuild theirs when they are opened. */
  readonly pointersLost: boolean
  /** How often projections look at a head although no bell rang, in milliseconds. */
  readonly pollMs: number
  /** Places outside of the store that exports can be written to. */
  readonly exportPlaces?: ExportPlaces
  /** Where submissions read from (default: nowhere). */
  readonly sources?: Sources
  /** Hears what projections do, for metrics. */
  onProjection?(measure: ProjectionMeasure): void
  /** What only this kind of storage can be asked. */
  inspect?(): TaskEither<AnnalsError, ReadonlyArray<DoctorFinding>>
  close(): Promise<void>
}

export interface StoreSettings {
  readonly limits: Limits
  /** Creates the store where there is none. */
  readonly create: boolean
  /** Rebuilds lost pointers when a tenant is opened, instead of failing with `NeedsRecovery`. */
  readonly recover: boolean
}

export interface Tenant extends Promised<Omit<TenantFp, 'snapshot'>>, Streams {
  readonly name: string
  readonly kind: 'fhir' | 'json'
  /** Of which version of FHIR its resources are; absent where they are plain JSON. */
  readonly fhirVersion?: FhirVersion
  /** Over how many shards the indexes of each type are spread. */
  readonly shards: number
  /** Its logs, each as a tenant of its own, which refuses what is of another log. One log: the tenant itself. */
  readonly partitions: ReadonlyArray<Tenant>
  /** In which of its logs a resource is, by its place in `partitions`. */
  partitionOf(type: string, id: string): number
  snapshot(): Promise<Promised<SnapshotFp> & { readonly fp: SnapshotFp }>
  /** Begins an export of one snapshot, which this process runs, and any other can go on with. */
  export(options?: ExportOptions): Promise<ExportJob>
  /** What `export` has begun: see `ExportsFp`. */
  readonly exports: Promised<ExportsFp>
  /** What is submitted in bulk: see `SubmissionsFp`. */
  readonly submissions: Submissions
  /** The same functions as `TaskEither`s. */
  readonly fp: TenantFp & ExportingFp
}

export interface Store extends Promised<StoreFp> {
  readonly url: string
  /** Opens a tenant, and creates it unless told not to. */
  tenant(name: string, options?: TenantOptions): Promise<Tenant>
  /** The names of all tenants, in key order. */
  tenants(): AsyncIterable<string>
  /** What its writers are about, in this process; costs nothing. */
  activity(): StoreActivity
  /** What is folded from the logs: see `ProjectionsFp`. */
  readonly projections: Projections
  /** What `saga` has begun: see `SagasFp`. */
  readonly sagas: Sagas
  /** What all processes do about the exports of all tenants. */
  readonly exports: StoreExports
  /** Workers on submissions: see `StoreSubmissions`. */
  readonly submissions: StoreSubmissions
  readonly fp: StoreFp & {
    readonly projections: ProjectionsFp
    readonly sagas: SagasFp
    tenant(name: string, options?: TenantOptions): TaskEither<AnnalsError, Tenant>
  }
}

function checkFhirVersion({ kind = 'fhir', fhirVersion }: TenantOptions): void {
  const problem = !isFhirVersion(fhirVersion)
    ? `it is one of ${fhirVersions.join(', ')}`
    : kind === 'json'
      ? 'only tenants of the kind fhir have one'
      : undefined
  if (problem !== undefined) throw annalsError('InvalidInput', { what: 'fhirVersion', problem })
}

export async function makeStore(adapters: Adapters, settings: StoreSettings): Promise<Store> {
  const { blobs, clock, ids, url } = adapters
  const { limits } = settings
  const writerName = `${hostname()}:${process.pid}:${ids.uuid().slice(-8)}`
  const open = new Map<string, Promise<OpenTenant>>()
  const opened = new Set<OpenTenant>()
  let closing: Promise<void> | undefined
  await checkStore()

  async function checkStore(): Promise<void> {
    if (await isStore()) return
    if (!settings.create) throw annalsError('NotAStore', { url, problem: `it has no ${storeManifestKey}` })
    const { entries } = await run(blobs.list('', { limit: 1 }))
    // Whatever a store holds came after its manifest: if another process has just made it, the manifest is there now.
    if (entries.length > 0 && (await isStore())) return
    if (entries.length > 0)
      throw annalsError('NotAStore', { url, problem: `it is not empty and has no ${storeManifestKey}` })
    const created = formatInstant(clock.now())
    await run(blobs.createIfAbsent(storeManifestKey, encodeManifest({ format: storeFormat, created })))
  }

  async function isStore(): Promise<boolean> {
    const manifest = await run(blobs.get(storeManifestKey))
    if (manifest !== undefined) orThrow(decodeStoreManifest(storeManifestKey, manifest.bytes))
    return manifest !== undefined
  }

  async function manifestOf(name: string, options: TenantOptions): Promise<TenantManifest> {
    for (;;) {
      const found = await readTenantManifest(blobs, name)
      if (found !== undefined) return found.manifest
      if (options.create === false) throw annalsError('TenantNotFound', { tenant: name })
      const { kind = 'fhir', shards = 1, partitions = 1, fhirVersion = defaultFhirVersion } = options
      const created = formatInstant(clock.now())
      const manifest: TenantManifest = {
        format: tenantFormat,
        tenant: name,
        kind,
        partitions,
        ...(shards === 1 ? undefined : { shards }),
        ...(fhirVersion === defaultFhirVersion ? undefined : { fhirVersion }),
        created,
      }
      await run(blobs.createIfAbsent(tenantKey(name), encodeManifest(manifest)))
    }
  }

  const opening: OpeningDeps = {
    adapters,
    limits,
    recover: settings.recover || adapters.pointersLost,
    writerName,
    exporting: (manifest, partition) => exportingOf(manifest, partition).fp,
  }

  const running = makeRunning(limits)
  const exported = new Map<string, ReadonlyArray<StoredLog>>()

  function exportingOf(manifest: TenantManifest, partition?: number) {
    const { tenant, kind, shards = 1 } = manifest
    const fhirVersion = fhirVersionOf(manifest) ?? defaultFhirVersion
    const again = patience({ clock, ids, forMs: exportPatienceMs, signal: running.signal })
    const patient = { ...adapters, blobs: patientBlobs(blobs, again) }
    const logs = exported.get(tenant) ?? storedLogs(patient, limits, manifest)
    exported.set(tenant, logs)
    const places = adapters.exportPlaces ?? noPlaces
    return makeExporting(
      { ...patient, tenant, kind, fhirVersion, shards, limits, logs, running, places, again },
      partition,
    )
  }

  async function tenant(name: string, options: TenantOptions = {}): Promise<Tenant> {
    if (closing !== undefined) throw annalsError('Cancelled', { what: 'opening a tenant' })
    if (options.shards !== undefined && !isShards(options.shards))
      throw annalsError('InvalidInput', { what: 'shards', problem: `a whole number from 1 to ${maxShards}` })
    if (options.partitions !== undefined && !isPartitions(options.partitions))
      throw annalsError('InvalidInput', { what: 'partitions', problem: `a whole number from 1 to ${maxPartitions}` })
    if (options.fhirVersion !== undefined) checkFhirVersion(options)
    let found = open.get(name)
    if (found === undefined) {
      found = manifestOf(name, options).then((manifest) => openTenant(opening, manifest))
      open.set(name, found)
      found.then(
        (one) => opened.add(one),
        () => open.delete(name),
      )
    }
    const { tenant } = await found
    const { kind, shards, partitions, fhirVersion = 'none' } = tenant
    const is = { kind, shards, partitions: partitions.length, fhirVersion }
    for (const what of ['kind', 'shards', 'partitions', 'fhirVersion'] as const) {
      const [expected, actual] = [options[what], is[what]]
      if (expected !== undefined && expected !== actual)
        throw annalsError('TenantMismatch', { tenant: name, what, expected, actual })
    }
    return tenant
  }

  async function* tenants(): AsyncGenerator<string> {
    let after: string | undefined
    for (;;) {
      const { entries } = await run(blobs.list('', { after, limit: 1 }))
      const key = entries[0]?.key
      if (key === undefined) return
      const slash = key.indexOf('/')
      if (slash < 0) {
        after = key
        continue
      }
      const segment = key.slice(0, slash)
      if ((await run(blobs.head(`${segment}/tenant.json`))) !== undefined) yield decodeSegment(segment)
      // '0' follows '/': the next key of another tenant.
      after = `${segment}0`
    }
  }

  function closeOnce(): Promise<void> {
    closing ??= (async () => {
      const opened = await Promise.allSettled(open.values())
      await exportWorkers.close()
      await submissionWorkers.close()
      await running.close()
      await Promise.all(opened.map((each) => (each.status === 'fulfilled' ? each.value.close() : undefined)))
      await projecting.close()
      await lent.end()
      await adapters.close()
    })()
    return closing
  }

  function activity(): StoreActivity {
    const sum = { tenants: opened.size, waiting: 0, waitingBytes: 0, commits: 0, events: 0 }
    for (const log of [...opened].flatMap((one) => one.activity())) {
      sum.waiting += log.waiting
      sum.waitingBytes += log.waitingBytes
      sum.commits += log.commits
      sum.events += log.events
    }
    return sum
  }

  /** What a tenant has does not change, so its manifest is read once. */
  const manifests = new Map<string, TenantManifest>()

  async function knownManifest(name: string): Promise<TenantManifest> {
    const manifest = manifests.get(name) ?? (await manifestOf(name, { create: false }))
    manifests.set(name, manifest)
    return manifest
  }

  const logsOf = async (name: string): Promise<ReadonlyArray<StoredLog>> =>
    storedLogs(adapters, limits, await knownManifest(name))

  const exportWorkers = makeExportWorkers({
    ...adapters,
    running,
    tenants,
    exportingOf: async (name) => exportingOf(await knownManifest(name)),
  })

  const submissionWorkers = makeSubmissionWorkers({
    ...adapters,
    submissionsOf: async (name) => (await tenant(name, { create: false })).submissions,
  })

  const projecting = makeProjections({ ...adapters, workerName: writerName, logsOf, tenants })

  const lent = lend({
    ...adapters,
    limits,
    open: (log, shards) => openOrRecover({ ...adapters, tenant: log.tenant, shards, log }, opening.recover),
    verify: async (name, options) => verifyTenant(adapters, await logsOf(name), options),
  })

  const making = makeSagas({ ...adapters, limits, tenant: (name) => tenant(name, { create: false }) })

  const fp: StoreFp = {
    saga: making.saga,
    recover: (name, options) =>
      attempt(async () => {
        if (open.has(name))
          throw annalsError('InvalidInput', {
            what: 'recover',
            problem: `close the store first: it has '${name}' open`,
          })
        return recoverTenant(adapters, await logsOf(name), projecting.projections, options)
      }),
    verify: (name, options = {}) => attempt(() => lent.side.verify(name, options)),
    doctor: (options = {}) =>
      attempt(async () => {
        if (options.tenant !== undefined) await manifestOf(options.tenant, { create: false })
        return examine({ ...adapters, limits, tenants, logsOf }, options)
      }),
    copy: (name, destination, options) => attempt(() => copyTenant(lent.side, sideOf(destination), name, options)),
    close: () => attempt(closeOnce),
  }
  return lent.to({
    ...promised(fp),
    url,
    tenant,
    tenants,
    activity,
    projections: projecting.projections,
    sagas: making.sagas,
    exports: exportWorkers.exports,
    submissions: submissionWorkers.submissions,
    fp: {
      ...fp,
      projections: projecting.fp,
      sagas: making.fp,
      tenant: (name, options) => attempt(() => tenant(name, options)),
    },
  })
}

/** How long a request of an export is repeated before its run ends and begins anew, in milliseconds. */
const exportPatienceMs = 30_000

const noPlaces: ExportPlaces = {
  resolve: () => {
    throw annalsError('NotSupported', { what: 'to', problem: 'a store in memory writes exports to no other place' })
  },
  open: async (url) => noPlaces.resolve(url) as never,
}
