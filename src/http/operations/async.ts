/** Jobs over HTTP: begun with 202 and a place to ask, asked for, cancelled. (FHIR R4, Asynchronous Request Patterns) */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { baseOf, type Context, tenantOf } from '../context.js'
import { HttpProblem } from '../failures.js'
import { sendAccepted, sendPending } from '../polling.js'
import { type Control, type Job, type Jobs, makeJobs, type Owner } from './jobs.js'

/** Sends a result, to everybody who asks for it. */
export type SendResult = (request: FastifyRequest, reply: FastifyReply) => FastifyReply

export interface AsyncJobs {
  /** Answers 202 with where to ask, or throws: one job of a kind at a time for each tenant. */
  begin(
    kind: string,
    request: FastifyRequest,
    reply: FastifyReply,
    work: (control: Control) => Promise<SendResult>,
  ): Promise<FastifyReply>
  /** Where jobs of this kind are asked for and cancelled. `check`: what their callers have to be allowed. */
  addStatus(app: FastifyInstance, kind: string, check: (request: FastifyRequest) => void): void
}

/** Seconds after which whoever was refused comes again. */
const busyFor = '1'

export function makeAsyncJobs(app: FastifyInstance, context: Context): AsyncJobs {
  const jobs: Jobs<SendResult> = makeJobs(context.settings)
  // Nothing is to work on the store any more when the server has closed.
  app.addHook('onClose', () => jobs.close())
  context.ending.addEventListener('abort', () => void jobs.close())

  const ownerOf = async (request: FastifyRequest): Promise<Owner> => ({
    tenant: (await tenantOf(context, request)).name,
    actor: request.caller.actor,
  })

  async function jobOf(kind: string, request: FastifyRequest): Promise<Job<SendResult>> {
    const { job: id } = request.params as { job: string }
    const job = jobs.find(kind, await ownerOf(request), id)
    if (job !== undefined) return job
    throw new HttpProblem(404, 'not-found', 'there is no such job, or none any more')
  }

  return {
    async begin(kind, request, reply, work) {
      const job = jobs.begin(kind, await ownerOf(request), work)
      if (job === undefined) {
        const problem = `$${kind} is under way already, or too much else; ask again later`
        throw new HttpProblem(429, 'throttled', problem, { 'retry-after': busyFor })
      }
      return sendAccepted(reply, `${baseOf(context, request)}/${statusPath(kind)}/${job.id}`)
    },
    addStatus(app, kind, check) {
      const url = `/${statusPath(kind)}/:job`
      app.get(url, async (request, reply) => {
        check(request)
        const { end, progress } = await jobOf(kind, request)
        if (end === undefined) return sendPending(reply, { progress })
        if ('error' in end) throw end.error
        return end.result(request, reply.header('expires', end.expires.toUTCString()))
      })
      app.delete(url, async (request, reply) => {
        check(request)
        jobs.cancel(await jobOf(kind, request))
        return reply.code(202).send()
      })
    },
  }
}

const statusPath = (kind: string): string => `$${kind}-status`
