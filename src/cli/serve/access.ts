/** What the server is told of those who may ask, made of settings and the files that they name. */
import {
  type AccessSettings,
  type Authentication,
  checkAccessSettings,
  type Tenancy,
} from '../../http/access/settings.js'
import type { ServeSettings } from './settings.js'
import { readMembers } from './sources.js'

export async function accessOf(settings: ServeSettings): Promise<AccessSettings> {
  const { issuer, audience, jwks, algorithms, smartConfiguration } = settings
  const tenancy = tenancyOf(settings)
  if (issuer === undefined || audience === undefined || jwks === undefined) return checked({ tenancy })
  const authentication = {
    issuer,
    audience,
    jwks: /^https?:/.test(jwks) ? jwks : await readMembers(jwks),
    ...(algorithms === undefined ? undefined : { algorithms }),
    ...(smartConfiguration === undefined ? undefined : { smartConfiguration: await readMembers(smartConfiguration) }),
  }
  return checked({ tenancy, authentication: authentication as Authentication })
}

/** Before a store is opened for them. */
function checked(access: AccessSettings): AccessSettings {
  checkAccessSettings(access)
  return access
}

function tenancyOf({ manyTenants, tenantHeader: header, tenantClaim }: ServeSettings): Tenancy {
  const claim = tenantClaim === undefined ? {} : { claim: tenantClaim }
  if (manyTenants) return { from: 'path', ...claim }
  if (header !== undefined) return { from: 'header', header, ...claim }
  return tenantClaim === undefined ? { from: 'single' } : { from: 'claim', claim: tenantClaim }
}
