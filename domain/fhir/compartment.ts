/**
 * The Patient compartments of R4: which resources belong to which patients, read from their bytes. (FHIR 4.0.1,
 * CompartmentDefinition/patient, with the paths of the search parameters that it names; `test/fhir/patient-compartment.json`)
 */
import { elementsOf, isArrayAt, isObjectAt, membersOf, type Span, textAt } from '../body/index.js'
import { localReference } from './reference.js'

const table = `
Account subject; AdverseEvent subject; AllergyIntolerance patient recorder asserter; Appointment participant.actor;
AppointmentResponse actor; AuditEvent agent.who entity.what; Basic subject author; BodyStructure patient;
CarePlan subject activity.detail.performer; CareTeam subject participant.member; ChargeItem subject; Claim patient payee.party;
ClaimResponse patient; ClinicalImpression subject; Communication subject sender recipient;
CommunicationRequest subject sender recipient requester; Composition subject author attester.party; Condition subject asserter;
Consent patient; Coverage policyHolder subscriber beneficiary payor; CoverageEligibilityRequest patient;
CoverageEligibilityResponse patient; DetectedIssue patient; DeviceRequest subject performer; DeviceUseStatement subject;
DiagnosticReport subject; DocumentManifest subject author recipient; DocumentReference subject author; Encounter subject;
EnrollmentRequest candidate; EpisodeOfCare patient; ExplanationOfBenefit patient payee.party; FamilyMemberHistory patient;
Flag subject; Goal subject; Group member.entity; ImagingStudy subject; Immunization patient; ImmunizationEvaluation patient;
ImmunizationRecommendation patient; Invoice subject recipient; List subject source; MeasureReport subject; Media subject;
MedicationAdministration subject performer.actor; MedicationDispense subject receiver; MedicationRequest subject;
MedicationStatement subject; MolecularSequence patient; NutritionOrder patient; Observation subject performer; Patient link.other;
Person link.target; Procedure subject performer.actor; Provenance target; QuestionnaireResponse subject author;
RelatedPerson patient; RequestGroup subject action.participant; ResearchSubject individual; RiskAssessment subject; Schedule actor;
ServiceRequest subject performer; Specimen subject; SupplyDelivery patient; SupplyRequest deliverTo; Task for focus;
VisionPrescription patient
`

/** Of each type that can belong to a patient: where it refers to patients, from its root. */
export const patientPaths: ReadonlyMap<string, ReadonlyArray<string>> = new Map(
  table
    .trim()
    .split(/;\s*/)
    .map((entry): [string, string[]] => {
      const [type = '', ...paths] = entry.split(/\s+/)
      return [type, paths]
    }),
)

const segmentsOf = new Map([...patientPaths].map(([type, paths]) => [type, paths.map((path) => path.split('.'))]))

/** Whether a resource belongs to one of the patients. `base`: URLs that begin with it are of this server. */
export function belongsTo(
  type: string,
  id: string,
  body: Uint8Array,
  isPatient: (id: string) => boolean,
  base?: string,
): boolean {
  if (type === 'Patient' && isPatient(id)) return true
  for (const path of segmentsOf.get(type) ?? [])
    for (const { start } of valuesAt(body, { start: rootOf(body), end: body.length }, path, 0)) {
      const reference = isObjectAt(body, start) ? referenceAt(body, start) : undefined
      const local = reference === undefined ? undefined : localReference(reference, base)
      if (local?.type === 'Patient' && isPatient(local.id)) return true
    }
  return false
}

/** The values at a path, through lists. */
export function* valuesAt(body: Uint8Array, from: Span, path: ReadonlyArray<string>, depth: number): Generator<Span> {
  if (isArrayAt(body, from.start)) {
    for (const element of elementsOf(body, from.start)) yield* valuesAt(body, element, path, depth)
  } else if (depth === path.length) yield from
  else if (isObjectAt(body, from.start))
    for (const member of membersOf(body, from.start))
      if (member.name === path[depth]) yield* valuesAt(body, member, path, depth + 1)
}

export function referenceAt(body: Uint8Array, start: number): string | undefined {
  for (const member of membersOf(body, start)) if (member.name === 'reference') return textAt(body, member)
  return undefined
}

/** Where the object of a body begins: there may be spaces before it. */
export const rootOf = (body: Uint8Array): number => body.indexOf(openObject)
const openObject = 0x7b
