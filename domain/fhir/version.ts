/** The versions of FHIR that a tenant's resources may be of. */

export const fhirVersions = ['4.0', '4.3', '5.0'] as const

/** As a media type says it, without the patch number. */
export type FhirVersion = (typeof fhirVersions)[number]

export const defaultFhirVersion: FhirVersion = '4.0'

export const isFhirVersion = (value: unknown): value is FhirVersion => fhirVersions.includes(value as FhirVersion)

/** As a CapabilityStatement says it. */
export const publishedAs: Readonly<Record<FhirVersion, string>> = { '4.0': '4.0.1', '4.3': '4.3.0', '5.0': '5.0.0' }

export const releaseNames: Readonly<Record<FhirVersion, string>> = { '4.0': 'R4', '4.3': 'R4B', '5.0': 'R5' }
