/** The logs of a tenant as those see them who fold, check or rebuild them: nobody has opened the tenant, and nothing is cached. */
import { everyPartition, partitionOf } from '../domain/partitions.js'
import type { TenantManifest } from '../domain/tenant.js'
import type { EventLookup } from '../projections/objects/index.js'
import type { Limits } from './limits.js'
import { withoutCache } from './open-tenant.js'
import type { ProjectedLog } from './project/projections.js'
import { eventLookup, eventSource } from './project/source.js'
import { type LogReader, makeLogReader } from './read/log-reader.js'
import { makeReader, type Reader } from './read/reader.js'
import type { Adapters } from './store.js'

export interface StoredLog extends ProjectedLog {
  readonly log: LogReader
  readonly reader: Reader
}

export function storedLogs(adapters: Adapters, limits: Limits, manifest: TenantManifest): ReadonlyArray<StoredLog> {
  const { blobs, pointers } = adapters
  const { tenant, shards = 1, partitions } = manifest
  const parts = everyPartition(partitions).map((partition) => {
    const log = makeLogReader({ tenant, partition, blobs })
    const reader = makeReader({ tenant, blobs, pointers, log, limits: withoutCache(limits) })
    return { log, reader, lookup: eventLookup(log, reader) }
  })
  const lookup = lookupIn(parts.map((part) => part.lookup))
  return parts.map(({ log, reader }) => {
    const source = eventSource({ ...adapters, log, reader, limits })
    return { tenant, partition: log.partition, shards, blobs, pointers, log, reader, source, lookup }
  })
}

/** What all logs of a tenant know together: objects of the tenant are of any of them. */
function lookupIn(logs: ReadonlyArray<EventLookup>): EventLookup {
  return {
    version: (ref, version) => (logs[partitionOf(ref, logs.length)] as EventLookup).version(ref, version),
    current: (ref) => (logs[partitionOf(ref, logs.length)] as EventLookup).current(ref),
    at: async (position) => logs[position.partition]?.at(position),
  }
}
