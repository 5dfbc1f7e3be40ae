/**
 * The tables of `elements.ts`: names of elements, each with the places that it is special in. `+`: in these; `-`: in all but these; `*`: in
 * all. R4 and R4B agree wherever both have an element; the tables for R5 hold where it says otherwise.
 */

export const repeatsEverywhere = `
about acceptLanguage addItem additional additionalAttribute additionalCharacteristic additionalClassification additionalContext
additionalIdentifier additionalInfo additionalInstruction additionalUse addresses adjudication administration
administrationGuidelines affiliationInfo agent aggregation allergyIntolerance allocation allowedResponse allowedType
alternateMaterial alternative analysis anchor answerOption application appliesTo areaUnderCurve arm artifactAssessment asset
associatedMedication associatedParty association attachedDocument attester attributeEstimate authorizationSupporting
authorizingPrescription availability availableTime balance batchIdentifier benefit benefitBalance bodyLandmarkOrientation bodysite
calibration canFilterBy capability careTeam careTeamSequence causality certainty certaintySubcomponent chain changeType
characteristics characterization classHistory classifier clinicalTrial clinicalUseIssue clockFacePosition codeFilter codeSystem
coding communication communicationRequest comorbidity comparisonGroup compartment complication complicationDetail comprisedOf
conclusionCode conformsTo const constituent consumedItem contained containedInstance containedItem containedItemQuantity contains
contextInvariant contextLinkId contract contraindicatedVaccineCode contributingFactor contributionInstance contributionType control
controller coordinate copolymerConnectivity costToBeneficiary countryLanguage countryOfOrigin coverageArea crossReference
currentState dataRequirement dateCriterion dateFilter daysOfWeek decisionMode definitionCanonical definitionUri
degreeOfPolymerisation deliveryDevice dependency dependsOn derivedFromCanonical derivedFromUri designation detectedIssue
diagnosisSequence dietPreference discriminator dispenserInstruction distanceFromLandmark distributor disulfideLinkage
dosageInstruction doseAndRate doseStatusReason dosingGuideline drugCharacteristic dynamicValue edit editor education effectEstimate
enableWhen endorser enrollment entry entryClassifier entryQuantity entryReference environmentType environmentalSetting episodeOfCare
evaluatedResource evaluationMessage eventHistory eventTrigger evidence exception excludeFoodModifier excludedStructure excludingDate
excludingRecurrenceId exposureVariant extension fMeasure feature filter filterBy financial finding fixture fluidConsistencyType
focalDevice followUp foodPreferenceModifier forecastReason formOf formatted fractionDescription friendly gateway geneElement
generalCost generalPractitioner geographicalLocation given global goal goalId grade grantee grantor graph grouping guarantor
hasIngredient hasMember hasPart header healthcareService hoursOfOperation image imageRegion2D imageRegion3D imagingStudy
implementationGuide implicated import imports imprint impurity inResponseTo include includedStructure indicationGuideline
informationProvider informationSequence ingredient ingredientLabel initial input insurance intendedExposure intendedJurisdiction
intendedRoute interactant interpretation interpreter inventoryListing inventoryStatus investigation isotope
jurisdictionalAuthorization keyword kinetics knownAllergen landmarkDescription languageCode legal lensSpecification lethalDose50
library line lineItem linkage locationCode locationQualifier locationReference manager manifestation manufacturedItem
manufacturingBusinessOperation mapping marketDistribution marketingStatus masterFile medicineClassification medium messaging
methodType mimeType mitigatingAction modelCharacteristic modification modifierExtension moiety monitoringProgram monograph
monomerSet namePart node notAvailable notAvailableTime note noteNumber notificationEvent notificationShape numFN numFP numTP object
objective observationRequirement observationResultRequirement offeredIn official option orderDetail organizationReference
otherCharacteristics otherTherapy outcomeCode outcomeCodeableConcept outcomeMeasure outcomeReference output overload packageFor
packageItem packagedMedicinalProduct param parameter parameterName parentSubstanceId parentSubstanceName partDescription participant
participantType patchFormat patientCharacteristic patientCharacteristics patientPreparation payloadMimeType payloadType paymentBy
payor performedActivity performerLinkId periodType permittedDataType permittedUnit pharmaceuticalProduct plan pointer policy
policyText preAuthRefPeriod precisionEstimate precondition prediction presentedForm preventiveAction priceComponent priorRequest
prism problem procedureCode procedureSequence process processNote processing processingFacility producedFrom productCharacteristic
productClassification productType productionIdentifierInUDI prognosisCodeableConcept prognosisReference programCode
programEligibility progress progressStatus propertyGroup protocolApplied publicationForm purposeOfEvent purposeOfUse
pushTypeAvailable qualifiedInterval qualifiedValue qualifier qualifiers quality reaction reasonLinkId recommendation
recurrenceTemplate referenceDocument referencePolicy referenceStrength referencedFrom referralMethod referralRequest region
regionsCalled regionsStudied regulatory regulatoryBasis regulatoryIdentifier rejectionCriterion related relatedAccount relatedAction
relatedClinicalInformation relatedEntry relatedIdentifier relatedMedicationKnowledge relatesTo relative relevantHistory replaces
report repository requestHeader requestedPerformer requesterLinkId resourceTrigger responsibleOrganization responsibleParty rest
resultingCondition resultingEffect resultsByExposure resultsInterpreter revInclude reviewer safety satisfiedBy searchInclude
searchRevInclude section securityLabel securityLabelNumber sensitivity service serviceCategory serviceProvisionCode shelfLifeStorage
signature signer slot sort sourceAttachment sourceDocument sourceReference spatialReference specialArrangement specialCourtesy
specialDesignation specialMeasures specialPrecautionsForStorage specialization specificCost specifiedSubstance specimenRequirement
startingMaterial statement statistic statusHistory step storage storageGuideline stratifier stratum structuralRepresentation
structureVariant studyDesign subDetail subPotentReason subProperty subSite subcomponent subdetailSequence subjectMedicalHistory
subjectReport subjectType subpotentReason subset subtype suffix sugar supplement supplementalData supportedInteraction
supportedMessage supportedProfile supportingImmunization supportingInfo supportingInfoSequence supportingPatientInformation
surfaceOrientation suspectEntity synonym tag targetClassifier targetLocation targetProfile targetSpecies team telecom template test
testCase testData testRun testingDestination texture therapeuticIndication timeFromEvent timeOfDay traceNumber trigger triggeredBy
typeTested udi udiCarrier udiDeviceIdentifier uniqueId usageContext usageReason useContext usePeriod usedCode usedReference
validationProcess validator valueAlternatives valueCategory valueCode valueFilter valueQuantity valueRange valuedItem variant
verification virtualService webLocation withdrawalPeriod
`

export const repeatsSomewhere = `
abstract + citedArtifact; account - Invoice allocation relatedAccount; action - AuditEvent focalDevice mitigation; activity +
CarePlan rule; actor - AppointmentResponse participant performer; additive + Specimen.processing SpecimenDefinition.container
enteralFormula; address + Organization Patient Person Practitioner RelatedPerson entry; affiliation + entry; alias - structure;
amount + NutritionProduct.nutrient component constituent ingredient; answer - enableWhen; applicability + ChargeItemDefinition
propertyGroup; appointment + Encounter; asNeededFor - DeviceRequest schedule; assertion + testCase; assessment + stage; author -
Basic CarePlan Contract DetectedIssue Flag Linkage MedicationKnowledge MessageHeader QuestionnaireResponse RequestGroup
RequestOrchestration causality component content defaultValueAnnotation dispenserInstruction fixedAnnotation mitigation note
patternAnnotation progress valueAnnotation; authority + Contract; authorization - PaymentReconciliation; base + SearchParameter;
basedOn - RiskAssessment; basis + RegulatedAuthorization RiskAssessment justification; bodySite + ActivityDefinition Condition
DocumentReference Procedure ServiceRequest; category - DeviceMetric MedicationAdministration MedicationDispense MedicationStatement
MessageDefinition Procedure SupplyRequest adjudication benefitBalance conformsTo costToBeneficiary detail goal item medication
observation property qualifiedInterval specificCost startingMaterial statistic subDetail supportingInfo total; characteristic -
patientCharacteristics; chargeItem + DeviceDefinition; class + Appointment Coverage provision; classification -
MedicinalProductUndesirableEffect classification securityLabel undesirableEffect; code + ConsentProvision InventoryItem
MeasureReport.stratifier MedicinalProductDefinition OrganizationAffiliation PractitionerRole Questionnaire
StructureDefinition.element SubstanceDefinition SubstanceSpecification action codeFilter context event evidence item provision;
collection + SpecimenDefinition; color + physicalCharacteristics; comment + ResearchDefinition ResearchElementDefinition;
communicationMethod + primarySource; comparator + SearchParameter canFilterBy; component - version; concept + CodeSystem concept
exclude include; condition + FamilyMemberHistory ResearchStudy Specimen action element; conformance + statement; constraint +
element; contact - contact source; container + Specimen; content + ArtifactAssessment DocumentManifest DocumentReference Library;
context + StructureDefinition asset; contraindication - ClinicalUseDefinition; contributor - entry; cost - cost generalCost; country
+ MedicinalProductAuthorization referenceStrength strength; coverage + Account InsurancePlan; data + ConsentProvision
defaultValueTriggerDefinition definitionTriggerDefinition fixedTriggerDefinition patternTriggerDefinition provision rule trigger
valueTriggerDefinition; date + Permission; dayOfWeek + repeat; definition + ConditionDefinition Measure definitional; dependent +
rule; derivedFrom - SearchParameter statement; description + DeviceDefinition.capability; destination + MessageHeader TestScript;
detail - DetectedIssue activity assert operation reaction target; detailSequence + addItem; device + MedicationAdministration
MedicationRequest MedicinalProductPharmaceutical ObservationDefinition analysis distanceFromLandmark packageItem procedure;
deviceName - Media; diagnosis - diagnosis; document + CapabilityStatement; documentType - education; documentation + action goal;
domain + Contract name synonym translation; dosage - MedicationAdministration; effectiveDate + cost; element + differential group
snapshot; eligibility + HealthcareService; encounter + Claim ClaimResponse ExplanationOfBenefit context item; endpoint -
Subscription channel destination source; entity + AuditEvent Provenance; error - Subscription; event - AdverseEvent
MessageDefinition MessageHeader eventTrigger timeFromEvent; example + element; exclude + compose; expression + error issue;
fhirVersion + ImplementationGuide resource; file + characterization; focus - Procedure Task Transport notificationEvent section; for
+ Ingredient; format + CapabilityStatement; function + Ingredient component constituent; gene + SubstanceReferenceInformation; group
- Ingredient specifiedSubstance; handling + typeTested; identifier + Account ActivityDefinition ActorDefinition
AdministrableProductDefinition AllergyIntolerance Appointment AppointmentResponse ArtifactAssessment Basic
BiologicallyDerivedProduct BiologicallyDerivedProductDispense BodyStructure CanonicalResource CapabilityStatement CarePlan CareTeam
CatalogEntry ChargeItem ChargeItemDefinition Citation Citation.entry Claim ClaimResponse ClinicalImpression ClinicalUseDefinition
CodeSystem Communication CommunicationRequest Condition ConditionDefinition Consent Contract Coverage CoverageEligibilityRequest
CoverageEligibilityResponse DetectedIssue Device DeviceAssociation DeviceDefinition DeviceDispense DeviceMetric DeviceRequest
DeviceUsage DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis Encounter
EncounterHistory Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceReport
EvidenceVariable ExampleScenario ExplanationOfBenefit FamilyMemberHistory Flag FormularyItem GenomicStudy Goal GraphDefinition Group
GuidanceResponse HealthcareService ImagingSelection ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation
ImplementationGuide InsurancePlan InventoryItem InventoryItem.instance InventoryReport Invoice Library List Location
ManufacturedItemDefinition Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge
MedicationRequest MedicationStatement MedicinalProduct MedicinalProductAuthorization MedicinalProductDefinition
MedicinalProductPackaged MedicinalProductPharmaceutical MessageDefinition MolecularSequence NamingSystem NutritionIntake
NutritionOrder NutritionProduct.instance Observation ObservationDefinition OperationDefinition Organization OrganizationAffiliation
PackagedProductDefinition PackagedProductDefinition.packaging Patient PaymentNotice PaymentReconciliation Person PlanDefinition
Practitioner PractitionerRole Procedure Questionnaire RegulatedAuthorization RelatedPerson RequestGroup RequestOrchestration
Requirements ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis
Schedule SearchParameter ServiceRequest Slot Specimen StructureDefinition StructureMap Subscription SubscriptionTopic Substance
SubstanceDefinition SupplyDelivery SupplyRequest Task TerminologyCapabilities TestPlan Transport ValueSet VisionPrescription
affiliationInfo analysis citedArtifact container jurisdictionalAuthorization offer package packageItem plan publishedIn
qualification specialDesignation; indication + contraindication guideline indicationGuideline; informationSource + MedicationRequest
SubstanceDefinition; instance - InventoryItem NutritionProduct OperationDefinition suspectEntity; instantiates + CapabilityStatement
MedicationAdministration NutritionOrder; instantiatesCanonical - Contract Task; instantiatesUri - Contract Task; interaction +
resource rest; issue + OperationOutcome; item + Claim ClaimResponse CoverageEligibilityRequest ExplanationOfBenefit Linkage
Questionnaire QuestionnaireResponse answer insurance inventoryListing investigation item; itemSequence + addItem; jurisdiction -
countryLanguage legalStatusOfSupply marketingStatus regulatoryIdentifier udiCarrier udiDeviceIdentifier usage; justification +
classification; label + ResearchStudy; language + name publicationForm synonym translation version; legalStatusOfSupply +
PackagedProductDefinition; limit + benefit rule; link - media requirement; linkId + action asset offer valuedItem; listMode +
target; location + Encounter EncounterHistory HealthcareService OrganizationAffiliation PractitionerRole ResearchStudy
ServiceRequest constituent issue; management + interaction; managingOrganization + CareTeam; manufacturer - Device DeviceDefinition
Immunization Medication MedicationKnowledge manufacturer; material - container startingMaterial; media + DiagnosticReport;
medication + ConditionDefinition; member + Group; method + definitionByTypeAndValue; mitigation + DetectedIssue; modality +
DocumentReference ImagingStudy; modifier - SubscriptionFilterBy filterBy nutrient texture; molecularWeight + SubstanceDefinition
SubstanceSpecification; mustSupport - element; name + Device InventoryItem MedicationKnowledge MedicinalProduct
MedicinalProductDefinition Patient Person Practitioner RelatedPerson SubstanceDefinition SubstanceSpecification
addressExtendedContactDetail defaultValueExtendedContactDetail fixedExtendedContactDetail patternExtendedContactDetail
valueExtendedContactDetail; network + InsurancePlan OrganizationAffiliation coverage plan; number + securityLabel; nutrient -
ingredientLabel; observation + ConditionDefinition; occurrenceDate + recurrenceTemplate; op + TerminologyCapabilities.filter;
operation - action step; operator + filter operation; organization + Consent operation; origin + TestScript capability; other +
manifest; outcome + Evidence Goal; package + package; packageCode + procedure; packaging + DeviceDefinition packaging; page -
definition; parent + BiologicallyDerivedProduct MessageDefinition Specimen; part + name parameter part; partOf - Account Encounter
Location Organization; party + offer; path + component content; payload - channel; performer - ClinicalImpression DeviceRequest
GuidanceResponse MedicationRequest MolecularSequence RiskAssessment action dispenseRequest; performerType + Task Transport action;
period + asset associatedParty data; photo - HealthcareService Person; population - EffectEvidenceSynthesis ResearchDefinition
RiskEvidenceSynthesis; preAuthRef + ExplanationOfBenefit insurance; precision + roc; prefix - action item; primarySource +
VerificationResult; procedure - MedicinalProductAuthorization collection procedure processing; product + target; profile -
ActivityDefinition GraphDefinition defaultValueParameterDefinition destination document fixedParameterDefinition focus global node
origin parameter patternParameterDefinition resource target valueParameterDefinition; program + HealthcareService; property -
dependsOn filter product; protocol - endpoint; provider + addItem; provision - Consent; purpose + ConsentProvision
CoverageEligibilityRequest CoverageEligibilityResponse activity provision; qualification - careTeam; questionnaire +
ConditionDefinition; rating + EffectEvidenceSynthesis.certainty RiskEvidenceSynthesis.certainty certaintySubcomponent; reason +
Appointment CareTeam ChargeItem Communication CommunicationRequest DeviceRequest DeviceUsage DeviceUsage.adherence Encounter
EpisodeOfCare FamilyMemberHistory GenomicStudy GuidanceResponse ImagingStudy Immunization MedicationAdministration
MedicationDispense.substitution MedicationRequest MedicationStatement NutritionIntake Procedure Provenance RequestOrchestration
RiskAssessment ServiceRequest SupplyRequest Task action reviewOutcome; reasonCode - Task; reasonReference - Task; receiver +
MedicationDispense SupplyDelivery; recipient - Invoice PaymentNotice valuedItem; reference + ActorDefinition Contract.party
Contract.subject Requirements relatedMedicationKnowledge statement; referenceRange - amount; relatedArtifact - applicability;
relationship + RelatedPerson SubstanceDefinition SubstanceSpecification contact; repeat + SubstancePolymer; repeatUnit + repeat;
representation + element structure; request + BiologicallyDerivedProduct Specimen addItem item; requestedPeriod + Appointment;
requester + action; requirement + assert; resource + CompartmentDefinition OperationDefinition data definition manifest rest; result
+ DiagnosticReport ResearchStudy assertion; role + CareTeam.participant Specimen agent; route + MedicinalProductDefinition;
routeOfAdministration - enteralFormula; rule - compartment; schedule + oralDiet regulatory supplement; scope + TestPlan TestScript
parameter part testCase; score + roc; searchParam + resource rest; security - rest; series + ImagingStudy; serviceType - Encounter;
site + Contract ResearchStudy bodySite; source + SubstanceSpecification classification code conformsTo gene geneElement name
relationship rule statement structure synonym target translation; specialty - careTeam; specimen - MolecularSequence Observation;
stage + Condition; statusDate + Citation citedArtifact; statusReason + Device DeviceAssociation MedicationAdministration
MedicationStatement NutritionIntake; strength + specifiedSubstance substance; structure + StructureMap; study - ResearchSubject;
subDetailSequence + addItem; subType + Contract; subject + Account ClinicalUseDefinition Contract Contract.action
MedicinalProductContraindication MedicinalProductIndication MedicinalProductInteraction MedicinalProductPackaged
MedicinalProductUndesirableEffect ObservationDefinition RegulatedAuthorization; substitution + regulatory; subunit - subunit;
summary + Citation contributorship; supplier - SupplyDelivery; supportingInformation - withdrawalPeriod; target + Goal
GraphDefinition.link Provenance SearchParameter SubstanceReferenceInformation VerificationResult element goal rule; targetDisease +
protocolApplied; technique + structure; term + Contract Measure; timing + schedule; title + citedArtifact; topic - Communication
Contract Subscription SubscriptionStatus group offer term; total + ClaimResponse ExplanationOfBenefit; totalPriceComponent +
Invoice; translation - TerminologyCapabilities closure; type + Account.procedure Appointment.participant AuditEvent.source
Claim.procedure Encounter Encounter.participant EncounterHistory EpisodeOfCare ExplanationOfBenefit.procedure GenomicStudy
HealthcareService InsurancePlan Location Measure Organization StructureDefinition.element assertion asset attestationSignature
defaultValueSignature diagnosis fixedSignature oralDiet outcomeMeasure patternSignature payload primarySource proxySignature
signature sourceSignature title valueSignature; typeReference + asset; undesirableEffect - ClinicalUseDefinition; usage + additional
name supplementalData; use + Encounter.reason; used + Procedure; vaccineCode + recommendation; value + distanceFromLandmark
patientCharacteristics reason; valueSet + exclude include; variable - source target; variableDefinition + Evidence; version + Device
DeviceDefinition DeviceDefinition.conformsTo ExampleScenarioInstance codeSystem instance; warning + guideline; when + repeat;
workflow + ExampleScenario;
`

export const choices = `
abatement *; additive + Specimen.container additive; address + virtualService; age + FamilyMemberHistory population; allowed +
MedicationRequest.substitution benefit financial; amount + amount moiety property relationship target; answer + enableWhen; artifact
+ ArtifactAssessment; asNeeded - DeviceRequest schedule; author + defaultValueAnnotation dispenserInstruction fixedAnnotation note
patternAnnotation progress valueAnnotation; born *; bounds *; characteristic + patientCharacteristics; chargeItem + lineItem; citeAs
*; code + DeviceRequest; collected *; concentration + Ingredient.strength; content + friendly legal payload rule; coverage +
participant; created + Media; date + MedicinalProductAuthorization.procedure application case; deceased *; defaultValue - variable;
definingSubstance *; definition + action characteristic; detail + target; diagnosis + diagnosis; dose + doseAndRate; doseNumber *;
due + Goal.target; duration + characteristic indication; effective *; entity + valuedItem; event + MessageDefinition MessageHeader
timeFromEvent; example + resource; fastingStatus *; fixed *; generatedBy *; identified *; indication + administrationGuidelines
specialDesignation; instances *; instantiates - CapabilityStatement MedicationAdministration NutritionOrder; instruction +
patientInstruction; item + Medication.ingredient MedicationKnowledge.ingredient SupplyRequest contributingFactor interactant
mitigatingAction preventiveAction suppliedItem supportingInfo; legallyBinding *; link + requirement; location + accident addItem
item; manufacturer + DeviceDefinition; maxValue *; medication - ConditionDefinition; minValue *; minimumVolume *; module *;
multipleBirth *; name + ImplementationGuide.page; occurence *; occurred *; occurrence *; offset + relatedAction; onset - reaction;
participantEffective *; pattern *; performed *; period + Invoice PackagedProductDefinition.shelfLifeStorage; presentation +
Ingredient.strength; probability *; procedure + procedure; product + ActivityDefinition ChargeItem detail; quantity +
ServiceRequest; rate - consumedItem; reported - reaction; scheduled *; sequence + startingSequence; seriesDoses *; serviced *;
source + ConceptMap Consent medicineClassification page script testData; sourceScope *; start + Goal; statusReason +
MedicationDispense; strength + Ingredient.referenceStrength; structureProfile *; studyEffective *; subject + ActivityDefinition
EventDefinition Library Measure Measure.group PlanDefinition PlanDefinition.action ResearchDefinition ResearchElementDefinition
SpecimenDefinition data dataRequirement defaultValueDataRequirement definitionDataRequirement fixedDataRequirement input output
patternDataRequirement requirement valueDataRequirement; substance + ingredient relationship; substanceDefinition *; target +
Citation.relatesTo Composition.relatesTo ConceptMap EvidenceReport.relatesTo; targetItem *; targetScope *; time + manipulation
processing; timing - defaultValueDosage dosage dosageInstruction fixedDosage patternDosage schedule valueDosage; topic + Contract
group term; used - Procedure; value + DeviceRequest.parameter Observation Observation.component Parameters.parameter Parameters.part
ServiceRequest.parameter StructureMap.parameter SupplyRequest.parameter ValueSet.parameter answer answerOption category
characteristic costToBeneficiary dateFilter defaultValueUsageContext definitionByTypeAndValue detail drugCharacteristic
environmentalSetting example extension fixedUsageContext initial input modifierExtension output patientCharacteristic
patternUsageContext precondition productCharacteristic profile property subProperty supportingInfo usage usageContext useContext
valueFilter valueUsageContext; versionAlgorithm *; when + event prediction;
`

export const repeatsOtherwiseInR5 = `
appointmentType + Slot; bodySite + addItem item; category + MedicationAdministration MedicationDispense MedicationStatement
Procedure; causality *; class + Encounter; code + MeasureReport.stratifier PlanDefinition.action; condition + Encounter.diagnosis
EpisodeOfCare.diagnosis; connectionType *; consent *; context + DocumentReference; evaluationMessage *; graph *; identifier +
AdverseEvent Composition ConceptMap ObservationDefinition QuestionnaireResponse TestScript; indication + RegulatedAuthorization;
informationSource + MedicationStatement; instance + NutritionProduct Substance; item + InventoryReport.item; language +
InventoryItem.name; linkId + PlanDefinition.action RequestOrchestration.action; manifestation + Immunization.reaction;
maxDosePerPeriod *; modification *; name + HealthcareService.contact InsurancePlan.contact Location.contact Organization.contact
OrganizationAffiliation.contact PractitionerRole.contact; outcome + AdverseEvent; packageCode + diagnosis; packaging +
MedicationKnowledge; part + MedicinalProductDefinition.part; patientInstruction + Appointment ServiceRequest; performer +
MedicationRequest; photo + Person; process + step; product + ChargeItem; profile + ImplementationGuide.resource; provision +
Consent; responsibleParty *; result + GuidanceResponse; role + CareTeam.participant; schedule + oralDiet supplement; serviceType +
Encounter; subject + Composition List; subscriberId *; suppliedItem *; targetDisease + recommendation; type + Device Measure.group;
use + Encounter.diagnosis; verificationDate *;
`

export const choicesOtherwiseInR5 = `
actor + RequestOrchestration.participant; asNeeded - ActivityDefinition DeviceRequest PlanDefinition ServiceRequest schedule; code +
DeviceRequest; cost + cost; defaultValue + source; doseNumber *; endpoint + destination source; instance + suspectEntity; item +
Medication.ingredient MedicationKnowledge.ingredient SupplyRequest; manufacturer + DeviceDefinition; measureScore *; medication -
ConditionDefinition; name + page; network + agent; period + DeviceDefinition.shelfLifeStorage; product + ChargeItem; reported +
MedicationRequest; seriesDoses *; strength + ingredient; target + EvidenceReport.relatesTo; value + MeasureReport.component
dependsOn product stratum;
`
