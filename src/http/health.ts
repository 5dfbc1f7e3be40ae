/** Whether the process lives, and whether its store answers: for whoever restarts it and sends it requests. */
import type { FastifyInstance } from 'fastify'
import { isAnnalsError, type Store } from '../index.js'
import type { HttpSettings } from './settings.js'

/** How long an answer of the store holds, in milliseconds: whoever asks more often costs nothing. */
const holdsMs = 1_000

export interface HealthDeps {
  readonly store: Store
  readonly settings: Pick<HttpSettings, 'tenant' | 'fhirVersion' | 'readyTimeoutMs'>
  readonly closing: AbortSignal
}

export function addHealth(app: FastifyInstance, { store, settings, closing }: HealthDeps): void {
  const { readyTimeoutMs } = settings
  const ask = heldFor(holdsMs, async () => {
    try {
      await within(readyTimeoutMs, lookAt(store, settings))
      return undefined
    } catch (error) {
      app.log.warn({ err: error }, 'is not ready')
      return isAnnalsError(error) ? error.code : error instanceof Late ? error.message : 'a defect; the log says which'
    }
  })
  app.get('/health/live', (_, reply) => reply.send({ status: 'live' }))
  app.get('/health/ready', async (_, reply) => {
    const reason = closing.aborted ? 'it closes' : await ask()
    if (reason === undefined) return { status: 'ready' }
    return reply.code(503).header('retry-after', '1').send({ status: 'not ready', reason })
  })
}

/** Asks for the head, which is in the pointer store, and for its commit, which is an object. */
async function lookAt(store: Store, { tenant: name, fhirVersion }: HealthDeps['settings']): Promise<void> {
  const tenant = await store.tenant(name, { fhirVersion })
  for (const log of tenant.partitions) {
    const { seq } = await log.head()
    for await (const _ of log.commits({ from: Math.max(1, seq), bodies: false })) break
  }
}

class Late extends Error {}

async function within(ms: number, answer: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Late(`the store did not answer within ${ms} ms`)), ms)
  })
  try {
    await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** One question at a time, and its answer for a while. */
function heldFor<A>(ms: number, ask: () => Promise<A>): () => Promise<A> {
  let held: Promise<A> | undefined
  return () => {
    held ??= ask().finally(() => {
      setTimeout(() => {
        held = undefined
      }, ms).unref()
    })
    return held
  }
}
