/** What a server is told of those who may ask, and of whose data. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import type { JSONWebKeySet } from 'jose'
import { annalsError } from '../../../domain/error.js'

/** Signatures by public keys. Whoever could check one by a shared secret could make one, too. */
export const signatureAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number]

const maxClockToleranceSeconds = 300

/** A codec's name says in messages what is needed. */
const kind = <A>(name: string, is: t.Is<A>): t.Type<A> =>
  new t.Type(name, is, (value, context) => (is(value) ? t.success(value) : t.failure(value, context)), t.identity)

const Text = kind('a text', (value): value is string => typeof value === 'string' && value !== '')
const HeaderName = kind(
  'the name of a header',
  (value): value is string => typeof value === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(value),
)

const AlgorithmsCodec = kind(
  `a list of ${signatureAlgorithms.join(', ')}`,
  (value): value is ReadonlyArray<SignatureAlgorithm> =>
    Array.isArray(value) && value.length > 0 && value.every((each) => signatureAlgorithms.includes(each)),
)

/** Over plain HTTP anybody on the way could put in keys of their own. */
const isKeysUrl = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return (
    url?.protocol === 'https:' || (url?.protocol === 'http:' && /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname))
  )
}

const isPublicKey = (key: unknown): boolean =>
  typeof key === 'object' && key !== null && 'kty' in key && !('d' in key) && !('k' in key)

const JwksCodec = kind(
  'an https URL, or a JSON Web Key Set of public keys',
  (value): value is string | JSONWebKeySet =>
    typeof value === 'string'
      ? isKeysUrl(value)
      : t.type({ keys: t.UnknownArray }).is(value) && value.keys.length > 0 && value.keys.every(isPublicKey),
)

/** As SMART App Launch has it: what clients need in order to get a token. */
const SmartConfigurationCodec = kind(
  'a SMART configuration, with token_endpoint and capabilities',
  t.type({ token_endpoint: t.string, capabilities: t.array(t.string) }).is,
)

const AuthenticationCodec = t.readonly(
  t.intersection([
    t.type({
      /** Who makes the tokens: their `iss`. */
      issuer: Text,
      /** Whom the tokens are for: among their `aud`. */
      audience: Text,
      /** Where the issuer's keys are, or the keys. */
      jwks: JwksCodec,
    }),
    t.partial({
      /** By which tokens may be signed (default: all of `signatureAlgorithms`). */
      algorithms: AlgorithmsCodec,
      /** How far the issuer's clock and this one's may be apart (default 30). */
      clockToleranceSeconds: kind(
        `a whole number from 0 to ${maxClockToleranceSeconds}`,
        (value): value is number =>
          t.number.is(value) && Number.isInteger(value) && value >= 0 && value <= maxClockToleranceSeconds,
      ),
      /** What the issuer's clients are told at `/.well-known/smart-configuration`. */
      smartConfiguration: SmartConfigurationCodec,
    }),
  ]),
)
export type Authentication = t.TypeOf<typeof AuthenticationCodec>

/** Which tenant a request is about. `claim`: of a token, which is for this tenant only. */
export type Tenancy =
  /** That of the server, and no other. */
  | { readonly from: 'single' }
  /** `/tenants/{name}/fhir`; `/fhir` is that of the server. */
  | { readonly from: 'path'; readonly claim?: string }
  | { readonly from: 'header'; readonly header: string; readonly claim?: string }
  | { readonly from: 'claim'; readonly claim: string }

/** The claim that every token has to have. */
export const claimOf = (tenancy: Tenancy): string | undefined => ('claim' in tenancy ? tenancy.claim : undefined)

const claim = t.partial({ claim: Text })
const TenancyCodec: t.Type<Tenancy> = t.union([
  t.type({ from: t.literal('single') }),
  t.intersection([t.type({ from: t.literal('path') }), claim]),
  t.intersection([t.type({ from: t.literal('header'), header: HeaderName }), claim]),
  t.type({ from: t.literal('claim'), claim: Text }),
])

export interface AccessSettings {
  readonly tenancy: Tenancy
  /** Who may ask (default: anybody). */
  readonly authentication?: Authentication
}

export function checkAccessSettings({ tenancy, authentication }: AccessSettings): void {
  if (E.isLeft(TenancyCodec.decode(tenancy)))
    throw wrong('tenancy', "it is from 'single', 'path', 'header' (with a header), or 'claim' (with a claim)")
  if (claimOf(tenancy) !== undefined && authentication === undefined)
    throw wrong('tenancy.claim', 'claims are of tokens: it takes authentication')
  const decoded = AuthenticationCodec.decode(authentication)
  if (authentication === undefined || E.isRight(decoded)) return
  const context = decoded.left[0]?.context ?? []
  const place = context.map(({ key }) => key).filter((key) => /^\w+$/.test(key) && !/^\d+$/.test(key))
  throw wrong(['authentication', ...place].join('.'), `it has to be ${context.at(-1)?.type.name}`)
}

const wrong = (what: string, problem: string) => annalsError('InvalidInput', { what, problem })
