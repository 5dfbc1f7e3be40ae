/** The end of a server: it stops accepting, finishes what is under way within a deadline, and lets go of the rest. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { answersOn } from '../connections.js'
import type { HttpSettings } from '../settings.js'
import type { Load } from './load.js'

/** How often a closing server lets go of connections that have become idle, in milliseconds. */
const sweepMs = 20

export interface Closing {
  /** Aborts as soon as the server is told to close. */
  readonly begun: AbortSignal
  /** Aborts when it stops accepting: for answers that would go on for ever. */
  readonly ending: AbortSignal
}

export function addClosing(app: FastifyInstance, { drainMs, closeTimeoutMs }: HttpSettings, load: Load): Closing {
  const begun = new AbortController()
  const ending = new AbortController()
  app.addHook('preClose', async () => {
    begun.abort()
    if (drainMs > 0) await sleep(drainMs)
    ending.abort()
    letGoOfIdle(load)
    const sweep = setInterval(() => letGoOfIdle(load), sweepMs)
    const deadline = setTimeout(() => {
      app.log.warn({ requests: load.requests }, 'closes before everything is answered')
      app.server.closeAllConnections()
    }, closeTimeoutMs)
    app.server.once('close', () => {
      clearInterval(sweep)
      clearTimeout(deadline)
    })
  })
  app.addHook('onClose', async () => load.close())
  return { begun: begun.signal, ending: ending.signal }
}

/** None takes a further request. Node takes one that has not asked for anything yet for busy, and would wait for its client. */
function letGoOfIdle({ connections }: Load): void {
  for (const socket of connections) {
    const answers = answersOn(socket)
    if (answers.length === 0) socket.destroy()
    for (const answer of answers) answer.shouldKeepAlive = false
  }
}
