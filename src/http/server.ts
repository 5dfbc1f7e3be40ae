/** The FHIR server: one Fastify instance over a store. Bodies are bytes on their way in and out. */
import compress from '@fastify/compress'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { sha256 } from '../../domain/commit.js'
import { releaseVersion, type Store } from '../index.js'
import { capabilityStatement } from './capability.js'
import { auditOf, baseOf, type Context, preferenceOf, tenantOf } from './context.js'
import { HttpProblem, sendBundleFailure, sendFailure } from './failures.js'
import { checkAccept, checkContentType, sendJson } from './formats.js'
import { addPages } from './pages.js'
import { addResources } from './resources.js'
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
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  app.setErrorHandler((error, request, reply) => sendFailure(error, request, reply))
  app.setNotFoundHandler((request, reply) => sendFailure(unknownRoute(request.method), request, reply))
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
  })
  app.addHook('preClose', async () => {
    // What is answered while the server closes leaves its connection open, and would keep it until the client goes.
    const sweep = setInterval(() => app.server.closeIdleConnections(), idleSweepMs)
    app.server.once('close', () => clearInterval(sweep))
  })
  await app.register(compress, { threshold: 1_024, encodings: ['gzip'] })
  app.get('/health/live', async () => ({ status: 'live' }))
  app.get('/health/ready', async () => {
    await (await store.tenant(settings.tenant)).head()
    return { status: 'ready' }
  })
  const routes = async (scope: FastifyInstance): Promise<void> => {
    addBase(scope, context, version)
    addPages(scope, context)
    addResources(scope, context)
  }
  await app.register(routes, { prefix: '/fhir' })
  if (settings.manyTenants) await app.register(routes, { prefix: '/tenants/:tenant/fhir' })
  return app
}

function addBase(app: FastifyInstance, context: Context, version: string): void {
  app.get('/metadata', (request, reply) => {
    checkAccept(request)
    const bytes = Buffer.from(JSON.stringify(capabilityStatement(baseOf(context, request), version)))
    const etag = `W/"${sha256(bytes).slice(0, 16)}"`
    reply.header('etag', etag)
    return request.headers['if-none-match'] === etag ? reply.code(304).send() : sendJson(request, reply, bytes)
  })
  app.post('/', async (request, reply) => {
    checkAccept(request)
    checkContentType(request)
    const body = request.body as Buffer | undefined
    if (body === undefined || body.length === 0) throw new HttpProblem(400, 'structure', 'a Bundle is needed')
    const tenant = await tenantOf(context, request)
    const wanted = preferenceOf(request) === 'representation' && /return=/.test(String(request.headers.prefer))
    const options = { ...auditOf(request), return: wanted ? 'representation' : 'minimal' } as const
    const answer = await tenant.fp.bundle(body, options)()
    return answer._tag === 'Left'
      ? sendBundleFailure(answer.left, request, reply)
      : sendJson(request, reply, answer.right.bytes())
  })
}

const unknownRoute = (method: string): HttpProblem =>
  ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method)
    ? new HttpProblem(404, 'not-found', 'there is nothing here; the base of the server is /fhir')
    : new HttpProblem(405, 'not-supported', 'this method is not supported', {
        allow: 'GET, HEAD, POST, PUT, PATCH, DELETE',
      })
