/** An issuer of tokens on loopback: its keys are made here, and served as a JSON Web Key Set. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterAll } from 'vitest'
import type { Authentication } from '../../src/http/index.js'

export const issuer = 'https://issuer.example.org'
export const audience = 'https://fhir.example.org'

export interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

export interface TokenOptions {
  readonly key?: SigningKey
  /** Over those of a good token; `undefined` leaves a claim out. */
  readonly claims?: JWTPayload
  readonly header?: Readonly<Record<string, unknown>>
}

export interface Issuer {
  readonly authentication: Authentication
  readonly key: SigningKey
  /** What it answers (default: its keys). */
  answer: RequestListener | undefined
  /** Adds a key, and takes the others away unless told not to. */
  rotate(alg?: string, keeps?: boolean): Promise<SigningKey>
  /** How often it was asked for its keys. */
  asked(): number
  /** Headers with a token that grants `scope`. */
  bearer(scope: string, options?: TokenOptions): Promise<{ readonly authorization: string }>
  token(options?: TokenOptions): Promise<string>
}

let made = 0
export async function newKey(alg = 'ES256', kid = `key-${++made}`): Promise<SigningKey> {
  return { kid, alg, ...(await generateKeyPair(alg, { extractable: true })) }
}

export const publicJwk = async ({ kid, alg, publicKey }: SigningKey): Promise<JWK> => ({
  ...(await exportJWK(publicKey)),
  kid,
  alg,
  use: 'sig',
})

const seconds = (): number => Math.floor(Date.now() / 1_000)

export async function tokenOf({ key, claims, header }: TokenOptions & { readonly key: SigningKey }): Promise<string> {
  const good = { iss: issuer, aud: audience, sub: 'ada', exp: seconds() + 300, scope: 'system/*.cruds' }
  return new SignJWT({ ...good, ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey, { crit: { x: true } })
}

const ends: (() => void)[] = []
afterAll(() => {
  for (const end of ends) end()
})

export async function startIssuer(): Promise<Issuer> {
  let keys = [await newKey()]
  let asked = 0
  const server = createServer((request, response) => {
    asked++
    if (made.answer !== undefined) return void made.answer(request, response)
    void Promise.all(keys.map(publicJwk)).then((jwks) => response.end(JSON.stringify({ keys: jwks })))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const jwks = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  const made: Issuer = {
    authentication: { issuer, audience, jwks },
    get key() {
      return keys.at(-1) as SigningKey
    },
    answer: undefined,
    async rotate(alg, keeps = false) {
      const key = await newKey(alg)
      keys = keeps ? [...keys, key] : [key]
      return key
    },
    asked: () => asked,
    token: ({ key = made.key, ...rest } = {}) => tokenOf({ key, ...rest }),
    bearer: async (scope, { claims, ...rest } = {}) => ({
      authorization: `Bearer ${await made.token({ claims: { scope, ...claims }, ...rest })}`,
    }),
  }
  return made
}
