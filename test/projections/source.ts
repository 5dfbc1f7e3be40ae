/** The log of the tenant `t` of a world, as projections read it. */
import { memoryDoorbell } from '../../adapters/memory/index.js'
import { defaultLimits } from '../../src/limits.js'
import { eventSource } from '../../src/project/source.js'
import { makeLogReader } from '../../src/read/log-reader.js'
import { makeReader } from '../../src/read/reader.js'
import type { World } from '../protocol/world.js'

export function sourceOf({ blobs, pointers, clock }: World) {
  const log = makeLogReader({ tenant: 't', partition: 0, blobs })
  const reader = makeReader({ tenant: 't', blobs, pointers, log, limits: defaultLimits })
  return eventSource({ log, reader, doorbell: memoryDoorbell(), clock, limits: defaultLimits, pollMs: 1_000 })
}
