/** How often one caller may ask: the subject of a token, or, where nobody is asked who they are, an address. */
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HttpProblem } from '../failures.js'
import type { HttpSettings } from '../settings.js'

const minuteMs = 60_000
/** Callers that are remembered: of more, those that were quiet longest begin anew. */
const maxCallers = 10_000

/** For the routes that are added from now on; all of them count together. */
export async function addRateLimit(
  app: FastifyInstance,
  settings: Pick<HttpSettings, 'maxRequestsPerMinute'>,
): Promise<void> {
  const { maxRequestsPerMinute: max } = settings
  if (max === undefined) return
  await app.register(rateLimit, {
    max,
    timeWindow: minuteMs,
    cache: maxCallers,
    keyGenerator: callerOf,
    enableDraftSpec: true,
    errorResponseBuilder: (_, { ttl }) => {
      const seconds = Math.ceil(ttl / 1_000)
      return new HttpProblem(429, 'throttled', `more than ${max} requests in a minute; come again in ${seconds} s`)
    },
  })
}

const callerOf = ({ caller, ip }: FastifyRequest): string =>
  caller?.actor === undefined ? `address ${ip}` : `subject ${caller.actor}`
