/** Where the parts of an export are: with the tenant, or in a place outside of the store. */
import { annalsError } from '../../../domain/error.js'
import { exportPrefix } from '../../../domain/keys.js'
import type { BlobStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { type Again, patientBlobs } from '../../patience.js'
import type { Sink } from './parts.js'
import type { StoredExport } from './state.js'

export interface ExportPlaces {
  /** The URL as any process understands it. */
  resolve(url: string): string
  open(url: string): Promise<ExportPlace>
}

/** A place outside of the store, open. */
export interface ExportPlace {
  readonly blobs: BlobStore
  close(): Promise<void>
}

export interface SinkDeps {
  readonly tenant: string
  readonly blobs: BlobStore
  readonly places: ExportPlaces
  /** For what is written elsewhere: `blobs` is patient by itself. */
  readonly again: Again
}

/** The parts are with the tenant, or in a place outside that is opened for as long. */
export async function withSink<A>(deps: SinkDeps, state: StoredExport, use: (sink: Sink) => Promise<A>): Promise<A> {
  const { to } = state.request
  if (to === undefined) return use({ blobs: deps.blobs, prefix: exportPrefix(deps.tenant, state.id) })
  const place = await deps.places.open(to)
  try {
    return await use({ blobs: patientBlobs(place.blobs, deps.again), prefix: '' })
  } finally {
    await place.close()
  }
}

export async function checkEmpty(places: ExportPlaces, to: string): Promise<void> {
  const place = await places.open(to)
  try {
    const { entries } = await run(place.blobs.list('', { limit: 1 }))
    if (entries.length > 0)
      throw annalsError('InvalidInput', { what: 'to', problem: 'the place is not empty; name another one' })
  } finally {
    await place.close()
  }
}
