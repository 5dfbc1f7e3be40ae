/** The CapabilityStatement: what this server does, and nothing more. */
import { resourceTypes } from '../../../domain/fhir/resource-types.js'
import { operationsAt } from '../operations/describe.js'

const interactions = [
  'read',
  'vread',
  'update',
  'patch',
  'delete',
  'history-instance',
  'history-type',
  'create',
  'search-type',
]
const searchParam = [
  { name: '_id', type: 'token' },
  { name: '_lastUpdated', type: 'date' },
  { name: 'identifier', type: 'token' },
]

/** `url`: the base of the server. `date`: of the release. `security`: what clients need to be let in. */
export const capabilityStatement = (url: string, version: string, security?: object) => ({
  resourceType: 'CapabilityStatement',
  status: 'active',
  date: '2026-11-24',
  kind: 'instance',
  software: { name: 'Annals', version },
  implementation: { description: 'Annals: FHIR resources as an immutable log', url },
  fhirVersion: '4.0.1',
  format: ['application/fhir+json', 'json'],
  patchFormat: ['application/json-patch+json', 'application/fhir+json'],
  rest: [
    {
      mode: 'server',
      ...(security === undefined ? undefined : { security }),
      resource: resourceTypes.map((type) => ({
        type,
        interaction: interactions.map((code) => ({ code })),
        versioning: 'versioned-update',
        readHistory: true,
        updateCreate: true,
        conditionalCreate: true,
        conditionalRead: 'full-support',
        conditionalUpdate: true,
        conditionalDelete: 'single',
        searchParam,
        operation: operationsAt(url, 'type', 'instance'),
      })),
      interaction: ['transaction', 'batch', 'history-system'].map((code) => ({ code })),
      operation: operationsAt(url, 'system'),
    },
  ],
})
