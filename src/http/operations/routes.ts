/** The routes of Annals' own operations, and what is no operation at all. */
import type { FastifyInstance } from 'fastify'
import { type Context, typeOf } from '../context.js'
import { HttpProblem } from '../failures.js'
import { methods } from '../methods.js'
import { addDefinitions } from './describe.js'
import { addDiff } from './diff.js'
import { addTakingBack } from './taking-back.js'

export function addOperations(app: FastifyInstance, context: Context, version: string): void {
  addDefinitions(app, context, version)
  addDiff(app, context)
  addTakingBack(app, context)
  addUnknown(app)
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
