/** The FHIR server, for programs that embed it. */
export type { Authentication, SignatureAlgorithm, Tenancy } from './access/settings.js'
export { type FhirServerOptions, fhirServer } from './server.js'
export { defaultHttpSettings, type HttpSettings } from './settings.js'
