/** Makes the caller of each request: of a verified token, or, where nobody is asked who they are, anybody. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { JWTPayload } from 'jose'
import { HttpProblem } from '../failures.js'
import { inHeader } from '../places.js'
import { bearerTokenOf } from './bearer.js'
import { anybody, type Caller, forbidden, nobody } from './caller.js'
import { challenge } from './challenge.js'
import { KeysUnavailable } from './keys.js'
import { grantsOf, scopesIn, submitScope } from './scopes.js'
import { type AccessSettings, claimOf } from './settings.js'
import { invalidToken, type Verify, verifierOf } from './tokens.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For everybody, whether they say who they are or not. */
    isOpen?: boolean
  }
}

/** For every route of the scope: it is asked before a body is read. */
export function authenticate(scope: FastifyInstance, settings: AccessSettings, verify: Verify | undefined): void {
  const claim = claimOf(settings.tenancy)
  scope.addHook('onRequest', async (request) => {
    if (verify === undefined) request.caller = anybody
    else if (request.routeOptions.config.isOpen === true) request.caller = nobody
    else request.caller = callerOf(await claimsOf(request, verify), claim)
  })
}

/** One for all scopes: it keeps the issuer's keys. */
export const verifying = ({ authentication }: AccessSettings): Verify | undefined =>
  authentication && verifierOf(authentication)

async function claimsOf(request: FastifyRequest, verify: Verify): Promise<JWTPayload> {
  const token = bearerTokenOf(request)
  if (token === undefined)
    throw new HttpProblem(401, 'login', 'a bearer token is needed', challenge(), inHeader('Authorization'))
  try {
    return await verify(token)
  } catch (error) {
    if (error instanceof KeysUnavailable) request.log.error({ err: error.cause }, 'no keys to verify tokens by')
    throw error
  }
}

function callerOf(claims: JWTPayload, claim: string | undefined): Caller {
  const actor = actorOf(claims)
  const scopes = scopesIn(claims)
  const may = grantsOf(scopes)
  const maySubmit = scopes.includes(submitScope)
  if (may === undefined) throw forbidden('none of the scopes of the token grants anything here')
  const known = { actor, expires: (claims.exp as number) * 1_000, may, maySubmit }
  if (claim === undefined) return known
  const { [claim]: tenant } = claims
  if (typeof tenant === 'string' && tenant !== '') return { ...known, tenant }
  throw forbidden('the token does not say for which tenant it is')
}

/** The longest name of an actor, in characters. */
const maxActor = 1024

/** The subject: a person, or for a token of the client itself, the client. A server has one issuer, which names each of them once. */
function actorOf({ sub, client_id: client, azp }: JWTPayload): string {
  const actor = sub ?? client ?? azp
  if (typeof actor === 'string' && actor !== '' && actor.length <= maxActor && actor.isWellFormed()) return actor
  throw invalidToken('it does not say whose it is')
}
