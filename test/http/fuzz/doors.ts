/** The ways to a tenant: by a path, by a header, by the claim of a token, and by a path that the token has to agree with. */
import type { FhirServerOptions } from '../../../src/http/index.js'
import { type Credential, makeTokens } from './tokens.js'

export const tenants = ['default', 'north', 'south'] as const
export const doorNames = ['path', 'header', 'claim', 'path and claim'] as const
export type DoorName = (typeof doorNames)[number]

export interface Door {
  readonly options: FhirServerOptions
  /** Where a tenant begins. */
  baseOf(tenant: string): string
  /** Who asks, as headers. */
  headersOf(tenant: string, credential: Credential): ReadonlyArray<readonly [string, string]>
}

/** Names a tenant; one that came twice would name two. */
export const tenantHeader = 'of-tenant'

/** Whether it asks its clients who they are. */
export const asksWho = (door: DoorName): boolean => door.endsWith('claim')

const oneBase = (): string => '/fhir'
const baseByPath = (tenant: string): string => (tenant === 'default' ? '/fhir' : `/tenants/${tenant}/fhir`)

export async function makeDoors(): Promise<Readonly<Record<DoorName, Door>>> {
  const { authentication, headersOf } = await makeTokens(tenants)
  return {
    path: { options: { tenancy: { from: 'path' } }, baseOf: baseByPath, headersOf: () => [] },
    header: {
      options: { tenancy: { from: 'header', header: tenantHeader } },
      baseOf: oneBase,
      headersOf: (tenant) => [[tenantHeader, tenant]],
    },
    claim: { options: { authentication, tenancy: { from: 'claim', claim: 'tenant' } }, baseOf: oneBase, headersOf },
    'path and claim': {
      options: { authentication, tenancy: { from: 'path', claim: 'tenant' } },
      baseOf: baseByPath,
      headersOf,
    },
  }
}
