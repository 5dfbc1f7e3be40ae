/** What resources of a type can be searched by, as FHIR names it: not every type has identifiers, and few have a canonical URL. */
import type { FhirVersion } from './version.js'

export interface SearchParameter {
  readonly name: string
  readonly type: 'token' | 'date' | 'uri'
}

export function searchParametersOf(type: string, fhirVersion: FhirVersion): ReadonlyArray<SearchParameter> {
  const isR5 = fhirVersion === '5.0'
  const hasIdentifier = !withoutIdentifier.has(type) && (isR5 || !identifierInR5.has(type))
  const hasUrl = withUrl.has(type) || (isR5 ? urlInR5 : urlBeforeR5).has(type)
  return [
    ...ofAll,
    ...(hasIdentifier ? [{ name: 'identifier', type: 'token' } as const] : []),
    ...(hasUrl ? [{ name: 'url', type: 'uri' } as const] : []),
  ]
}

const ofAll: ReadonlyArray<SearchParameter> = [
  { name: '_id', type: 'token' },
  { name: '_lastUpdated', type: 'date' },
]

const setOf = (names: string): ReadonlySet<string> => new Set(names.trim().split(/\s+/))

const withoutIdentifier = setOf(`
AuditEvent Binary CompartmentDefinition Linkage MedicinalProductContraindication MedicinalProductIndication MedicinalProductInteraction
MedicinalProductManufactured MedicinalProductUndesirableEffect MessageHeader NutritionProduct OperationOutcome Parameters Permission
Provenance SubscriptionStatus SubstanceNucleicAcid SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial
VerificationResult
`)

/** They have identifiers from R5 on. */
const identifierInR5 = setOf(`
CapabilityStatement GraphDefinition ImplementationGuide MedicationKnowledge NamingSystem OperationDefinition SearchParameter
Subscription SubstancePolymer TerminologyCapabilities
`)

const withUrl = setOf(`
ActivityDefinition ActorDefinition CapabilityStatement ChargeItemDefinition Citation CodeSystem CompartmentDefinition ConceptMap
ConditionDefinition Contract Device EffectEvidenceSynthesis EventDefinition Evidence EvidenceReport EvidenceVariable ExampleScenario
GraphDefinition ImplementationGuide Library Measure MessageDefinition OperationDefinition PlanDefinition Questionnaire Requirements
ResearchDefinition ResearchElementDefinition RiskEvidenceSynthesis SearchParameter StructureDefinition StructureMap SubscriptionTopic
TerminologyCapabilities TestPlan TestScript ValueSet
`)

/** They have a canonical URL from R5 on. */
const urlInR5 = setOf('Composition NamingSystem ObservationDefinition ResearchStudy SpecimenDefinition')
/** They have one up to R4B. */
const urlBeforeR5 = setOf('DeviceDefinition')
