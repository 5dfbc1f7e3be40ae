/** The FHIR server: one Fastify instance over a store. Bodies are bytes on their way in and out. */
import compress from '@fastify/compress'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import { releaseVersion, type Store } from '../index.js'
import { authenticate, verifying } from './access/authenticate.js'
import { checkAccessSettings } from './access/settings.js'
import { addSmartConfiguration } from './access/smart.js'
import { checkHost, connectionOptions, watchConnections } from './connections.js'
import type { Context } from './context.js'
import { sendFailure } from './failures.js'
import { addBase } from './fhir/base.js'
import { addHistories } from './fhir/history.js'
import { addResources } from './fhir/resources.js'
import { addSearches } from './fhir/search.js'
import { checkContentEncoding } from './formats.js'
import { collectRoutes, noRoute, refuseOtherMethods } from './methods.js'
import { defaultHttpSettings, type HttpSettings } from './settings.js'
import { logExchange } from './telemetry/access-log.js'
import { beginExchange, type Observer } from './telemetry/exchange.js'
import { type LoggerOption, safeLogger } from './telemetry/log.js'
import { requestId } from './telemetry/request-id.js'

export interface FhirServerOptions extends Partial<HttpSettings> {
  /** For the CapabilityStatement (default: of this release). */
  readonly version?: string
  /** What pino takes: `{ level: 'info' }`, with a `stream` of yours (default: no log). No line holds content of resources or secrets. */
  readonly logger?: LoggerOption
}

/** How often a closing server lets go of connections that have become idle, in milliseconds. */
const idleSweepMs = 20
/** The longest URL of a condition, and of one of its parts. */
const maxParamLength = 200

/** Listens when its `listen` is called; `close` finishes what is under way, and leaves the store open. */
export async function fhirServer(store: Store, options: FhirServerOptions = {}): Promise<FastifyInstance> {
  const { version = releaseVersion(), logger = false, ...given } = options
  const settings: HttpSettings = { ...defaultHttpSettings, ...given }
  checkAccessSettings(settings)
  const verify = verifying(settings)
  const context: Context = { store, settings }
  const observers: ReadonlyArray<Observer> = [...(logger === false ? [] : [logExchange])]
  const begin = (request: FastifyRequest, reply: FastifyReply): void => {
    beginExchange(request, reply, observers)
    reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
  }
  const app: FastifyInstance = Fastify({
    ...connectionOptions,
    logger: safeLogger(logger),
    // Its own lines hold URLs, which may hold identifiers.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: settings.maxBodyBytes,
    requestTimeout: settings.requestTimeoutMs,
    genReqId: requestId,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength },
    frameworkErrors: (error, request, reply) => {
      begin(request, reply)
      sendFailure(error, request, reply)
    },
  })
  watchConnections(app)
  app.decorateRequest('caller')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  app.setErrorHandler((error, request, reply) => sendFailure(error, request, reply))
  app.setNotFoundHandler((request, reply) => sendFailure(noRoute(request.method), request, reply))
  app.decorateRequest('exchange')
  app.addHook('onRequest', (request, reply, done) => {
    begin(request, reply)
    checkHost(request)
    checkContentEncoding(request)
    done()
  })
  app.addHook('preClose', async () => {
    // What is answered while the server closes leaves its connection open, and would keep it until the client goes.
    const sweep = setInterval(() => app.server.closeIdleConnections(), idleSweepMs)
    app.server.once('close', () => clearInterval(sweep))
  })
  const known = collectRoutes(app)
  await app.register(compress, { threshold: 1_024, encodings: ['gzip'], globalDecompression: false })
  app.get('/health/live', async () => ({ status: 'live' }))
  app.get('/health/ready', async () => {
    await (await store.tenant(settings.tenant)).head()
    return { status: 'ready' }
  })
  const routes = async (scope: FastifyInstance): Promise<void> => {
    authenticate(scope, settings, verify)
    addSmartConfiguration(scope, settings)
    addBase(scope, context, version)
    addHistories(scope, context)
    addSearches(scope, context)
    addResources(scope, context)
  }
  await app.register(routes, { prefix: '/fhir' })
  if (settings.tenancy.from === 'path') await app.register(routes, { prefix: '/tenants/:tenant/fhir' })
  refuseOtherMethods(app, known)
  return app
}
