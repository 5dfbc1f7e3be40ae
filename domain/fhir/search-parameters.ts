/** What resources of a type can be searched by, as R4 names it: not every type has identifiers, and few have a canonical URL. */

export interface SearchParameter {
  readonly name: string
  readonly type: 'token' | 'date' | 'uri'
}

export const searchParametersOf = (type: string): ReadonlyArray<SearchParameter> => [
  ...ofAll,
  ...(withoutIdentifier.has(type) ? [] : [{ name: 'identifier', type: 'token' } as const]),
  ...(withUrl.has(type) ? [{ name: 'url', type: 'uri' } as const] : []),
]

const ofAll: ReadonlyArray<SearchParameter> = [
  { name: '_id', type: 'token' },
  { name: '_lastUpdated', type: 'date' },
]

const setOf = (names: string): ReadonlySet<string> => new Set(names.trim().split(/\s+/))

const withoutIdentifier = setOf(`
AuditEvent Binary CapabilityStatement CompartmentDefinition GraphDefinition ImplementationGuide Linkage MedicationKnowledge
MedicinalProductContraindication MedicinalProductIndication MedicinalProductInteraction MedicinalProductManufactured
MedicinalProductUndesirableEffect MessageHeader NamingSystem OperationDefinition OperationOutcome Parameters Provenance
SearchParameter Subscription SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation
SubstanceSourceMaterial TerminologyCapabilities VerificationResult
`)

const withUrl = setOf(`
ActivityDefinition CapabilityStatement ChargeItemDefinition CodeSystem CompartmentDefinition ConceptMap Contract Device
DeviceDefinition EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable ExampleScenario GraphDefinition
ImplementationGuide Library Measure MessageDefinition OperationDefinition PlanDefinition Questionnaire ResearchDefinition
ResearchElementDefinition RiskEvidenceSynthesis SearchParameter StructureDefinition StructureMap TerminologyCapabilities TestScript
ValueSet
`)
