/** What becomes of an export: polled until there is a manifest, and ended by its client. (Bulk Data Access, status request) */
import { STATUS_CODES } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ExportStatus } from '../../index.js'
import type { Context } from '../context.js'
import { issueOf } from '../failures.js'
import { checkAccept, fhirJson } from '../formats.js'
import { type CheckPoll, sendPending } from '../polling.js'
import { checkMayExport, jobOf, mayHave, type Note, statusUrl } from './export-jobs.js'
import { manifestOf } from './export-manifest.js'

export function addStatus(scope: FastifyInstance, context: Context, checkPoll: CheckPoll): void {
  const url = '/$export/:job'
  scope.get(url, async (request, reply) => {
    checkMayExport(request)
    await checkPoll(request)
    return poll(context, request, reply)
  })
  scope.delete(url, (request, reply) => cancel(context, request, reply))
}

async function poll(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { tenant, status, note } = await jobOf(context, request)
  checkAccept(request)
  if (status.state === 'error') return answer(reply, note, 500).header('content-type', fhirJson).send(failureOf(status))
  if (status.state !== 'complete') {
    const ageMs = Date.now() - Date.parse(status.createdAt)
    answer(reply, note, 202)
    return sendPending(reply, { status: note.separateStatus ? 200 : 202, ageMs, progress: progressOf(status) })
  }
  const { authentication, signedUrlMs } = context.settings
  // Made anew at each poll: a URL is good for a while, and the manifest for as long as the files are there.
  const signed = signedUrlMs === undefined ? undefined : await tenant.exports.signedUrls(status.id, signedUrlMs)
  const manifest = manifestOf(status, note, {
    url: statusUrl(context, request, status.id),
    requiresAccessToken: authentication !== undefined && signed === undefined,
    may: mayHave(request, note),
    ...(signed === undefined ? undefined : { signed }),
  })
  return answer(reply, note, 200)
    .headers({ 'content-type': 'application/json', expires: new Date(status.expiresAt ?? 0).toUTCString() })
    .send(Buffer.from(JSON.stringify(manifest)))
}

/** The status of the job is that of the answer, or else a header. */
function answer(reply: FastifyReply, { separateStatus }: Note, status: number): FastifyReply {
  if (separateStatus !== true) return reply.code(status)
  return reply.code(200).header('x-export-status', `${status} ${STATUS_CODES[status]}`)
}

function progressOf({ state, progress }: ExportStatus): string {
  if (state === 'accepted') return 'accepted'
  const { commits, total, resources } = progress
  return `${commits}${total === undefined ? '' : ` of ${total}`} commits read, ${resources} resources exported`
}

const failureOf = ({ error }: ExportStatus): string =>
  JSON.stringify(issueOf('exception', `the export has failed (${error?.code}): ${error?.message}`))

async function cancel(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { tenant, status } = await jobOf(context, request)
  await tenant.exports.cancel(status.id)
  return reply.code(202).send()
}
