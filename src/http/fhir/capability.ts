/** The CapabilityStatement: what this server does, and nothing more. */
import { resourceTypesOf } from '../../../domain/fhir/resource-types.js'
import { searchParametersOf } from '../../../domain/fhir/search-parameters.js'
import { type FhirVersion, publishedAs } from '../../../domain/fhir/version.js'
import { operationsAt } from '../operations/describe.js'

export interface Capability {
  /** The base of the server. */
  readonly url: string
  readonly version: string
  readonly fhirVersion: FhirVersion
  /** What clients need to be let in. */
  readonly security?: object
  /** A tenant of several logs has no transactions, and no conditions of what it writes. */
  readonly isPartitioned: boolean
}

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
const codes = (names: ReadonlyArray<string>) => names.map((code) => ({ code }))

const definitions = 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition'
const exports: Readonly<Record<string, string>> = { system: 'export', Patient: 'patient-export', Group: 'group-export' }

/** As Bulk Data Access defines them, for the system and two types. */
function exportOf(level: string): object[] {
  const { [level]: name } = exports
  return name === undefined ? [] : [{ name: 'export', definition: `${definitions}/${name}` }]
}

export const capabilityStatement = ({ url, version, fhirVersion, security, isPartitioned }: Capability) => ({
  resourceType: 'CapabilityStatement',
  status: 'active',
  // Of the release.
  date: '2026-11-24',
  kind: 'instance',
  software: { name: 'Annals', version },
  implementation: { description: 'Annals: FHIR resources as an immutable log', url },
  fhirVersion: publishedAs[fhirVersion],
  format: ['application/fhir+json', 'json'],
  patchFormat: ['application/json-patch+json', 'application/fhir+json'],
  rest: [
    {
      mode: 'server',
      ...(security === undefined ? undefined : { security }),
      resource: resourceTypesOf(fhirVersion).map((type) => ({
        type,
        interaction: codes(interactions),
        versioning: 'versioned-update',
        readHistory: true,
        updateCreate: true,
        conditionalCreate: !isPartitioned,
        conditionalRead: 'full-support',
        conditionalUpdate: !isPartitioned,
        conditionalDelete: isPartitioned ? 'not-supported' : 'single',
        searchParam: searchParametersOf(type, fhirVersion),
        operation: [...operationsAt(url, 'type', 'instance'), ...exportOf(type)],
      })),
      interaction: codes([...(isPartitioned ? [] : ['transaction', 'batch']), 'history-system']),
      operation: [...operationsAt(url, 'system'), ...exportOf('system')],
    },
  ],
})
