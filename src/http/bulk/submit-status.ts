/** What became of a submission: a manifest of files with an OperationOutcome for each line that failed or was skipped. */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { LineCounts, LineResult, SubmissionName, SubmissionStatus, Tenant, UndoConflict } from '../../index.js'
import { baseOf, type Context, tenantOf } from '../context.js'
import { HttpProblem } from '../failures.js'
import type { CheckPoll } from '../polling.js'
import { checkSubmitter, ownSubmission } from './submitter.js'

/** Seconds after which a client should ask again. */
const retryAfter = '5'

/** A submission in a URL. It is no secret: who asks has to be who submitted. */
export const tokenOf = ({ submitter, submission }: SubmissionName): string =>
  Buffer.from(JSON.stringify([submitter, submission])).toString('base64url')

function nameOf(request: FastifyRequest): SubmissionName {
  const { token } = request.params as { token: string }
  try {
    const [submitter, submission] = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown[]
    if (typeof submitter === 'string' && typeof submission === 'string') return { submitter, submission }
  } catch {
    // Whatever it is, it is none.
  }
  throw new HttpProblem(404, 'not-found', 'there is no such submission')
}

export function addSubmitStatus(app: FastifyInstance, context: Context, checkPoll: CheckPoll): void {
  app.get('/$bulk-submit-status/:token', async (request, reply) => {
    checkSubmitter(request)
    await checkPoll(request)
    const tenant = await tenantOf(context, request)
    const status = await ownSubmission(request, tenant, nameOf(request))
    if (!status.isEnded) reply.code(202).headers({ 'x-progress': progressOf(status), 'retry-after': retryAfter })
    const manifest = manifestOf(status, `${baseOf(context, request)}/$bulk-submit-status/${tokenOf(status)}`, context)
    return reply.header('content-type', 'application/json').send(manifest)
  })
  app.get('/$bulk-submit-status/:token/:manifest/:file', async (request, reply) => {
    checkSubmitter(request)
    const tenant = await tenantOf(context, request)
    const status = await ownSubmission(request, tenant, nameOf(request))
    const outcomes = outcomesOf(tenant, status, request)
    if (outcomes === undefined) throw new HttpProblem(404, 'not-found', 'there is no such file')
    const lines = Readable.from(outcomes, { objectMode: false })
    return reply.header('content-type', 'application/fhir+ndjson').send(lines)
  })
}

function progressOf({ state, manifests, counts }: SubmissionStatus): string {
  const done = manifests.filter((each) => each.state !== 'pending' && each.state !== 'processing').length
  return `${state}, ${done} of ${manifests.length} manifests, ${counts.lines} lines`.slice(0, 99)
}

const failedOf = ({ validationErrors, processingErrors, skipped }: LineCounts): number =>
  validationErrors + processingErrors + skipped

/** With the members of both dialects: `outcome`, and `error` as it was before. */
function manifestOf(status: SubmissionStatus, url: string, { settings }: Context) {
  const outcome = status.manifests.flatMap(({ id, url: manifestUrl = id, state, error, files }) => [
    ...(error === undefined ? [] : [fileOf(url, id, 'manifest', manifestUrl, 1)]),
    ...(state === 'replaced'
      ? []
      : files.flatMap(({ counts, problem }, file) => {
          const count = failedOf(counts) + (problem === undefined ? 0 : 1)
          return count === 0 ? [] : [fileOf(url, id, String(file), manifestUrl, count)]
        })),
  ])
  const { undone } = status
  const conflicts = (undone?.conflicts ?? 0) > 0 ? [fileOf(url, 'undone', 'conflicts', '', undone?.conflicts ?? 0)] : []
  const all = [...outcome, ...conflicts]
  return {
    transactionTime: status.begun,
    request: url,
    submissionId: status.submission,
    requiresAccessToken: settings.authentication !== undefined,
    output: [],
    outcome: all,
    error: all,
    extension: { state: status.state, counts: status.counts, ...(undone === undefined ? undefined : { undone }) },
  }
}

const fileOf = (url: string, manifest: string, file: string, manifestUrl: string, count: number) => ({
  type: 'OperationOutcome',
  url: `${url}/${encodeURIComponent(manifest)}/${file}`,
  ...(manifestUrl === '' ? undefined : { manifestUrl }),
  count,
})

/** `undefined`: there is no such file. */
function outcomesOf(
  { submissions }: Tenant,
  status: SubmissionStatus,
  request: FastifyRequest,
): AsyncIterable<string> | undefined {
  const { manifest: id, file } = request.params as { manifest: string; file: string }
  if (id === 'undone' && file === 'conflicts') return conflictLines(submissions.conflicts(status))
  const manifest = status.manifests.find((each) => each.id === id)
  if (file === 'manifest' && manifest?.error !== undefined) return only(lineOf('fatal', 'incomplete', manifest.error))
  const found = /^\d{1,6}$/.test(file) ? manifest?.files[Number(file)] : undefined
  return found && resultLines(submissions.results(status, id, Number(file)), found.problem)
}

async function* only(line: string): AsyncGenerator<string> {
  yield line
}

async function* conflictLines(conflicts: AsyncIterable<UndoConflict>): AsyncGenerator<string> {
  for await (const conflict of conflicts) yield lineOf('error', 'conflict', leftAlone(conflict))
}

async function* resultLines(results: AsyncIterable<LineResult>, problem: string | undefined): AsyncGenerator<string> {
  for await (const result of results) {
    const said = lineOfResult(result)
    if (said !== undefined) yield said
  }
  if (problem !== undefined) yield lineOf('error', 'incomplete', problem)
}

const leftAlone = ({ type, id, version, actual }: UndoConflict): string =>
  `${type}/${id} was left alone: it was version ${version} and is version ${actual}`

function lineOfResult({ line, outcome, type, id, issue }: LineResult): string | undefined {
  if (issue === undefined) return undefined
  const severity = outcome === 'skipped' ? 'information' : 'error'
  const what = type === undefined ? '' : `${type}/${id}: `
  return lineOf(severity, issue.code, `${what}${issue.diagnostics}`, `line ${line}`)
}

const lineOf = (severity: string, code: string, diagnostics: string, location?: string): string =>
  `${JSON.stringify({
    resourceType: 'OperationOutcome',
    issue: [{ severity, code, diagnostics, ...(location === undefined ? undefined : { location: [location] }) }],
  })}\n`
