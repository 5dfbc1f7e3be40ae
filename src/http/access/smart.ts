/** Where clients learn how to get a token: beside the base (SMART App Launch), and in the CapabilityStatement. */
import type { FastifyInstance } from 'fastify'
import { HttpProblem } from '../failures.js'
import type { AccessSettings } from './settings.js'

/** What the issuer says of itself, as it is; a server that has not been told serves none. */
export function addSmartConfiguration(scope: FastifyInstance, { authentication }: AccessSettings): void {
  const said = authentication?.smartConfiguration
  scope.get('/.well-known/smart-configuration', { config: { isOpen: true } }, (_, reply) => {
    if (said === undefined) throw new HttpProblem(404, 'not-found', 'this server has no SMART configuration')
    return reply.header('content-type', 'application/json').send(JSON.stringify(said))
  })
}

const system = 'http://terminology.hl7.org/CodeSystem/restful-security-service'

/** Of a CapabilityStatement. */
export function securityOf({ authentication }: AccessSettings): object | undefined {
  if (authentication === undefined) return undefined
  const isSmart = authentication.smartConfiguration !== undefined
  const description = isSmart
    ? 'Bearer tokens with scopes of SMART on FHIR; .well-known/smart-configuration says where they come from'
    : `Bearer tokens of ${authentication.issuer}, with scopes of SMART on FHIR`
  return { service: [{ coding: [{ system, code: isSmart ? 'SMART-on-FHIR' : 'OAuth' }] }], description }
}
