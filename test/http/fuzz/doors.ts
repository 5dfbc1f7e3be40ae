/** The ways to a tenant: by a path, by a header, by the claim of a token, and by a path that the token has to agree with. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { FhirServerOptions } from '../../../src/http/index.js'

export const tenants = ['default', 'north', 'south'] as const
export const doorNames = ['path', 'header', 'claim', 'path and claim'] as const
export type DoorName = (typeof doorNames)[number]

export interface Door {
  readonly options: FhirServerOptions
  /** Where a tenant begins. */
  baseOf(tenant: string): string
  /** Who asks, as headers. */
  headersOf(tenant: string): ReadonlyArray<readonly [string, string]>
}

/** Names a tenant; one that came twice would name two. */
export const tenantHeader = 'of-tenant'

const oneBase = (): string => '/fhir'
const baseByPath = (tenant: string): string => (tenant === 'default' ? '/fhir' : `/tenants/${tenant}/fhir`)

export async function makeDoors(): Promise<Readonly<Record<DoorName, Door>>> {
  const { authentication, tokenOf } = await makeIssuer()
  const tokens = new Map(await Promise.all(tenants.map(async (tenant) => [tenant, await tokenOf(tenant)] as const)))
  const bearer = (tenant: string) => [['authorization', `Bearer ${tokens.get(tenant as 'north')}`]] as const
  return {
    path: { options: { tenancy: { from: 'path' } }, baseOf: baseByPath, headersOf: () => [] },
    header: {
      options: { tenancy: { from: 'header', header: tenantHeader } },
      baseOf: oneBase,
      headersOf: (tenant) => [[tenantHeader, tenant]],
    },
    claim: {
      options: { authentication, tenancy: { from: 'claim', claim: 'tenant' } },
      baseOf: oneBase,
      headersOf: bearer,
    },
    'path and claim': {
      options: { authentication, tenancy: { from: 'path', claim: 'tenant' } },
      baseOf: baseByPath,
      headersOf: bearer,
    },
  }
}

async function makeIssuer() {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const [issuer, audience] = ['https://issuer.example.org', 'https://fhir.example.org']
  const jwks = { keys: [await exportJWK(publicKey)] }
  const tokenOf = (tenant: string): Promise<string> =>
    new SignJWT({ iss: issuer, aud: audience, sub: 'ada', scope: 'system/*.cruds', tenant })
      .setProtectedHeader({ alg: 'ES256' })
      .setExpirationTime('1 day')
      .sign(privateKey)
  return { authentication: { issuer, audience, jwks }, tokenOf }
}
