/** Opens the logs of a tenant, each with a writer and readers of its own, and makes one tenant of them. */
import type { AnnalsError } from '../domain/error.js'
import { defaultFhirVersion } from '../domain/fhir/version.js'
import { everyPartition, partitionOf } from '../domain/partitions.js'
import { attempt, run } from '../domain/task.js'
import { fhirVersionOf, type TenantManifest } from '../domain/tenant.js'
import type { ExportingFp } from './bulk/export/api.js'
import type { Submissions } from './bulk/submit/api.js'
import { makeSubmissions } from './bulk/submit/submissions.js'
import type { Limits } from './limits.js'
import { openLog } from './open-log.js'
import { newIdIn, ownOnly } from './partitioned/routing.js'
import { type Member, makePartitioned } from './partitioned/tenant.js'
import { promised } from './promised.js'
import { makeHistory } from './read/history.js'
import { makeListing } from './read/listing.js'
import { makeLogReader } from './read/log-reader.js'
import { makeMatching } from './read/matching.js'
import { makeReader } from './read/reader.js'
import { type RecoverDeps, recoverLog } from './recover/recover.js'
import type { Adapters, Tenant } from './store.js'
import { makeTenant } from './tenant.js'
import { makeBaton } from './write/baton.js'
import { type LogWriter, makeLogWriter } from './write/log-writer.js'

export interface OpeningDeps {
  readonly adapters: Adapters
  readonly limits: Limits
  /** Rebuilds lost pointers, instead of failing with `NeedsRecovery`. */
  readonly recover: boolean
  readonly writerName: string
  /** Exports of all logs of a tenant, or of one. */
  exporting(manifest: TenantManifest, partition?: number): ExportingFp
}

export interface OpenTenant {
  readonly tenant: Tenant
  /** Of each of its logs. */
  activity(): ReadonlyArray<ReturnType<LogWriter['activity']>>
  /** Finishes what was accepted. */
  close(): Promise<void>
}

type Named = Pick<Tenant, 'name' | 'kind' | 'fhirVersion' | 'shards'>

/** How often to look whether another process has finished its recovery, in milliseconds. */
const recoveryPollMs = 200

export async function openTenant(deps: OpeningDeps, manifest: TenantManifest): Promise<OpenTenant> {
  const { tenant: name, kind, shards = 1, partitions } = manifest
  const logs = await openAll(everyPartition(partitions).map((partition) => openMember(deps, manifest, partition)))
  const fhirVersion = fhirVersionOf(manifest)
  const named: Named = { name, kind, shards, ...(fhirVersion === undefined ? undefined : { fhirVersion }) }
  const close = async (): Promise<void> => {
    await Promise.all(logs.map(({ writer }) => writer.close()))
  }
  const activity = () => logs.map(({ writer }) => writer.activity())
  const bulk = (partition?: number): Bulk => ({
    exporting: deps.exporting(manifest, partition),
    submissionsOf: (tenant) => makeSubmissions({ ...deps.adapters, limits: deps.limits, tenant }),
  })
  const alone = logs.map(({ member }, partition) =>
    withPromises(named, member, [], bulk(partitions === 1 ? undefined : partition)),
  )
  if (partitions === 1) return { tenant: alone[0] as Tenant, activity, close }
  const together = makePartitioned(
    logs.map(({ member }) => member),
    deps.adapters.ids,
  )
  return { tenant: withPromises(named, together, alone, bulk()), activity, close }
}

/** Where one cannot be opened, the others are closed again. */
async function openAll(opening: ReadonlyArray<ReturnType<typeof openMember>>) {
  const ends = await Promise.allSettled(opening)
  const opened = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []))
  for (const end of ends) {
    if (end.status === 'fulfilled') continue
    await Promise.all(opened.map(({ writer }) => writer.close()))
    throw end.reason
  }
  return opened
}

async function openMember(
  { adapters, limits, recover, writerName }: OpeningDeps,
  manifest: TenantManifest,
  partition: number,
) {
  const { blobs, pointers, ids } = adapters
  const { tenant: name, kind, shards = 1, partitions } = manifest
  const share = { partition, partitions }
  const log = makeLogReader({ tenant: name, partition, blobs })
  const reader = makeReader({ tenant: name, blobs, pointers, log, limits })
  const passing = makeReader({ tenant: name, blobs, pointers, log, limits: withoutCache(limits) })
  const matching = makeMatching({ log, pointers, reader, limits })
  const deps = { ...adapters, tenant: name, shards, log, reader, matching, limits, writer: writerName }
  const head = await openOrRecover(deps, recover || adapters.pointersLost)
  const writer = makeLogWriter(
    {
      ...deps,
      makeBaton: (signal, onWait) => makeBaton({ ...deps, partition, signal, onWait, options: adapters.baton }),
    },
    head,
  )
  const member: Member = makeTenant({
    ...deps,
    name,
    kind,
    fhirVersion: fhirVersionOf(manifest) ?? defaultFhirVersion,
    passing,
    newId: newIdIn(ids, share),
    writer: ownOnly(writer, share),
    history: makeHistory(deps),
    listing: makeListing(deps),
  })
  return { member, writer }
}

/** For those who read each body once: none is kept. */
export const withoutCache = (limits: Limits): Limits => ({ ...limits, cacheBytes: 0 })

/** Where lost pointers may be rebuilt without asking, whoever comes first does it and the others wait. */
export async function openOrRecover(deps: RecoverDeps, recover: boolean): ReturnType<typeof openLog> {
  for (;;) {
    try {
      return await openLog(deps)
    } catch (error) {
      if ((error as AnnalsError)._tag !== 'NeedsRecovery' || !recover) throw error
    }
    const recovered = await attempt(() => recoverLog(deps))()
    if (recovered._tag === 'Right') continue
    if (recovered.left._tag !== 'Unavailable') throw recovered.left
    await deps.clock.sleep(recoveryPollMs)
  }
}

/** `alone`: each log of a tenant that has several. A tenant of one log is that log. */
function withPromises(
  named: Named,
  { fp, streams }: Member,
  alone: ReadonlyArray<Tenant>,
  { exporting, submissionsOf }: Bulk,
): Tenant {
  const tenant: Tenant = {
    ...promised(fp),
    export: (options) => run(exporting.export(options)),
    exports: promised(exporting.exports),
    ...streams,
    ...named,
    partitionOf: (type, id) => partitionOf({ type, id }, Math.max(1, alone.length)),
    get partitions() {
      return alone.length === 0 ? [tenant] : alone
    },
    snapshot: async () => {
      const snapshot = await run(fp.snapshot())
      return { ...promised(snapshot), fp: snapshot }
    },
    get submissions() {
      return submissions
    },
    fp: { ...fp, ...exporting },
  }
  const submissions = submissionsOf(tenant)
  return tenant
}

/** What is done in bulk, over all logs of a tenant or, for exports, one of them. */
interface Bulk {
  readonly exporting: ExportingFp
  submissionsOf(tenant: Tenant): Submissions
}
