/**
 * Which elements of R4 repeat, and which are choices such as `value[x]`, by their names. What stands around an element decides where the
 * name alone does not: the member above it or the type of the resource, and the type with the member where even that says too little.
 * Made of the definitions of FHIR 4.0.1; `test/fhir/elements.ts` says how, and its test that it is complete.
 */

/** Where an element stands: the type of the resource around it, and the names of the members from there down to it. */
export interface Place {
  readonly resourceType: string
  readonly members: ReadonlyArray<string>
}

export const isRepeating = (name: string, place: Place): boolean => isIn(repeating(), name, place)

/** Whether the element is written with a type behind its name, such as `valueQuantity`. */
export const isChoice = (name: string, place: Place): boolean => isIn(choices(), name, place)

/** `+`: only in these places; `-`: in all but these; `*`: in all. */
type Table = ReadonlyMap<string, { readonly isListed: boolean; readonly places: ReadonlySet<string> }>

function isIn(table: Table, name: string, { resourceType, members }: Place): boolean {
  const found = table.get(name)
  if (found === undefined) return false
  const place = members.at(-1) ?? resourceType
  const isListed = found.places.has(place) || found.places.has(`${resourceType}.${place}`)
  return isListed === found.isListed
}

const once = <A>(make: () => A): (() => A) => {
  let made: A | undefined
  return () => {
    made ??= make()
    return made
  }
}

function tableOf(text: string): Table {
  const entries = text.trim().split(/;\s*/).slice(0, -1)
  return new Map(
    entries.map((entry) => {
      const [name = '', sign, ...places] = entry.split(/\s+/)
      return [name, { isListed: sign === '+', places: new Set(places) }]
    }),
  )
}

const repeating = once(() => tableOf(`${repeatsEverywhere.trim().replace(/\s+/g, ' *; ')} *; ${repeatsSomewhere}`))
const choices = once(() => tableOf(choicesSomewhere))

const repeatsEverywhere = `
about addItem additionalCharacteristic additionalClassification additionalIdentifier additionalInstruction addresses adjudication
administration administrationGuidelines agent aggregation allergyIntolerance allowedResponse alternateMaterial alternative anchor
answerOption application appliesTo areaUnderCurve arm asset associatedMedication attachedDocument attester authorizationSupporting
authorizingPrescription availableTime batchIdentifier benefit benefitBalance bodysite calibration capability careTeam
careTeamSequence causality certainty certaintySubcomponent chain characteristics classHistory clinicalTrial codeFilter codeSystem
coding communication communicationRequest comorbidity compartment complication complicationDetail concept conclusionCode constraint
contained containedInstance contains contextInvariant contextLinkId contract contraindicatedVaccineCode contraindication contributor
control copolymerConnectivity costToBeneficiary countryLanguage countryOfOrigin coverageArea crossReference dataRequirement
dateCriterion dateFilter dayOfWeek daysOfWeek decisionMode definitionCanonical definitionUri degreeOfPolymerisation dependsOn
derivedFromUri designation detectedIssue diagnosisSequence dietPreference discriminator disulfideLinkage dosageInstruction
doseAndRate doseStatusReason drugCharacteristic dynamicValue editor education effectEstimate eligibility enableWhen endorser
enrollment entry episodeOfCare evaluatedResource evaluationMessage eventHistory evidence exception excludeFoodModifier
exposureVariant extension fMeasure filter financial finding fixture fluidConsistencyType focalDevice followUp foodPreferenceModifier
forecastReason fractionDescription friendly geneElement generalCost generalPractitioner geographicalLocation given global goal
goalId graph grouping guarantor handling hasMember header healthcareService hoursOfOperation image imagingStudy implementationGuide
implicated import imports imprint inResponseTo include informationSequence ingredient initial input instantiates insurance
intendedRoute interactant interpretation interpreter investigation isotope issue jurisdictionalAuthorization keyword kinetics
languageCode legal lensSpecification lethalDose50 library line lineItem linkage locationCode locationQualifier locationReference
manifestation manufacturedItem manufacturingBusinessOperation mapping marketingStatus masterFile medicineClassification medium
messaging modification modifierExtension moiety monitoringProgram monograph monomerSet namePart notAvailable note noteNumber numFN
numFP numTP nutrient objective observationRequirement observationResultRequirement official orderDetail otherCharacteristics
otherTherapy outcomeCode outcomeCodeableConcept outcomeReference output overload packageItem packagedMedicinalProduct param
parameter parameterName parentSubstanceId parentSubstanceName partDescription participant participantType patchFormat
patientCharacteristics patientPreparation payloadMimeType payloadType payor performerLinkId periodType permittedDataType
pharmaceuticalProduct plan pointer policy preAuthRefPeriod precisionEstimate prediction presentedForm priceComponent priorRequest
prism problem procedureCode procedureSequence process processNote processing productClassification productType
prognosisCodeableConcept prognosisReference program programCode programEligibility progress propertyGroup protocolApplied
purposeOfEvent purposeOfUse pushTypeAvailable qualifiedInterval qualifiers quality rating reaction reasonLinkId recommendation
referenceDocument referencePolicy referenceStrength referencedFrom referralMethod referralRequest regulatory rejectionCriterion
related relatedAction relatedArtifact relatedEntry relatedMedicationKnowledge relatesTo relevantHistory replaces report repository
requestHeader requestedPeriod requesterLinkId responsibleParty rest resultingCondition resultsByExposure resultsInterpreter reviewer
routeOfAdministration safety searchInclude searchRevInclude section securityLabel securityLabelNumber sensitivity service
serviceCategory serviceProvisionCode shelfLifeStorage signature signer slot sort specialArrangement specialCourtesy
specialDesignation specialMeasures specialPrecautionsForStorage specialization specialty specificCost specifiedSubstance
specimenRequirement stage startingMaterial statusHistory step storage stratifier stratum structuralRepresentation structureVariant
subDetail subSite subdetailSequence subjectMedicalHistory subjectType subpotentReason subtype suffix sugar supplement
supplementalData supportedMessage supportedProfile supportingImmunization supportingInfo supportingInfoSequence
supportingPatientInformation suspectEntity synonym tag targetLocation targetProfile targetSpecies team telecom template test texture
therapeuticIndication timeOfDay totalPriceComponent trigger typeReference typeTested udi udiCarrier udiDeviceIdentifier
undesirableEffect uniqueId usageContext useContext usePeriod usedCode usedReference validationProcess validator valueCode
valueQuantity valuedItem variant verification withdrawalPeriod workflow
`

const repeatsSomewhere = `
account - Invoice; action - AuditEvent focalDevice mitigation; activity + CarePlan; actor + ExampleScenario Schedule provision;
additive + Specimen.processing SpecimenDefinition.container; address + Organization Patient Person Practitioner RelatedPerson; alias
- structure; answer - enableWhen; applicability - cost; appointment + Encounter; assessment + stage; author + ActivityDefinition
Composition DocumentManifest DocumentReference EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable Library Measure
PlanDefinition ResearchDefinition ResearchElementDefinition RiskEvidenceSynthesis organism section; authority + Contract; base +
SearchParameter; basedOn - RiskAssessment; basis + RiskAssessment; bodySite + ActivityDefinition Condition Procedure ServiceRequest;
category - DeviceMetric MedicationAdministration MedicationDispense MedicationStatement MessageDefinition Procedure SupplyRequest
adjudication benefitBalance detail goal item property qualifiedInterval specificCost subDetail supportingInfo total; characteristic
- patientCharacteristics; class + Coverage provision; classification + CatalogEntry SubstanceReferenceInformation
medicineClassification; code + MeasureReport.stratifier OrganizationAffiliation PractitionerRole Questionnaire
StructureDefinition.element SubstanceSpecification action codeFilter context event evidence item provision; collection +
SpecimenDefinition; color + physicalCharacteristics; comment + ResearchDefinition ResearchElementDefinition; communicationMethod +
primarySource; comparator + SearchParameter; component - version; condition + FamilyMemberHistory ResearchStudy Specimen action
element; contact - source; container + Specimen; content + DocumentManifest DocumentReference Library; context + StructureDefinition
asset; cost + MedicationKnowledge benefit; country + MedicinalProductAuthorization referenceStrength strength; coverage + Account
InsurancePlan; data + defaultValueTriggerDefinition definitionTriggerDefinition fixedTriggerDefinition patternTriggerDefinition
provision trigger valueTriggerDefinition; definition + Measure; dependent + rule; derivedFrom - SearchParameter; description +
DeviceDefinition.capability; destination + MessageHeader TestScript; detail + PaymentReconciliation addItem entity event evidence
item; detailSequence + addItem; device + MedicationAdministration MedicinalProductPharmaceutical packageItem; deviceName - Media;
diagnosis - diagnosis; document + CapabilityStatement; documentation + action goal; domain - MedicinalProduct SubstanceSpecification
classification; dosage - MedicationAdministration; element + differential group snapshot; encounter + context item; endpoint -
channel destination source; entity + AuditEvent Provenance; error - Subscription; event - AdverseEvent MessageDefinition
MessageHeader; example + element; exclude + compose; expression + issue; fhirVersion + ImplementationGuide resource; focus - Task
section; format + CapabilityStatement; gene + SubstanceReferenceInformation; group - specifiedSubstance; identifier + Account
ActivityDefinition AllergyIntolerance Appointment AppointmentResponse Basic BiologicallyDerivedProduct BodyStructure CarePlan
CareTeam CatalogEntry ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication
CommunicationRequest Condition Consent Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device
DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference
EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare EventDefinition Evidence
EvidenceVariable ExampleScenario ExplanationOfBenefit FamilyMemberHistory Flag Goal Group GuidanceResponse HealthcareService
ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation InsurancePlan Invoice Library List Location Measure
MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationRequest MedicationStatement MedicinalProduct
MedicinalProductAuthorization MedicinalProductPackaged MedicinalProductPharmaceutical MessageDefinition MolecularSequence
NutritionOrder Observation ObservationDefinition Organization OrganizationAffiliation Patient PaymentNotice PaymentReconciliation
Person PlanDefinition Practitioner PractitionerRole Procedure Questionnaire RelatedPerson RequestGroup ResearchDefinition
ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis Schedule ServiceRequest Slot Specimen
StructureDefinition StructureMap Substance SupplyDelivery SupplyRequest Task ValueSet VisionPrescription container
jurisdictionalAuthorization offer packageItem plan qualification specialDesignation; instance - OperationDefinition suspectEntity;
instantiatesCanonical - Contract Task; instantiatesUri - Contract Task; interaction - target; item - SupplyRequest entry ingredient
interactant relatedEntry suppliedItem; itemSequence + addItem; jurisdiction - countryLanguage marketingStatus udiCarrier
udiDeviceIdentifier; language + name synonym translation version; limit + benefit; link - media; linkId - item; listMode + target;
location + Encounter HealthcareService OrganizationAffiliation PractitionerRole ResearchStudy issue; managingOrganization +
CareTeam; manufacturer + MedicinalProductIngredient MedicinalProductManufactured MedicinalProductPackaged
manufacturingBusinessOperation packageItem; material + DeviceDefinition packageItem; media + DiagnosticReport; member + Group;
mitigation + DetectedIssue; modality + ImagingStudy; modifier - nutrient texture; molecularWeight + SubstanceSpecification;
mustSupport - element; name + MedicinalProduct Patient Person Practitioner RelatedPerson SubstanceSpecification; network +
InsurancePlan OrganizationAffiliation coverage plan; number + securityLabel; op + TerminologyCapabilities.filter; operation +
resource rest; operator + filter; organization + Consent; origin + TestScript capability; other + manifest; outcome + Evidence; page
- definition; parent + BiologicallyDerivedProduct MessageDefinition Specimen; part + parameter part; partOf - Account Encounter
Location Organization; party + offer; payload - channel; performer - DeviceRequest GuidanceResponse MedicationRequest
MolecularSequence RiskAssessment action dispenseRequest; performerType + Task action; period + asset; photo - HealthcareService
Person; population - EffectEvidenceSynthesis ResearchDefinition RiskEvidenceSynthesis; preAuthRef + ExplanationOfBenefit insurance;
precision + roc; prefix - action item; primarySource + VerificationResult; procedure + Claim ExplanationOfBenefit; product + target;
profile - ActivityDefinition GraphDefinition defaultValueParameterDefinition destination document fixedParameterDefinition focus
global origin parameter patternParameterDefinition resource target valueParameterDefinition; property - dependsOn filter product;
protocol - endpoint; provider + addItem; provision + provision; purpose + CoverageEligibilityRequest CoverageEligibilityResponse
provision; qualification + Practitioner; reason + ChargeItem MedicationDispense.substitution Provenance action; reasonCode - Task;
reasonReference - Task; receiver + MedicationDispense SupplyDelivery; recipient - Invoice PaymentNotice valuedItem; reference +
Contract.party Contract.subject relatedMedicationKnowledge; referenceRange - amount; relationship + RelatedPerson
SubstanceSpecification contact; repeat + SubstancePolymer; repeatUnit + repeat; representation + element structure; request +
BiologicallyDerivedProduct Specimen; requester + action; resource + CompartmentDefinition OperationDefinition definition manifest
rest; result + DiagnosticReport; role + CareTeam.participant agent; rule - compartment; schedule + oralDiet regulatory supplement;
score + roc; searchParam + resource rest; security - rest; series + ImagingStudy; serviceType - Encounter; site + Contract
ResearchStudy; source + SubstanceSpecification classification code gene geneElement name relationship rule structure synonym target
translation; specimen - MolecularSequence Observation; statusReason + Device MedicationAdministration MedicationStatement; strength
+ specifiedSubstance substance; structure + StructureMap; study + AdverseEvent; subDetailSequence + addItem; subType + Contract;
subject + Account Contract Contract.action MedicinalProductContraindication MedicinalProductIndication MedicinalProductInteraction
MedicinalProductPackaged MedicinalProductUndesirableEffect; substitution + regulatory; subunit - subunit; supplier + SupplyRequest;
supportingInformation - withdrawalPeriod; target + Goal GraphDefinition.link Provenance SearchParameter
SubstanceReferenceInformation VerificationResult element goal rule; targetDisease + protocolApplied; term + Contract; topic -
Communication Contract group offer term; total + ClaimResponse ExplanationOfBenefit; translation - TerminologyCapabilities closure;
type + Appointment.participant AuditEvent.source Claim.procedure Encounter Encounter.participant EpisodeOfCare
ExplanationOfBenefit.procedure HealthcareService InsurancePlan Location Measure Organization StructureDefinition.element asset
attestationSignature defaultValueSignature diagnosis fixedSignature oralDiet patternSignature primarySource proxySignature signature
sourceSignature valueSignature; usage + supplementalData; vaccineCode + recommendation; value + patientCharacteristics; valueSet +
exclude include; variable + TestScript dependent; version + Device DeviceDefinition ExampleScenarioInstance codeSystem instance;
when + repeat;
`

const choicesSomewhere = `
abatement *; additive + Specimen.container additive; age + FamilyMemberHistory population; allowed + MedicationRequest.substitution
benefit financial; amount + amount moiety property relationship target; answer + enableWhen; asNeeded *; author +
defaultValueAnnotation fixedAnnotation note patternAnnotation progress valueAnnotation; born *; bounds *; characteristic +
patientCharacteristics; chargeItem *; code + DeviceRequest; collected *; content + friendly legal payload rule; created + Media;
date + MedicinalProductAuthorization.procedure application; deceased *; defaultValue - variable; definingSubstance *; definition +
action characteristic; detail + target; diagnosis + diagnosis; dose + doseAndRate; doseNumber *; due + Goal.target; effective *;
entity + valuedItem; event + MessageDefinition MessageHeader; example + resource; fastingStatus *; fixed *; identified *; indication
*; item + SupplyRequest ingredient interactant suppliedItem; legallyBinding *; location + accident addItem item; manufacturer +
DeviceDefinition; maxValue *; medication *; minValue *; minimumVolume *; module *; multipleBirth *; name + ImplementationGuide.page;
occurred *; occurrence *; offset + relatedAction; onset - reaction; participantEffective *; pattern *; performed *; probability *;
procedure + procedure; product - lensSpecification target; quantity + ServiceRequest; rate *; reported + MedicationRequest;
scheduled *; seriesDoses *; serviced *; source + ConceptMap Consent; start + Goal; statusReason + MedicationDispense; studyEffective
*; subject + ActivityDefinition EventDefinition Library Measure PlanDefinition PlanDefinition.action ResearchDefinition
ResearchElementDefinition data dataRequirement defaultValueDataRequirement definitionDataRequirement fixedDataRequirement input
output patternDataRequirement valueDataRequirement; substance + ingredient relationship; target + Composition.relatesTo ConceptMap;
time + manipulation processing; timing - defaultValueDosage dosage dosageInstruction fixedDosage patternDosage valueDosage; topic +
Contract group term; used *; value + DeviceRequest.parameter Observation Observation.component Parameters.parameter
StructureMap.parameter SupplyRequest.parameter ValueSet.parameter answer answerOption characteristic costToBeneficiary dateFilter
defaultValueUsageContext detail drugCharacteristic example extension fixedUsageContext initial input modifierExtension output part
patternUsageContext property supportingInfo usageContext useContext valueUsageContext; when + prediction;
`
