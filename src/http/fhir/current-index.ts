/** Who keeps the index by which lists of a type go. */
import type { FastifyInstance } from 'fastify'
import { currentIndexProjection, type Store } from '../../index.js'
import type { HttpSettings } from '../settings.js'
import { workWhileListening } from '../workers.js'

/**
 * What is not in the index yet is laid over it by each list, up to some thousands of events: as much as gathers in this time,
 * in milliseconds.
 */
const lingerMs = 100

/** While it listens, a server has its share in the work on the index of each tenant that it serves. */
export function addIndexWorker(app: FastifyInstance, store: Store, { tenancy, tenant }: HttpSettings): void {
  const options = {
    ...(tenancy.from === 'single' ? { tenants: [tenant] } : undefined),
    lingerMs,
    onFailure: (error: unknown): void => app.log.warn({ err: error }, 'no work on the index for now'),
  }
  workWhileListening(app, () => store.projections.work([currentIndexProjection], options))
}
