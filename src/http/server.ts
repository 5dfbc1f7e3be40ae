/** The FHIR server: one Fastify instance over a store. Bodies are bytes on their way in and out. */
import compress from '@fastify/compress'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { releaseVersion, type Store } from '../index.js'
import { anybody } from './access/caller.js'
import type { Context } from './context.js'
import { sendFailure } from './failures.js'
import { addBase } from './fhir/base.js'
import { addHistories } from './fhir/history.js'
import { addResources } from './fhir/resources.js'
import { addSearches } from './fhir/search.js'
import { collectRoutes, noRoute, refuseOtherMethods } from './methods.js'
import { defaultHttpSettings, type HttpSettings } from './settings.js'

export interface FhirServerOptions extends Partial<HttpSettings> {
  /** For the CapabilityStatement (default: of this release). */
  readonly version?: string
  readonly logger?: FastifyServerOptions['logger']
}

/** How often a closing server lets go of connections that have become idle, in milliseconds. */
const idleSweepMs = 20
/** The longest URL of a condition, and of one of its parts. */
const maxParamLength = 200

/** Listens when its `listen` is called; `close` finishes what is under way, and leaves the store open. */
export async function fhirServer(store: Store, options: FhirServerOptions = {}): Promise<FastifyInstance> {
  const { version = releaseVersion(), logger = false, ...given } = options
  const settings: HttpSettings = { ...defaultHttpSettings, ...given }
  const context: Context = { store, settings }
  const app = Fastify({
    logger,
    // Access logs are for whoever runs the server; a URL may hold identifiers.
    disableRequestLogging: true,
    bodyLimit: settings.maxBodyBytes,
    requestTimeout: settings.requestTimeoutMs,
    requestIdHeader: 'x-request-id',
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength },
    frameworkErrors: (error, request, reply) => void sendFailure(error, request, reply),
  })
  app.decorateRequest('caller', { getter: () => anybody })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  app.setErrorHandler((error, request, reply) => sendFailure(error, request, reply))
  app.setNotFoundHandler((request, reply) => sendFailure(noRoute(request.method), request, reply))
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
  })
  app.addHook('preClose', async () => {
    // What is answered while the server closes leaves its connection open, and would keep it until the client goes.
    const sweep = setInterval(() => app.server.closeIdleConnections(), idleSweepMs)
    app.server.once('close', () => clearInterval(sweep))
  })
  const known = collectRoutes(app)
  await app.register(compress, { threshold: 1_024, encodings: ['gzip'] })
  app.get('/health/live', async () => ({ status: 'live' }))
  app.get('/health/ready', async () => {
    await (await store.tenant(settings.tenant)).head()
    return { status: 'ready' }
  })
  const routes = async (scope: FastifyInstance): Promise<void> => {
    addBase(scope, context, version)
    addHistories(scope, context)
    addSearches(scope, context)
    addResources(scope, context)
  }
  await app.register(routes, { prefix: '/fhir' })
  if (settings.manyTenants) await app.register(routes, { prefix: '/tenants/:tenant/fhir' })
  refuseOtherMethods(app, known)
  return app
}
