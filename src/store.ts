/** A store over any adapters: opens tenants once each, and closes what it opened. */
import { hostname } from 'node:os'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type AnnalsError, annalsError } from '../domain/error.js'
import { formatInstant } from '../domain/instant.js'
import { decodeSegment, storeManifestKey, tenantKey } from '../domain/keys.js'
import type { BlobStore, Clock, Doorbell, Ids, PointerStore } from '../domain/ports/index.js'
import { isShards, maxShards } from '../domain/shards.js'
import { attempt, orThrow, run } from '../domain/task.js'
import {
  decodeStoreManifest,
  encodeManifest,
  storeFormat,
  type TenantManifest,
  tenantFormat,
} from '../domain/tenant.js'
import type { DoctorFinding, SnapshotFp, StoreFp, Streams, TenantFp, TenantOptions } from './api.js'
import { copyTenant } from './copy/copy.js'
import { lend, sideOf } from './copy/side.js'
import { examine } from './doctor.js'
import type { Limits } from './limits.js'
import { openLog } from './open-log.js'
import type { ProjectionsFp } from './project/api.js'
import { makeProjections, type ProjectedLog, type ProjectionMeasure, type Projections } from './project/projections.js'
import { eventLookup, eventSource } from './project/source.js'
import { tracesOf } from './project/traces.js'
import { type Promised, promised } from './promised.js'
import { makeHistory } from './read/history.js'
import { makeListing } from './read/listing.js'
import { type LogReader, makeLogReader } from './read/log-reader.js'
import { makeMatching } from './read/matching.js'
import { makeReader } from './read/reader.js'
import { type RecoverDeps, recoverLog } from './recover/recover.js'
import { verifyLog } from './recover/verify.js'
import { makeSagas, type Sagas, type SagasFp } from './saga/sagas.js'
import { makeTenant } from './tenant.js'
import { readTenantManifest } from './tenant-manifest.js'
import { type BatonOptions, makeBaton } from './write/baton.js'
import { type LogWriter, makeLogWriter } from './write/log-writer.js'

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
  /** Over how many shards the indexes of each type are spread. */
  readonly shards: number
  snapshot(): Promise<Promised<SnapshotFp> & { readonly fp: SnapshotFp }>
  /** The same functions as `TaskEither`s. */
  readonly fp: TenantFp
}

export interface Store extends Promised<StoreFp> {
  readonly url: string
  /** Opens a tenant, and creates it unless told not to. */
  tenant(name: string, options?: TenantOptions): Promise<Tenant>
  /** The names of all tenants, in key order. */
  tenants(): AsyncIterable<string>
  /** What is folded from the logs: see `ProjectionsFp`. */
  readonly projections: Projections
  /** What `saga` has begun: see `SagasFp`. */
  readonly sagas: Sagas
  readonly fp: StoreFp & {
    readonly projections: ProjectionsFp
    readonly sagas: SagasFp
    tenant(name: string, options?: TenantOptions): TaskEither<AnnalsError, Tenant>
  }
}

interface OpenTenant {
  readonly tenant: Tenant
  readonly writer: LogWriter
}

/** The only partition, until tenants may have several. */
const partition = 0

/** How often to look whether another process has finished its recovery, in milliseconds. */
const recoveryPollMs = 200

export async function makeStore(adapters: Adapters, settings: StoreSettings): Promise<Store> {
  const { blobs, pointers, clock, ids, url } = adapters
  const { limits } = settings
  /** For those who read each body once: none is kept. */
  const uncached: Limits = { ...limits, cacheBytes: 0 }
  const writerName = `${hostname()}:${process.pid}:${ids.uuid().slice(-8)}`
  const open = new Map<string, Promise<OpenTenant>>()
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
      const { kind = 'fhir', shards = 1 } = options
      const created = formatInstant(clock.now())
      const manifest: TenantManifest = {
        format: tenantFormat,
        tenant: name,
        kind,
        partitions: 1,
        ...(shards === 1 ? undefined : { shards }),
        created,
      }
      await run(blobs.createIfAbsent(tenantKey(name), encodeManifest(manifest)))
    }
  }

  async function openTenant(name: string, options: TenantOptions): Promise<OpenTenant> {
    const { kind, shards = 1 } = await manifestOf(name, options)
    const log = makeLogReader({ tenant: name, partition, blobs })
    const reader = makeReader({ tenant: name, blobs, pointers, log, limits })
    const passing = makeReader({ tenant: name, blobs, pointers, log, limits: uncached })
    const matching = makeMatching({ log, pointers, reader, limits })
    const deps = { ...adapters, tenant: name, shards, log, reader, matching, limits, writer: writerName }
    const head = await openOrRecover(() => openLog(deps), deps)
    const writer = makeLogWriter(
      {
        ...deps,
        makeBaton: (signal, onWait) => makeBaton({ ...deps, partition, signal, onWait, options: adapters.baton }),
      },
      head,
    )
    const history = makeHistory(deps)
    const faces = makeTenant({ ...deps, name, kind, passing, writer, history, listing: makeListing(deps) })
    return { writer, tenant: withPromises({ name, kind, shards }, faces) }
  }

  /** Where lost pointers may be rebuilt without asking, whoever comes first does it and the others wait. */
  async function openOrRecover<A>(openIt: () => Promise<A>, deps: RecoverDeps): Promise<A> {
    for (;;) {
      try {
        return await openIt()
      } catch (error) {
        const lost = (error as AnnalsError)._tag === 'NeedsRecovery'
        if (!lost || !(settings.recover || adapters.pointersLost)) throw error
      }
      const recovered = await attempt(() => recoverLog(deps))()
      if (recovered._tag === 'Right') continue
      if (recovered.left._tag !== 'Unavailable') throw recovered.left
      await clock.sleep(recoveryPollMs)
    }
  }

  async function tenant(name: string, options: TenantOptions = {}): Promise<Tenant> {
    if (closing !== undefined) throw annalsError('Cancelled', { what: 'opening a tenant' })
    if (options.shards !== undefined && !isShards(options.shards))
      throw annalsError('InvalidInput', { what: 'shards', problem: `a whole number from 1 to ${maxShards}` })
    let opening = open.get(name)
    if (opening === undefined) {
      opening = openTenant(name, options)
      open.set(name, opening)
      opening.catch(() => open.delete(name))
    }
    const { tenant } = await opening
    for (const what of ['kind', 'shards'] as const) {
      const [expected, actual] = [options[what], tenant[what]]
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
      await Promise.all(opened.map((each) => (each.status === 'fulfilled' ? each.value.writer.close() : undefined)))
      await projecting.close()
      await lent.end()
      await adapters.close()
    })()
    return closing
  }

  const checks = async (name: string): Promise<Parameters<typeof verifyLog>[0]> => {
    const { log, lookup, shards } = await logOf(name)
    return { ...adapters, tenant: name, shards, log, lookup }
  }

  async function logOf(name: string): Promise<ProjectedLog & { readonly log: LogReader }> {
    const { shards = 1 } = await manifestOf(name, { create: false })
    const log = makeLogReader({ tenant: name, partition, blobs })
    const reader = makeReader({ tenant: name, blobs, pointers, log, limits: uncached })
    const source = eventSource({ ...adapters, log, reader, limits })
    return { tenant: name, partition, shards, blobs, pointers, log, source, lookup: eventLookup(log, reader) }
  }

  const projecting = makeProjections({ ...adapters, workerName: writerName, logOf, tenants })

  const lent = lend({
    ...adapters,
    limits,
    partition,
    open: (name, shards) => {
      const deps = { ...adapters, tenant: name, shards, log: makeLogReader({ tenant: name, partition, blobs }) }
      return openOrRecover(() => openLog(deps), deps)
    },
    verify: async (name, options) => verifyLog(await checks(name), options),
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
        const found = options?.projections ?? (await tracesOf(await logOf(name)))
        const report = await recoverLog(await checks(name), options)
        const run = { signal: options?.signal, onProgress: options?.onProjection }
        const projections = await Promise.all(found.map((each) => projecting.projections.rebuild(name, each, run)))
        return { ...report, projections }
      }),
    verify: (name, options = {}) => attempt(() => lent.side.verify(name, options)),
    doctor: (options = {}) =>
      attempt(async () => {
        if (options.tenant !== undefined) await manifestOf(options.tenant, { create: false })
        return examine({ ...adapters, limits, tenants }, options)
      }),
    copy: (name, destination, options) => attempt(() => copyTenant(lent.side, sideOf(destination), name, options)),
    close: () => attempt(closeOnce),
  }
  return lent.to({
    ...promised(fp),
    url,
    tenant,
    tenants,
    projections: projecting.projections,
    sagas: making.sagas,
    fp: {
      ...fp,
      projections: projecting.fp,
      sagas: making.fp,
      tenant: (name, options) => attempt(() => tenant(name, options)),
    },
  })
}

function withPromises(
  tenant: Pick<Tenant, 'name' | 'kind' | 'shards'>,
  { fp, streams }: ReturnType<typeof makeTenant>,
): Tenant {
  return {
    ...promised(fp),
    ...streams,
    ...tenant,
    snapshot: async () => {
      const snapshot = await run(fp.snapshot())
      return { ...promised(snapshot), fp: snapshot }
    },
    fp,
  }
}
