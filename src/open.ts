/** Opens a store by its URL: the only place that knows adapters by name. */
import { type AwsAdapters, type AwsWorld, openAws } from '../adapters/aws/index.js'
import { requestMetrics } from '../adapters/aws/metrics.js'
import { type AwsOptions, awsSettings } from '../adapters/aws/settings.js'
import { openEmbedded } from '../adapters/embedded/index.js'
import { memoryBlobStore, memoryDoorbell, memoryPointerStore } from '../adapters/memory/index.js'
import { systemClock } from '../adapters/system-clock.js'
import { systemIds } from '../adapters/system-ids.js'
import { type Instruments, instruments } from '../adapters/telemetry/meter.js'
import { meteredBlobs, meteredPointers } from '../adapters/telemetry/ports.js'
import { projectionMetrics } from '../adapters/telemetry/projections.js'
import { defaultSourceRules, type SourceRules, webSources } from '../adapters/web/sources.js'
import { annalsError } from '../domain/error.js'
import type { Clock, Ids } from '../domain/ports/index.js'
import { orThrow, run } from '../domain/task.js'
import type { BootstrapReport } from './api.js'
import { folderOf } from './folder-url.js'
import { defaultLimits, type Limits } from './limits.js'
import { makePlaces } from './open-place.js'
import { type Adapters, makeStore, type Store } from './store.js'

export interface OpenOptions {
  /** Creates the store where there is none (default). */
  readonly create?: boolean
  /** Rebuilds lost pointers when a tenant is opened, instead of failing with `NeedsRecovery` (default: no). */
  readonly recover?: boolean
  /** Bounds other than the defaults. */
  readonly limits?: Partial<Limits>
  readonly clock?: Clock
  readonly ids?: Ids
  /** What submissions may read (default: public addresses over HTTP, and no files). */
  readonly sources?: Partial<SourceRules>
  /** For `s3:` stores: what the URL and the environment do not say. */
  readonly aws?: AwsOptions & Pick<AwsWorld, 'credentials' | 'onRequest'>
}

/**
 * `file:./folder` is a folder of this machine, `s3://bucket/prefix?table=name` a bucket and a table, `memory:` is gone with
 * the process.
 */
export async function openStore(url: string, options: OpenOptions = {}): Promise<Store> {
  const { create = true, recover = false } = options
  const { clock = systemClock, ids = systemIds } = options
  const sources = webSources({ ...defaultSourceRules, ...options.sources }, { clock, ids })
  const exportPlaces = makePlaces({ clock, ids, ...worldOf(options) })
  const adapters = metered({ ...(await openAdapters(url, options)), sources, exportPlaces })
  try {
    return await makeStore(adapters, { create, recover, limits: { ...defaultLimits, ...options.limits } })
  } catch (error) {
    await adapters.close()
    throw error
  }
}

/** Local pointer stores are read in microseconds: writers look for others before every commit. */
const localBaton = { leaseMs: 1_000, turnMs: 0, pollMs: 1, lookMs: 0 }
/** A table is asked for others twice a second at most, and only by a writer that writes. */
const remoteBaton = { leaseMs: 3_000, turnMs: 200, pollMs: 25, lookMs: 500 }

/** A stream that cannot be heard rings now and then by itself; a poll is for what it lost. */
const localPollMs = 1_000
const remotePollMs = 15_000

async function openAdapters(url: string, options: OpenOptions): Promise<Adapters> {
  const { create = true, clock = systemClock, ids = systemIds } = options
  if (url === 'memory:')
    return {
      url,
      blobs: memoryBlobStore(),
      pointers: memoryPointerStore({ clock }),
      doorbell: memoryDoorbell(),
      clock,
      ids,
      baton: localBaton,
      pollMs: localPollMs,
      pointersLost: false,
      close: async () => undefined,
    }
  if (url.startsWith('file:')) {
    const embedded = await run(openEmbedded(folderOf(url), { create, clock }))
    return { url, clock, ids, baton: localBaton, pollMs: localPollMs, ...embedded }
  }
  if (isAws(url))
    return {
      url: withoutQuery(url),
      clock,
      ids,
      baton: remoteBaton,
      pollMs: remotePollMs,
      pointersLost: false,
      ...(await aws(url, options)),
    }
  throw annalsError('InvalidInput', { what: 'store', problem: `'${url.slice(0, 200)}' is no store URL; ${urls}` })
}

const urls = 'write file:./folder, s3://bucket/prefix?table=name or memory:'

const isAws = (url: string): boolean => url.startsWith('s3://')

/** Creates what an `s3:` store needs beside its bucket: the table. Idempotent. */
export async function bootstrapStore(url: string, options: OpenOptions = {}): Promise<BootstrapReport> {
  if (!isAws(url)) {
    const problem = `'${withoutQuery(url).slice(0, 200)}' needs none: only stores of the form s3://bucket/prefix?table=name do`
    throw annalsError('InvalidInput', { what: 'bootstrap', problem })
  }
  const adapters = await aws(url, options)
  try {
    return await run(adapters.bootstrap())
  } finally {
    await adapters.close()
  }
}

function aws(url: string, options: OpenOptions): Promise<AwsAdapters> {
  const { clock = systemClock, ids = systemIds, aws: { credentials: _, onRequest: __, ...settings } = {} } = options
  return run(openAws(orThrow(awsSettings(url, settings, process.env)), { clock, ids, ...worldOf(options) }))
}

/** Who asks AWS, and who hears of it. */
function worldOf({ aws: { credentials, onRequest } = {} }: OpenOptions): Pick<AwsWorld, 'credentials' | 'onRequest'> {
  const meter = toMeter()
  return {
    credentials,
    onRequest: (request) => {
      meter?.(request)
      onRequest?.(request)
    },
  }
}

const toMeter = (): AwsWorld['onRequest'] => {
  const heard = instruments()
  return heard && requestMetrics(heard)
}

/** Ports tell OpenTelemetry of their calls if its SDK is in the process, and are left as they are if it is not. */
function metered(adapters: Adapters): Adapters {
  const heard: Instruments | undefined = instruments()
  if (heard === undefined) return adapters
  return {
    ...adapters,
    blobs: meteredBlobs(adapters.blobs, heard),
    pointers: meteredPointers(adapters.pointers, heard),
    onProjection: projectionMetrics(heard),
  }
}

const withoutQuery = (url: string): string => url.replace(/\?.*$/s, '')
