/** `$bulk-submit` and `$bulk-submit-status`: files of resources that a client offers, fetched and written by a worker. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sha256 } from '../../../domain/commit.js'
import type { BulkWorker, Store, SubmissionName, SubmissionStatus, Tenant } from '../../index.js'
import { baseOf, type Context, tenantOf } from '../context.js'
import { HttpProblem } from '../failures.js'
import { checkAccept, sendJson } from '../formats.js'
import { inBody } from '../places.js'
import type { CheckPoll } from '../polling.js'
import { type SubmitInput, statusInputOf, submitInputOf } from './submit-input.js'
import { addSubmitStatus, tokenOf } from './submit-status.js'
import { checkSubmitter, ownSubmission } from './submitter.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** There is something to process. */
    wakeSubmissions(): void
  }
}

/** While the server is up, it processes what is submitted, and what other servers have left. */
export function addSubmitWorker(app: FastifyInstance, store: Store): void {
  let worker: BulkWorker | undefined
  app.decorate('wakeSubmissions', () => worker?.wake())
  app.addHook('onReady', async () => {
    worker = store.submissions.work({
      onFailure: (err) => app.log.error({ err }, 'a submission could not be processed'),
    })
  })
  app.addHook('onClose', async () => worker?.stop())
}

/** Submissions of a tenant that have something to do: more have to wait. */
const maxWaiting = 100

export function addSubmit(app: FastifyInstance, context: Context, checkPoll: CheckPoll): void {
  app.post('/$bulk-submit', async (request, reply) => {
    checkAccept(request)
    checkSubmitter(request)
    const input = submitInputOf(request)
    const tenant = await tenantOf(context, request)
    await submit(request, tenant, input)
    app.wakeSubmissions()
    return said(request, reply, `submission ${input.submission} is taken`)
  })
  app.post('/$bulk-submit-status', async (request, reply) => {
    checkAccept(request)
    checkSubmitter(request)
    const name = statusInputOf(request)
    const tenant = await tenantOf(context, request)
    await ownSubmission(request, tenant, name)
    const url = `${baseOf(context, request)}/$bulk-submit-status/${tokenOf(name)}`
    return said(request, reply.code(202).header('content-location', url), 'ask the URL of Content-Location')
  })
  addSubmitStatus(app, context, checkPoll)
}

async function submit(request: FastifyRequest, tenant: Tenant, input: SubmitInput): Promise<void> {
  const { submissions } = tenant
  const { status, manifestUrl, replaces, headers } = input
  const known = await begun(request, tenant, input)
  const refuse = (problem: string, code = 'conflict') => new HttpProblem(409, code, problem, {}, inBody)
  if (known.state === 'stopping' || known.state === 'stopped') {
    // Whoever was told so first may have died before it was done.
    if (status === 'stopped' && manifestUrl === undefined) return void (await submissions.abort(input))
    throw refuse('the submission is stopped, and takes nothing more')
  }
  if (status === 'stopped') return void (await submissions.abort(input))
  if (known.state === 'completed') {
    if (status === 'completed' && manifestUrl === undefined && replaces === undefined) return
    throw refuse('the submission is completed, and takes nothing more')
  }
  const find = (url: string | undefined) =>
    known.manifests.find((each) => each.url === url && each.state !== 'replaced')
  const replaced = replaces === undefined ? undefined : find(replaces)
  if (replaces !== undefined && replaced === undefined)
    throw new HttpProblem(404, 'not-found', 'replacesManifestUrl: the submission has no such manifest', {}, inBody)
  if (manifestUrl !== undefined) {
    const there = find(manifestUrl)
    if (there !== undefined && manifestUrl !== replaces) {
      await again(submissions, input, there)
      throw refuse('manifestUrl: the submission has this manifest already', 'duplicate')
    }
    await submissions.add(input, {
      id: idOf(known, manifestUrl),
      url: manifestUrl,
      ...(Object.keys(headers).length === 0 ? undefined : { headers }),
      ...(replaced === undefined ? undefined : { replaces: replaced.id }),
    })
  } else if (replaced !== undefined) await submissions.discard(input, replaced.id)
  if (status === 'completed') await submissions.complete(input)
}

/** The same URL may be offered again, in the place of what it was. What others offer at the same time has an id of its own. */
const idOf = ({ manifests }: SubmissionStatus, url: string): string =>
  `${sha256(url).slice(0, 32)}-${manifests.filter((each) => each.url === url).length}`

/** Whoever was told of it first may have died before workers were. */
const again = (
  submissions: Tenant['submissions'],
  name: SubmissionName,
  { id, url, replaces }: SubmissionStatus['manifests'][number],
) =>
  submissions.add(name, {
    id,
    ...(url === undefined ? undefined : { url }),
    ...(replaces === undefined ? undefined : { replaces }),
  })

async function begun(request: FastifyRequest, tenant: Tenant, name: SubmissionName): Promise<SubmissionStatus> {
  const { submissions } = tenant
  if ((await submissions.status(name)) !== undefined) return ownSubmission(request, tenant, name)
  const waiting = await submissions.waiting()
  if (waiting >= maxWaiting) {
    const problem = `${waiting} submissions have something to do; begin this one when they have less`
    throw new HttpProblem(429, 'throttled', problem, { 'retry-after': '60' }, inBody)
  }
  const { actor } = request.caller
  return submissions.begin(name, actor === undefined ? {} : { actor })
}

const said = (request: FastifyRequest, reply: FastifyReply, diagnostics: string): FastifyReply => {
  const issue = [{ severity: 'information', code: 'informational', diagnostics }]
  return sendJson(request, reply, Buffer.from(JSON.stringify({ resourceType: 'OperationOutcome', issue })))
}
