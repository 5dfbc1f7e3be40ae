/** The FHIR server: one Fastify instance over a store. Bodies are bytes on their way in and out. */
import compress from '@fastify/compress'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import { releaseVersion, type Store } from '../index.js'
import { authenticate, verifying } from './access/authenticate.js'
import { checkAccessSettings } from './access/settings.js'
import { addSmartConfiguration } from './access/smart.js'
import { addExports, addExportWorker } from './bulk/export.js'
import { addSubmit, addSubmitWorker } from './bulk/submit.js'
import { checkHost, refuseBroken } from './connections.js'
import type { Context } from './context.js'
import { sendFailure } from './failures.js'
import { addBase } from './fhir/base.js'
import { addIndexWorker } from './fhir/current-index.js'
import { addHistories } from './fhir/history.js'
import { addResources } from './fhir/resources.js'
import { addSearches } from './fhir/search.js'
import { checkContentEncoding } from './formats.js'
import { addHealth } from './health.js'
import { collectRoutes, noRoute, refuseOtherMethods } from './methods.js'
import { makeOperations } from './operations/routes.js'
import { addPolling } from './polling.js'
import { addBodies } from './protection/bodies.js'
import { addCors, securityHeaders } from './protection/browsers.js'
import { addClosing } from './protection/closing.js'
import { letGo, makeServer } from './protection/http-server.js'
import { makeLoad } from './protection/load.js'
import { addRateLimit } from './protection/rate.js'
import { defaultHttpSettings, type HttpSettings } from './settings.js'
import { logExchange } from './telemetry/access-log.js'
import { beginExchange, type Observer } from './telemetry/exchange.js'
import { type LoggerOption, safeLogger } from './telemetry/log.js'
import { addMetrics, makeMetrics } from './telemetry/metrics.js'
import { requestId } from './telemetry/request-id.js'
import { endSpan, withinSpan } from './telemetry/traces.js'

export interface FhirServerOptions extends Partial<HttpSettings> {
  /** For the CapabilityStatement (default: of this release). */
  readonly version?: string
  /** What pino takes: `{ level: 'info' }`, with a `stream` of yours (default: no log). No line holds content of resources or secrets. */
  readonly logger?: LoggerOption
}

/** The longest part of a path: one that names a submission by all that its submitter calls it. */
const maxParamLength = 512

/** Listens when its `listen` is called; `close` finishes what is under way, and leaves the store open. */
export async function fhirServer(store: Store, options: FhirServerOptions = {}): Promise<FastifyInstance> {
  const { version = releaseVersion(), logger = false, ...given } = options
  const settings: HttpSettings = { ...defaultHttpSettings, ...given }
  checkAccessSettings(settings)
  const verify = verifying(settings)
  const load = makeLoad(settings)
  const metrics = makeMetrics(store, load)
  const logged = logger === false ? [] : [logExchange]
  const observers: ReadonlyArray<Observer> = [load.leave, letGo, metrics.observe, endSpan, ...logged]
  const secure = securityHeaders(settings)
  const begin = (request: FastifyRequest, reply: FastifyReply): void => {
    beginExchange(request, reply, observers)
    secure(request, reply)
    reply.header('x-request-id', request.id)
  }
  const app: FastifyInstance = Fastify({
    logger: safeLogger(logger),
    // Its own lines hold URLs, which may hold identifiers.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    trustProxy: settings.trustedProxies.length > 0 && [...settings.trustedProxies],
    bodyLimit: settings.maxBodyBytes,
    genReqId: requestId,
    forceCloseConnections: 'idle',
    // What comes over a connection that is still open is answered as ever.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength },
    serverFactory: (handler) => makeServer(settings, load, handler),
    clientErrorHandler: refuseBroken,
    frameworkErrors: (error, request, reply) => {
      begin(request, reply)
      sendFailure(error, request, reply)
    },
  })
  const closing = addClosing(app, settings, load)
  const context: Context = { store, settings, ending: closing.ending }
  app.decorateRequest('caller')
  addBodies(app, settings, load)
  app.setErrorHandler((error, request, reply) => {
    stayOpen(request, reply)
    return sendFailure(error, request, reply)
  })
  app.setNotFoundHandler((request, reply) => sendFailure(noRoute(request.method), request, reply))
  app.decorateRequest('exchange')
  app.decorateRequest('fhirVersion', settings.fhirVersion)
  app.addHook('onRequest', (request, reply, done) => {
    begin(request, reply)
    withinSpan(request, done)
  })
  app.addHook('onRequest', (request, _, done) => {
    checkHost(request)
    checkContentEncoding(request)
    done()
  })
  await addCors(app, settings)
  const known = collectRoutes(app)
  await app.register(compress, {
    threshold: 1_024,
    encodings: ['gzip'],
    globalDecompression: false,
    customTypes: /json\b/,
  })
  addHealth(app, { store, settings, closing: closing.begun })
  app.decorate('metrics', metrics.registry)
  if (settings.serveMetrics) addMetrics(app, metrics)
  await addRateLimit(app, settings)
  addSubmitWorker(app, store)
  const addOperations = makeOperations(app, context, version)
  const routes = async (scope: FastifyInstance): Promise<void> => {
    scope.addHook('onRequest', (request, _, done) => {
      load.admit(request.exchange)
      done()
    })
    authenticate(scope, settings, verify)
    addSmartConfiguration(scope, settings)
    addBase(scope, context, version)
    addHistories(scope, context)
    addSearches(scope, context)
    addResources(scope, context)
    addOperations(scope)
    const checkPoll = await addPolling(scope)
    addSubmit(scope, context, checkPoll)
    addExports(scope, context, checkPoll)
  }
  await app.register(routes, { prefix: '/fhir' })
  if (settings.tenancy.from === 'path') await app.register(routes, { prefix: '/tenants/:tenant/fhir' })
  addExportWorker(app, store)
  addIndexWorker(app, store, settings)
  refuseOtherMethods(app, known)
  return app
}

/** Fastify closes the connection of a body that is refused; its client would not get to see the answer. */
function stayOpen({ raw }: FastifyRequest, reply: FastifyReply): void {
  // Of a client that asked first, nothing can follow, and it is told so.
  if (!reply.hasHeader('connection') || !reply.raw.shouldKeepAlive) return
  reply.removeHeader('connection')
  // Node forgets with the header that there is nobody who would send more.
  if (raw.socket.readableEnded) reply.raw.shouldKeepAlive = false
}
