/** Tokens of clients of each tenant, and what is none of its issuer, or none any more. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'

/** Who may do everything; another one, with jobs of his own; who may change Observations only; and who may submit in bulk only. */
const clients = {
  good: { sub: 'ada', scope: 'system/*.cruds' },
  another: { sub: 'bob', scope: 'system/*.cruds' },
  narrow: { sub: 'carl', scope: 'system/Observation.cruds system/Patient.rs' },
  submitter: { sub: 'dora', scope: 'system/bulk-submit' },
}
/** Of whoever has none that is good: nothing may ever be written by him. */
const nobody = { sub: 'mallory', scope: 'system/*.cruds' }

const bad = ['none', 'garbage', 'basic', 'unsigned', 'forged', 'expired', 'early', 'audience', 'issuer'] as const
const useless = ['without scope', 'without tenant'] as const

export type Credential = keyof typeof clients | (typeof bad)[number] | (typeof useless)[number]

export const goodCredentials: ReadonlyArray<Credential> = Object.keys(clients) as (keyof typeof clients)[]
export const badCredentials: ReadonlyArray<Credential> = [...bad, ...useless]
export const isBad = (credential: Credential): boolean => badCredentials.includes(credential)

/** Whose name stands with what is written; `undefined`: nobody's is to. */
export const actorOf = (credential: Credential): string | undefined =>
  credential in clients ? clients[credential as keyof typeof clients].sub : undefined

/** What is wrong with a write of this client, if anything is. `correlation`: says whether it is of a submission. */
export function actorProblem(actor: string | undefined, type: string, correlation = ''): string | undefined {
  if (actor === nobody.sub) return 'is of somebody without a token'
  const isForbidden =
    (actor === clients.narrow.sub && type !== 'Observation') ||
    (actor === clients.submitter.sub && !correlation.startsWith('submission:'))
  return isForbidden ? 'is of somebody who may not write it' : undefined
}

const [issuer, audience] = ['https://issuer.example.org', 'https://fhir.example.org']

export async function makeTokens(tenants: ReadonlyArray<string>) {
  const [own, foreign] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
  const made = new Map<string, string>()
  for (const tenant of tenants) {
    const claims = (of: { sub: string; scope: string }) => ({ iss: issuer, aud: audience, tenant, ...of })
    const sign = (payload: JWTPayload, expires: number | string = '1 day', key = own.privateKey): Promise<string> =>
      new SignJWT(payload).setProtectedHeader({ alg: 'ES256' }).setExpirationTime(expires).sign(key)
    const now = Math.floor(Date.now() / 1_000)
    const mallory = claims(nobody)
    const tokens: Readonly<Record<Exclude<Credential, 'none'>, string>> = {
      good: await sign(claims(clients.good)),
      another: await sign(claims(clients.another)),
      narrow: await sign(claims(clients.narrow)),
      submitter: await sign(claims(clients.submitter)),
      garbage: 'Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.x',
      basic: 'Basic YWRhOnNlY3JldA==',
      unsigned: new UnsecuredJWT(mallory).setExpirationTime('1 day').encode(),
      forged: await sign(mallory, '1 day', foreign.privateKey),
      expired: await sign(mallory, now - 3_600),
      early: await sign({ ...mallory, nbf: now + 86_400 }),
      audience: await sign({ ...mallory, aud: 'https://other.example.org' }),
      issuer: await sign({ ...mallory, iss: 'https://other.example.org' }),
      'without scope': await sign({ ...mallory, scope: 'patient/*.cruds openid' }),
      'without tenant': await sign({ ...mallory, tenant: undefined }),
    }
    for (const [credential, token] of Object.entries(tokens)) made.set(`${tenant} ${credential}`, token)
  }
  return {
    authentication: { issuer, audience, jwks: { keys: [await exportJWK(own.publicKey)] } },
    headersOf(tenant: string, credential: Credential): ReadonlyArray<readonly [string, string]> {
      const token = made.get(`${tenant} ${credential}`)
      if (token === undefined) return []
      return [['authorization', token.includes(' ') ? token : `Bearer ${token}`]]
    },
  }
}
