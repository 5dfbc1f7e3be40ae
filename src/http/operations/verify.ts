/** `$verify`: everything that is stored is held against the log, in the background. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Difference, VerifyReport } from '../../index.js'
import { checkAccess } from '../access/caller.js'
import { type Context, tenantOf } from '../context.js'
import { checkAccept, sendJson } from '../formats.js'
import type { AsyncJobs } from './async.js'
import { verify as operation } from './definitions.js'
import { inputOf } from './input.js'
import { type Out, parametersJson } from './output.js'

/** Differences that a result names. The others it counts. */
const maxDifferences = 100

export function addVerify(app: FastifyInstance, context: Context, jobs: AsyncJobs): void {
  app.post('/$verify', async (request, reply) => {
    checkAccept(request)
    checkMay(request)
    const deep = inputOf(request, operation).flag('deep') === true
    const { name } = await tenantOf(context, request)
    return jobs.begin('verify', request, reply, async ({ signal, progress }) => {
      const first: Difference[] = []
      const report = await context.store.verify(name, {
        deep,
        signal,
        onProgress: ({ done, total }) => progress(`commit ${done} of ${total}`),
        onDifference: (difference) => void (first.length < maxDifferences && first.push(difference)),
      })
      const bytes = parametersJson(result(report, first))
      return (request, reply) => sendJson(request, reply, bytes)
    })
  })
  jobs.addStatus(app, 'verify', checkMay)
}

/** What is wrong is told by the names of resources. */
function checkMay(request: FastifyRequest): void {
  for (const permission of ['r', 's'] as const) checkAccess(request, permission, '*')
}

const result = ({ differences, ...checked }: VerifyReport, first: ReadonlyArray<Difference>): ReadonlyArray<Out> => [
  ...Object.entries(checked).map(([name, valueUnsignedInt]) => ({ name, valueUnsignedInt })),
  { name: 'differences', valueUnsignedInt: differences },
  { name: 'outcome', resource: { resourceType: 'OperationOutcome', issue: issuesOf(differences, first) } },
]

function issuesOf(differences: number, first: ReadonlyArray<Difference>): ReadonlyArray<object> {
  if (differences === 0) return [informational('everything is as the log says')]
  const issues = first.map(({ kind, key, problem }) => ({
    severity: 'error',
    code: 'processing',
    details: { text: kind },
    diagnostics: `${key}: ${problem}`,
  }))
  const more = differences - first.length
  return more === 0 ? issues : [...issues, informational(`${more} more; 'annals verify' names them all`)]
}

const informational = (diagnostics: string) => ({ severity: 'information', code: 'informational', diagnostics })
