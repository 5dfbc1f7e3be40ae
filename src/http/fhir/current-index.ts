/** Who keeps the index by which lists of a type go. */
import type { FastifyInstance } from 'fastify'
import { currentIndexProjection, type Store, type Worker } from '../../index.js'
import type { HttpSettings } from '../settings.js'

/**
 * What is not in the index yet is laid over it by each list, up to some thousands of events: as much as gathers in this time,
 * in milliseconds.
 */
const lingerMs = 100

/** While it listens, a server has its share in the work on the index of each tenant that it serves. */
export function addIndexWorker(app: FastifyInstance, store: Store, { tenancy, tenant }: HttpSettings): void {
  let worker: Worker | undefined
  app.addHook('onListen', async () => {
    worker = store.projections.work([currentIndexProjection], {
      ...(tenancy.from === 'single' ? { tenants: [tenant] } : undefined),
      lingerMs,
      onFailure: (error) => app.log.warn({ err: error }, 'no work on the index for now'),
    })
  })
  app.addHook('onClose', async () => worker?.stop())
}
