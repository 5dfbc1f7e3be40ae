/** Verifies tokens: JWTs of one issuer, for one audience, signed by one of its keys. (RFC 7519, RFC 9068) */
import { errors, type JWTPayload, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { sha256 } from '../../../domain/commit.js'
import { HttpProblem } from '../failures.js'
import { inHeader } from '../places.js'
import { challenge } from './challenge.js'
import { KeysUnavailable, keysOf } from './keys.js'
import { type Authentication, signatureAlgorithms } from './settings.js'

export type Verify = (token: string) => Promise<JWTPayload>

/** The longest token, in characters. */
const maxTokenLength = 8 * 1024
const defaultClockToleranceSeconds = 30
/** How many verified tokens are remembered, and for how long: beyond that their keys may have been withdrawn. */
const maxRemembered = 1_000
const rememberedMs = 60_000

/** Of access tokens, and of JWTs that do not say what they are for. A logout token, say, gives no access. */
const types = new Set(['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt'])

export function verifierOf(authentication: Authentication): Verify {
  const { issuer, audience, algorithms = signatureAlgorithms } = authentication
  const { clockToleranceSeconds = defaultClockToleranceSeconds } = authentication
  const keys = keysOf(authentication)
  const options = {
    issuer,
    audience,
    algorithms: [...algorithms],
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['exp'],
  }
  const verify: Verify = async (token) => {
    if (token.length > maxTokenLength) throw invalidToken(`it has more than ${maxTokenLength} characters`)
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, options)
      if (types.has((protectedHeader.typ ?? 'jwt').toLowerCase())) return payload
    } catch (error) {
      throw error instanceof KeysUnavailable ? error : invalidToken(problemOf(error))
    }
    throw invalidToken('it is no access token')
  }
  return remembering(verify, clockToleranceSeconds)
}

/** Clients send a token with request after request, and its signature costs more than a read: it is not verified again for a while. */
function remembering(verify: Verify, clockToleranceSeconds: number): Verify {
  const verified = new LRUCache<string, { readonly payload: JWTPayload; readonly until: number }>({
    max: maxRemembered,
  })
  return async (token) => {
    const name = sha256(token)
    const known = verified.get(name)
    if (known !== undefined && Date.now() < known.until) return known.payload
    const payload = await verify(token)
    const expires = ((payload.exp ?? 0) + clockToleranceSeconds) * 1_000
    verified.set(name, { payload, until: Math.min(Date.now() + rememberedMs, expires) })
    return payload
  }
}

/** `problem`: nothing of the token itself. */
export const invalidToken = (problem: string): HttpProblem => {
  const text = `the token is not acceptable: ${problem}`
  return new HttpProblem(401, 'login', text, challenge('invalid_token', text), inHeader('Authorization'))
}

function problemOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired'
  if (error instanceof errors.JWTClaimValidationFailed)
    return claimProblems[error.claim] ?? 'one of its claims is wrong'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'it is signed by an algorithm that is not accepted here'
  if (error instanceof errors.JWKSNoMatchingKey) return 'the key that it names is none of its issuer'
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'it does not say by which key it is signed'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong'
  return 'it is no JWT that can be read'
}

const claimProblems: Readonly<Record<string, string>> = {
  iss: 'it is of another issuer',
  aud: 'it is for another audience',
  exp: 'it does not say when it expires',
  nbf: 'it is not valid yet',
}
