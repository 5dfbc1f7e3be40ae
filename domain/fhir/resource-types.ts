/** The types of resources in each version of FHIR: 4.0.1, 4.3.0 and 5.0.0. */
import type { FhirVersion } from './version.js'

/** In the order of their names. */
export const resourceTypesOf = (fhirVersion: FhirVersion): ReadonlyArray<string> => [...known[fhirVersion]]

export const isResourceType = (type: string, fhirVersion: FhirVersion): boolean => known[fhirVersion].has(type)

const inAll = `
Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic Binary
BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam ChargeItem ChargeItemDefinition Claim
ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest CompartmentDefinition Composition ConceptMap
Condition Consent Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceDefinition
DeviceMetric DeviceRequest DiagnosticReport DocumentReference Encounter Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare
EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit FamilyMemberHistory Flag Goal GraphDefinition Group
GuidanceResponse HealthcareService ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide
InsurancePlan Invoice Library Linkage List Location Measure MeasureReport Medication MedicationAdministration MedicationDispense
MedicationKnowledge MedicationRequest MedicationStatement MessageDefinition MessageHeader MolecularSequence NamingSystem
NutritionOrder Observation ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation
Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition Practitioner PractitionerRole Procedure Provenance
Questionnaire QuestionnaireResponse RelatedPerson ResearchStudy ResearchSubject RiskAssessment Schedule SearchParameter
ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap Subscription Substance SupplyDelivery SupplyRequest
Task TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription
`

/** The other ones. */
const others: Readonly<Record<FhirVersion, string>> = {
  '4.0': `
CatalogEntry DeviceUseStatement DocumentManifest EffectEvidenceSynthesis Media MedicinalProduct MedicinalProductAuthorization
MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction
MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect RequestGroup
ResearchDefinition ResearchElementDefinition RiskEvidenceSynthesis SubstanceNucleicAcid SubstancePolymer SubstanceProtein
SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification
`,
  '4.3': `
AdministrableProductDefinition CatalogEntry Citation ClinicalUseDefinition DeviceUseStatement DocumentManifest EvidenceReport
Ingredient ManufacturedItemDefinition Media MedicinalProductDefinition NutritionProduct PackagedProductDefinition
RegulatedAuthorization RequestGroup ResearchDefinition ResearchElementDefinition SubscriptionStatus SubscriptionTopic
SubstanceDefinition
`,
  '5.0': `
ActorDefinition AdministrableProductDefinition ArtifactAssessment BiologicallyDerivedProductDispense Citation ClinicalUseDefinition
ConditionDefinition DeviceAssociation DeviceDispense DeviceUsage EncounterHistory EvidenceReport FormularyItem GenomicStudy
ImagingSelection Ingredient InventoryItem InventoryReport ManufacturedItemDefinition MedicinalProductDefinition NutritionIntake
NutritionProduct PackagedProductDefinition Permission RegulatedAuthorization RequestOrchestration Requirements SubscriptionStatus
SubscriptionTopic SubstanceDefinition SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation
SubstanceSourceMaterial TestPlan Transport
`,
}

const typesIn = (version: FhirVersion): ReadonlySet<string> =>
  new Set(`${inAll} ${others[version]}`.trim().split(/\s+/).sort())

const known: Readonly<Record<FhirVersion, ReadonlySet<string>>> = {
  '4.0': typesIn('4.0'),
  '4.3': typesIn('4.3'),
  '5.0': typesIn('5.0'),
}
