/**
 * The types of the elements of R4, by their names: what the value of a FHIRPath Patch is called. JSON tells texts, numbers and objects apart,
 * so the table says what it leaves open: `gender` is a code, and `name` a HumanName. `@` a place, where the name alone does not say it:
 * the datatype around the element, or the member, or the type of the resource, or both. Made of the definitions of FHIR 4.0.1;
 * `test/fhir/types.ts` says how, and its test that it is complete.
 */
import type { Place } from './elements.js'

/** What JSON says of a value. */
export type JsonKind = 'object' | 'text' | 'number' | 'boolean'

/**
 * `enclosing`: the datatype around the element, such as `Timing`, or an element of one that has no type of its own, such as
 * `Timing.repeat`; `undefined`: an element of a resource. `Element`: what has no type of its own.
 */
export function typeOfElement(name: string, kind: JsonKind, place: Place, enclosing: string | undefined): string {
  if (name === 'id') return enclosing === undefined && place.members.length === 0 ? 'id' : 'string'
  const around = place.members.at(-1) ?? place.resourceType
  const places = enclosing === undefined ? [`${place.resourceType}.${around}`, around] : [enclosing]
  const known = table().get(`${name} ${kind}`)
  for (const each of [...places, '']) {
    const type = known?.get(each)
    if (type !== undefined) return type
  }
  return byJson[kind]
}

/** What may stand behind `value` in a Parameters resource, written as there or by itself. (FHIR R4, open data types) */
export const isOpenType = (type: string): boolean =>
  openTypes.has(type) || openTypes.has(`${type.slice(0, 1).toLowerCase()}${type.slice(1)}`)

const byJson = { object: 'Element', text: 'string', number: 'decimal', boolean: 'boolean' } as const

const texts = new Set(
  'base64Binary canonical code date dateTime id instant markdown oid string time uri url uuid'.split(' '),
)
const numbers = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt'])

const openTypes = new Set([
  ...texts,
  ...numbers,
  'boolean',
  ...`Address Age Annotation Attachment CodeableConcept Coding ContactDetail ContactPoint Contributor Count DataRequirement Distance Dosage
  Duration Expression HumanName Identifier Meta Money ParameterDefinition Period Quantity Range Ratio Reference RelatedArtifact SampledData
  Signature Timing TriggerDefinition UsageContext`.split(/\s+/),
])

const kindOf = (type: string): JsonKind =>
  texts.has(type) ? 'text' : numbers.has(type) ? 'number' : type === 'boolean' ? type : 'object'

type Table = ReadonlyMap<string, ReadonlyMap<string, string>>

let made: Table | undefined

/** By name and kind, the types by place; everywhere else, that of the empty place. */
function table(): Table {
  if (made !== undefined) return made
  const found = new Map<string, Map<string, string>>()
  for (const line of types.trim().split(/;\s*/).slice(0, -1)) {
    const [type = '', entries = ''] = line.split(/:\s+/)
    for (const entry of entries.split(/\s+/)) {
      const [name, place = ''] = entry.split('@')
      const key = `${name} ${kindOf(type)}`
      const places = found.get(key) ?? new Map<string, string>()
      found.set(key, places.set(place, type))
    }
  }
  made = found
  return made
}

const types = `
Address: address; Annotation: note progress; Attachment: attachment content document form image photo presentedForm
sequenceAttachment; CodeableConcept: achievementStatus action@focalDevice action@mitigation action@provision activity
additionalCharacteristic additionalClassification additionalInstruction additionalMonitoringIndicator additiveType addresses@goal
adjustmentReason administrableDoseForm admitSource alternateMaterial amountType applicability appliesTo appointmentType assessment
authorType authority@official authorizationSupporting baseFormulaType bodySite bodysite businessStatus canPushUpdates
cancelationReason cap category characteristic@HealthcareService chromosome class@SubstancePolymer class@organismGeneral
classification clinicalStatus code collection@SpecimenDefinition combinedPharmaceuticalDoseForm communication communicationMethod
comorbidity complication compositeScoring conclusionCode condition confidentiality confidentialityIndicator contentDerivative
context@qualifiedInterval contraindicatedVaccineCode copolymerConnectivity country countryOfOrigin courseOfTherapyType customaryUnit
dataAbsentReason decision decisionMode degree description details developmentStage dietPreference dischargeDisposition disease
diseaseStatus diseaseSymptomProcedure domain doseForm doseStatus doseStatusReason effect emptyReason event excludeFoodModifier
expirationType exposureRoute facilityType failureAction family fivePrime flag fluidConsistencyType focus@ResearchStudy followUp
foodPreferenceModifier foodType forecastReason forecastStatus form@CoverageEligibilityResponse form@Medication formCode
frequencyOfOccurrence function fundingSource fundsReserve fundsReserveRequested gender gene geneSequenceOrigin genus geometry
group@specifiedSubstance hybridType improvementNotation incidence intendedEffect intendedRoute intendedUse intent interaction@target
interpretation intraspecificType itemCodeableConcept jurisdiction keyword kingdom language languageCode legalBasis legalState
legalStatusOfSupply location@BodyStructure location@ResearchStudy locationCode locationQualifier management manifestation
manufacturedDoseForm maritalStatus material materialType measure medium method modality@Media modifier morphology name@isotope need
network@benefitBalance network@item oligoNucleotideType onAdmission operationType opticalActivity order orderDetail orderedBy
organism organismType orientationOfPolymerisation otherCharacteristics outcome outcomeCode outcomeCodeableConcept packageCode
paediatricUseIndicator part partLocation participantType patientPreparation payeeType payloadType paymentStatus performerRole
performerType periodType phase phylum physicalType physiologicalCondition policyRule practiceSetting primaryPurposeType priority
procedure@processing procedureCode product productClassification productCode productOrService productType prognosisCodeableConcept
program programCode programEligibility purpose purposeOfEvent purposeOfUse pushTypeAvailable qualification qualifiers
qualitativeRisk race rating ratioType reAdmission reason reasonCode reasonStopped referenceSeqId referralMethod rejectionCriterion
relationship repeatUnitAmountType reportOrigin revenue role route routeofAdministration safety schedule@schedule scope scoring
securityLabel@DocumentReference sequenceType seriousness service serviceCategory serviceProvisionCode serviceType severity sex site
sourceMaterialClass sourceMaterialState sourceMaterialType specialArrangement specialCourtesy specialPrecautionsForStorage specialty
species standardSequence start status statusReason stereochemistry studyType subSite subType subpotentReason substance
substitution@isotope subtype summary symptomConditionEffect synthesisType systemType targetDisease temperatureQualifier term
therapyRelationshipType threePrime tissue topic type typeCollected unit unitOfMeasure unitOfPresentation usage use usedCode
vaccineCode validationProcess validationStatus validationType value@component value@stratum valueCode variantState variantType
verificationStatus view; Coding: bodySite@series category@securityLabel class classification@securityLabel
code@DataRequirement.codeFilter code@ElementDefinition code@Questionnaire code@UsageContext code@item coding connectionType control
domain@MedicinalProduct format keyword@StructureDefinition laterality lifecycle media modality operationalStatus profile protocol
purpose@provision reason@ExplanationOfBenefit.supportingInfo relationship@asset role@entity security securityLabel sopClass
subtype@AuditEvent tag type@AuditEvent type@Signature type@entity type@namePart type@operation type@signer type@source
use@designation; ContactDetail: author@ActivityDefinition author@EffectEvidenceSynthesis author@EventDefinition author@Evidence
author@EvidenceVariable author@Library author@Measure author@PlanDefinition author@ResearchDefinition
author@ResearchElementDefinition author@RiskEvidenceSynthesis contact editor endorser reviewer; ContactPoint: contact@Device
contact@DeviceDefinition contact@Endpoint contact@Subscription contact@source telecom; DataRequirement: data dataRequirement
input@action output; Dosage: dosage dosageInstruction; Duration: dispenseInterval due duration expectedSupplyDuration halfLifePeriod
length maxDuration maxTreatmentPeriod participantEffectiveTimeFromStart period@maxDispense retentionTime studyEffectiveTimeFromStart
timeFromStart; Element: activity@CarePlan actor@ExampleScenario actor@provision applicability@ChargeItemDefinition author@organism
class@Coverage classification@SubstanceReferenceInformation code@SubstanceSpecification communication@Patient
communication@RelatedPerson condition@FamilyMemberHistory condition@action contact@InsurancePlan contact@Organization
contact@Patient content@DocumentReference context@DocumentReference context@StructureDefinition context@asset coverage@Account
coverage@InsurancePlan data@provision destination@MessageHeader destination@TestScript document@CapabilityStatement
dosage@MedicationAdministration dosage@administrationGuidelines element@group endpoint@messaging event@Composition
focus@MessageDefinition gene@SubstanceReferenceInformation goal@PlanDefinition location@Encounter material@DeviceDefinition
media@DiagnosticReport name@MedicinalProduct name@SubstanceSpecification network@agent organism@SubstanceSourceMaterial output@Task
party@offer performer@ChargeItem performer@Immunization performer@MedicationAdministration performer@MedicationDispense
performer@Procedure performer@series population@group population@stratum qualification@Practitioner
relationship@SubstanceSpecification request@entry schedule@regulatory security@rest securityLabel@term source@AuditEvent
source@MessageHeader source@rule strength@specifiedSubstance subject@action substance@MedicinalProductIngredient
supportingInfo@Claim supportingInfo@CoverageEligibilityRequest supportingInfo@ExplanationOfBenefit term@Contract
type@ElementDefinition; ElementDefinition: element; Expression: condition@TriggerDefinition criteria expression; Extension:
extension modifierExtension; HumanName: name; Identifier: accessionIdentifier additionalIdentifier authorisationReferenceNumber
cTerminalModificationId component@version crossReference element@geneElement groupIdentifier identifier immediatePackaging
masterIdentifier nTerminalModificationId organismId outerPackaging parentSubstanceId paymentIdentifier preAdmissionIdentifier
predecessor reference@related requestIdentifier requisition target@target; MarketingStatus: marketingStatus; Meta: meta; Money:
adjustment amount cost@cost cost@generalCost net paymentAmount priceOverride total@Claim totalGross totalNet unitPrice; Narrative:
text; ParameterDefinition: parameter@Library; Period: applies benefitPeriod billablePeriod dataExclusivityPeriod dataPeriod
dateRange duration@storage during effectivePeriod executionPeriod period planningHorizon preAuthPeriod preAuthRefPeriod
requestedPeriod servicePeriod usePeriod validityPeriod; Population: population; ProdCharacteristic: physicalCharacteristics;
ProductShelfLife: shelfLifeStorage; Quantity: amount@MedicationKnowledge amount@molecularWeight amount@nutrient areaUnderCurve
caloricDensity capacity dailyAmount daysSupply denominator depth dose doseQuantity duration@MedicinalProductIndication
duration@lensSpecification externalDiameter firstDose halfLife height high highLimit lethalDose50 low lowLimit
maxDosePerAdministration maxDosePerDay maxDosePerLifetime maxSingleDose maxVolumeToDeliver measureScore nominalVolume numerator
origin@SampledData period@ProductShelfLife quantity score specimenQuantity value valueQuantity weight width; Range: age
gestationalAge range temperatureRange; Ratio: amount@Medication amountRatioLowLimit concentration concentrationLowLimit
maxDosePerPeriod maxDosePerTreatmentPeriod presentation presentationLowLimit quantity@ingredient strength strengthLowLimit;
Reference: abnormalCodedValueSet about account actor additive@processing addresses administeredBy allergyIntolerance appointment
asserter assessment@stage assessor assigner associatedMedication attachedDocument authenticator author authority
authorizingPrescription basedOn basis beneficiary candidate careManager careTeam@CarePlan claim claimResponse clinicalTrial
collector communicationRequest complicationDetail condition@RiskAssessment condition@diagnosis consent contact@MedicinalProduct
content@DocumentManifest context contract contraindication contributor costCenter coverage coverageArea criticalCodedValueSet
custodian definition@Device deliverFrom deliverTo derivedFrom destination detail@CoverageEligibilityRequest.item detail@event
detail@evidence detail@reaction details@response detectedIssue device domain@Contract encounter endpoint enrollment enterer
entity@member entry@section episodeOfCare evaluatedResource evaluationMessage eventHistory exposure exposureAlternative
exposureBackground exposureVariant expressedBy facility focus for generalPractitioner goal hasMember healthcareService holder
imagingStudy immunizationEvent implicated inResponseTo individual information informationSource
ingredient@MedicinalProductManufactured ingredient@MedicinalProductPharmaceutical instance@ChargeItemDefinition
instance@suspectEntity instantiatesCanonical insurance@DeviceRequest insurance@MedicationRequest insurance@ServiceRequest
insurance@Task insurer interpreter issuer item@entry item@investigation item@relatedEntry itemReference link@media location
locationReference managingEntity managingOrganization manipulated manufacturedItem manufacturer marketingAuthorization masterFile
member@participant network normalCodedValueSet nucleicAcid observationRequirement observationResultRequirement observer onBehalfOf
operator orderer organization origin@hospitalization originalPrescription other outcome@EffectEvidenceSynthesis outcome@Evidence
outcome@ResearchDefinition outcome@RiskEvidenceSynthesis outcomeReference outputParameters ownedBy owner packagedMedicinalProduct
parent parentDevice partOf participant@RequestGroup.action participatingOrganization party patient payee@PaymentNotice payee@detail
payment@PaymentNotice paymentIssuer payor performer performingOrganization pharmaceuticalProduct pointer policyHolder polymer
population@EffectEvidenceSynthesis population@ResearchDefinition population@RiskEvidenceSynthesis practitioner prescriber
prescription previous principalInvestigator priorPrescription priorRequest problem procedureReference profile@TestScript
prognosisReference protein protocol@ResearchStudy providedBy provider publisher reasonReference receiver recipient recorder ref
reference referenceDocument referenceInformation referenceSeqPointer referencedItem referral referralRequest referrer regulator
regulatoryAuthority related@context relevantHistory replaces report reporter request requestProvider requester
requestingOrganization requestor resource@action resource@fixture resource@item response@PaymentNotice response@detail responsible
responsibleParty result resultingCondition resultsInterpreter riskEvidenceSynthesis schedule@Slot securityContext sender
service@ChargeItem serviceProvider site@Contract site@ResearchStudy slot source sourceMaterial sourcePatientInfo specimen
specimenRequirement sponsor study subject subjectMedicalHistory subjectResults submitter subscriber supplier supportingImmunization
supportingInfo supportingInformation supportingPatientInformation target@Person.link target@Provenance target@VerificationResult
target@destination target@relatesTo team testScript therapeuticIndication topic@offer typeReference udi undesirableEffect
usedReference validCodedValueSet variantPointer verifiedWith what who; RelatedArtifact: documentation relatedArtifact; Resource:
contained outcome@response resource@entry resource@parameter; Signature: attestationSignature proxySignature signature
sourceSignature; SubstanceAmount: amount@degreeOfPolymerisation amount@repeatUnit amount@startingMaterial; Timing: frequency
measurementPeriod schedule timing; TriggerDefinition: trigger; UsageContext: usageContext useContext; base64Binary: carrierAIDC data
hash query; canonical: answerValueSet base baseDefinition capabilities compartment definition definitionCanonical derivedFrom graph
implementationGuide import imports inputProfile instantiates@CapabilityStatement instantiatesCanonical library measure
message@allowedResponse outputProfile parent partOf profile questionnaire replaces resource@RelatedArtifact
source@ElementDefinition.constraint supplements supportedProfile system@dependsOn targetProfile transform uri@codeSystem
uri@dependsOn url@structure url@unmapped valueSet workflow; code: accept action actuality aggregation assurance base@SearchParameter
base@prism cardinalityBehavior category code codeSearch color@DeviceMetric comparator conditionalDelete conditionalRead
confidentiality content contentType contextType criticality currency dayOfWeek daysOfWeek derivation direction docStatus
durationUnit enableBehavior entryType equivalence exposureState eye fhirVersion format gender generation groupMeasure
groupingBehavior hierarchyMeaning intent kind language license lifecycleStatus listMode meaning method mode modifier
name@OperationDefinition.parameter name@ParameterDefinition name@TerminologyCapabilities.parameter op operationalStatus operator
orientation outcome participantEffectiveGroupMeasure participantStatus patchFormat payload payloadMimeType periodUnit
permittedDataType precheckBehavior preference priority productCategory property publicationStatus purpose@CoverageEligibilityRequest
purpose@CoverageEligibilityResponse referencePolicy relationship relationtype representation@ElementDefinition requestMethod
required requiredBehavior resource resourceType response responseRequired result role rule rules scale searchType selectionBehavior
severity sigFormat start@GraphDefinition state status strand strength studyEffectiveGroupMeasure subjectType system@ContactPoint
target targetFormat transform@target type typeMode use variableType versioning when xpathUsage; date: approvalDate birthDate
created@Basic date@accident date@attestation date@detail date@payment expirationDate@Immunization lastReviewDate lockedDate
nextScheduled paymentDate statusDate@Goal; dateTime: authored authoredOn created creation date dateAsserted dateOfFirstAuthorization
dateTime dateWritten detected effectiveDate effectiveTime end@Period enteredDate event expirationDate expiry internationalBirthDate
issued lastModified lastOccurrence lastPerformed lastUpdated manufactureDate occurrenceDateTime onset paymentDate@valuedItem
presentationDate publicationDate received receivedTime recorded@Immunization recordedDate recordedOn releaseDate restoreDate sent
start@Period started statusDate time timestamp validTo validationDate value@dateCriterion verificationDate whenHandedOver
whenPrepared; id: actionId condition@ElementDefinition context extends goalId groupingId identifier identity key listRuleId
name@Expression name@dependent name@group name@input name@rule packageId requestId responseId sourceId targetId uid
validateProfileId variable versionId@Meta; instant: date@DocumentReference end ifModifiedSince issued@DiagnosticReport issued@Media
issued@Observation lastModified@response lastUpdated@Meta recorded start time@calibration timestamp@Bundle when@Signature; integer:
axis coordinateSystem count decimalPrecision denominatorCount destination end index length maxLength min numFN numFP numTP
numberOfParticipants numberOfStudies numberOfSubunits numberOfUnits numeratorCount offset origin quantity readCoverage score@roc
sequence@Dosage start subunit total windowEnd windowStart; markdown: citation clinicalRecommendationStatement
comment@ElementDefinition comment@OperationDefinition comment@eligibility copyright definition@ElementDefinition definition@Measure
description@ActivityDefinition description@CapabilityStatement description@ChargeItemDefinition description@CodeSystem
description@CompartmentDefinition description@ConceptMap description@EffectEvidenceSynthesis description@EventDefinition
description@Evidence description@EvidenceVariable description@ExampleScenario.operation description@GraphDefinition
description@ImplementationGuide description@Library description@Measure description@MessageDefinition description@NamingSystem
description@OperationDefinition description@PlanDefinition description@Questionnaire description@ResearchDefinition
description@ResearchElementDefinition description@ResearchStudy description@RiskEvidenceSynthesis description@SearchParameter
description@StructureDefinition description@StructureMap description@TerminologyCapabilities description@TestScript
description@ValueSet description@actor description@alternative description@instance description@process description@security
description@version disclaimer documentation extraDetails guidance meaningWhenMissing message paymentTerms postConditions
preConditions preparationInstruction purpose rationale requirements situation text@Annotation textFilter; positiveInt:
careTeamSequence count@Timing.repeat countMax detailSequence diagnosisSequence dimensions frames frequency frequencyMax groupSize
height informationSequence itemSequence limit minutesDuration noteNumber number@processNote order precedence priority
procedureSequence rank repetitions sequence subDetailSequence subdetailSequence supportingInfoSequence width; string:
address@network code@version data@SampledData definition@concept documentation@CompartmentDefinition.resource
documentation@ParameterDefinition documentation@group documentation@input documentation@parameter documentation@rule
documentation@structure language@applicability rationale@prediction reference@Reference requirements@ElementDefinition.constraint
sourceId@referencedFrom state@Address status@response type@detail type@input type@operation type@source url@operation
variable@dependent; time: availableEndTime availableStartTime closingTime openingTime timeOfDay; unsignedInt: count@CodeSystem
min@ElementDefinition min@ElementDefinition.base min@focus number numberOfInstances numberOfRepeatsAllowed numberOfSeries
offset@Timing.repeat priority@Appointment quantity@Group reliableCache securityLabelNumber size total@Bundle; uri: authority
authorizationUrl code@ElementDefinition.type contentReference definition@item definitionUri derivedFromUri detail@operation fullUrl
identifier@expansion implicitRules instantiates instantiatesUri issuer jurisdiction link location@response onlineInformation policy
property@dependsOn protocol reference source@DocumentManifest source@Meta source@group system target@group type@Reference
type@StructureDefinition uri url; url: address endpoint relativePath rendering url@Attachment url@RelatedArtifact
url@implementation;
`
