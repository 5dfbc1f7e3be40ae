/** What a client hears of work that goes on without it: where to ask for it, how far it is, and when to ask again. (FHIR, asynchronous pattern) */
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HttpProblem } from './failures.js'

/** Polls of one client for one job in so many milliseconds; beyond them 429. */
const maxPolls = 20
const windowMs = 10_000
/** Jobs and clients whose polls are counted at a time. */
const maxCounted = 5_000
/** The longest time that a client is asked to wait, in seconds. */
const maxWait = 60

/** Counts a poll, by its client and its URL, and throws what turns it away. */
export type CheckPoll = (request: FastifyRequest) => Promise<void>

export async function addPolling(scope: FastifyInstance): Promise<CheckPoll> {
  await scope.register(rateLimit, { global: false, cache: maxCounted })
  const count = scope.createRateLimit({
    max: maxPolls,
    timeWindow: windowMs,
    keyGenerator: ({ caller, params }) => JSON.stringify([caller.actor ?? '', params]),
  })
  return async (request) => {
    const polls = await count(request)
    if (!polls.isAllowed && polls.isExceeded)
      throw tooOften('this is asked for too often', Math.max(1, polls.ttlInSeconds))
  }
}

export const tooOften = (problem: string, seconds: number): HttpProblem =>
  new HttpProblem(429, 'throttled', `${problem}; come again in ${seconds} s`, { 'retry-after': String(seconds) })

/** `location`: where to ask. */
export const sendAccepted = (reply: FastifyReply, location: string): FastifyReply =>
  reply.code(202).header('content-location', location).send()

export interface Pending {
  readonly status?: 200 | 202
  /** Since the work was asked for (default 0). */
  readonly ageMs?: number
  /** Of fewer than 100 characters. */
  readonly progress: string
}

/** What takes long already is asked for less often. */
export function sendPending(reply: FastifyReply, { status = 202, ageMs = 0, progress }: Pending): FastifyReply {
  const seconds = Math.min(maxWait, Math.max(1, Math.floor(ageMs / 10_000)))
  return reply
    .code(status)
    .headers({ 'x-progress': progress.slice(0, 99), 'retry-after': String(seconds) })
    .send()
}
