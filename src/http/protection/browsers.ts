/** What browsers are told: that nothing here is a page, and which pages of others may ask. */
import cors from '@fastify/cors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { HttpSettings } from '../settings.js'

/** Resources are content of patients: kept by nobody on the way, run by nothing, shown in no frame, named to no other site. */
const always = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}
const aYear = 'max-age=31536000'

type Browsers = Pick<HttpSettings, 'baseUrl' | 'trustedProxies' | 'corsOrigins'>

/** The headers of every answer. Whoever came by TLS is to come by TLS from then on. */
export function securityHeaders({
  baseUrl,
  trustedProxies,
}: Browsers): (request: FastifyRequest, reply: FastifyReply) => void {
  const isSecure = baseUrl?.startsWith('https:') === true
  const mayBeSecure = baseUrl === undefined && trustedProxies.length > 0
  return (request, reply) => {
    reply.headers(always)
    if (isSecure || (mayBeSecure && request.protocol === 'https')) reply.header('strict-transport-security', aYear)
  }
}

/** What a page may read of an answer, besides its body. */
const exposed = [
  'Allow',
  'Content-Location',
  'ETag',
  'Last-Modified',
  'Location',
  'Preference-Applied',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
  'WWW-Authenticate',
  'X-Progress',
  'X-Request-Id',
]
/** How long a browser need not ask again, in seconds. */
const maxAge = 600

/** Asked by a browser before it asks in earnest, without a token: so before anybody is asked who they are. */
export async function addCors(app: FastifyInstance, { corsOrigins }: Browsers): Promise<void> {
  if (corsOrigins.length === 0) return
  const isAny = corsOrigins.includes('*')
  await app.register(cors, {
    origin: (origin, answer) => answer(null, origin !== undefined && (isAny || corsOrigins.includes(origin))),
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: exposed,
    maxAge,
    strictPreflight: false,
  })
}
