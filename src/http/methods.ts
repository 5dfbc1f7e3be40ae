/** A method that a URL does not have is a 405 that names those which it has, whatever routes there are. (RFC 9110, 15.5.6) */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { typeOf } from './context.js'
import { HttpProblem } from './failures.js'
import { inMethod } from './places.js'

/** Those of routes. */
export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const

type Method = (typeof methods)[number]

/** The methods of each URL, as patterns of the router. */
export type Routes = ReadonlyMap<string, ReadonlySet<string>>

/** Hears of every route that is added from now on. */
export function collectRoutes(app: FastifyInstance): Routes {
  const routes = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = routes.get(url) ?? new Set()
    for (const each of [method].flat()) known.add(each)
    routes.set(url, known)
  })
  return routes
}

/**
 * Adds what refuses the other methods, as routes of their own: `DELETE /metadata` would else be taken for one of all resources of a
 * type.
 */
export function refuseOtherMethods(app: FastifyInstance, routes: Routes): void {
  for (const [url, known] of [...routes]) {
    const allowed = methods.filter((method) => known.has(method))
    for (const method of methods)
      if (!known.has(method)) app.route({ method, url, exposeHeadRoute: false, handler: refusal(method, allowed) })
  }
}

/** Methods of other protocols have no routes at all, so that nobody looks whether there is the URL. */
export const noRoute = (method: string): HttpProblem =>
  methods.includes(method as Method)
    ? new HttpProblem(404, 'not-found', 'there is nothing here; the base of the server is /fhir')
    : notAllowed(method, ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

const refusal = (method: Method, allowed: ReadonlyArray<Method>) => (request: FastifyRequest) => {
  // Of what is no type there is nothing, whatever the method.
  if ('type' in (request.params as object)) typeOf(request)
  throw notAllowed(method, allowed)
}

function notAllowed(method: string, allowed: ReadonlyArray<Method>): HttpProblem {
  const allow = allowed.join(', ')
  return new HttpProblem(405, 'not-supported', `${method} is not supported here, only ${allow}`, { allow }, inMethod)
}
