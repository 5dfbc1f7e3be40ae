/** The routes of Annals' own operations, and what is no operation at all. */
import type { FastifyInstance } from 'fastify'
import { type Context, typeOf } from '../context.js'
import { HttpProblem } from '../failures.js'
import { methods } from '../methods.js'
import { makeAsyncJobs } from './async.js'
import { addDefinitions } from './describe.js'
import { addDiff } from './diff.js'
import { addLog } from './log.js'
import { makeReaders } from './readers.js'
import { addTakingBack } from './taking-back.js'
import { addVerify } from './verify.js'

/** One for all scopes: they share what is bounded. */
export function makeOperations(
  server: FastifyInstance,
  context: Context,
  version: string,
): (app: FastifyInstance) => void {
  const readers = makeReaders(context)
  const jobs = makeAsyncJobs(server, context)
  return (app) => {
    addDefinitions(app, context, version)
    addDiff(app, context)
    addTakingBack(app, context)
    addLog(app, context, readers)
    addVerify(app, context, jobs)
    addUnknown(app)
  }
}

/** No id begins with `$`: whatever does is meant as an operation. */
function addUnknown(app: FastifyInstance): void {
  // HEAD comes along with GET.
  const method = methods.filter((each) => each !== 'HEAD')
  for (const url of ['/:operation(^\\$.+)', '/:type/:operation(^\\$.+)', '/:type/:id/:operation(^\\$.+)'])
    app.route({
      method,
      url,
      handler: (request) => {
        if ('type' in (request.params as object)) typeOf(request)
        throw new HttpProblem(
          404,
          'not-supported',
          'there is no such operation here; /metadata names those that there are',
        )
      },
    })
}
