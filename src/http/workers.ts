/** Workers of a server: what it does for the store besides answering. */
import type { FastifyInstance } from 'fastify'

/** Begins to work when the server listens, and leaves it when it closes. */
export function workWhileListening(app: FastifyInstance, work: () => { stop(): Promise<void> }): void {
  let worker: { stop(): Promise<void> } | undefined
  app.addHook('onListen', async () => {
    worker = work()
  })
  app.addHook('onClose', async () => worker?.stop())
}
