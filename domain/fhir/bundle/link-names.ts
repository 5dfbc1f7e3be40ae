/**
 * Which members of resources hold a uri, url, oid or uuid, and so may hold a link that a transaction replaces. Of the same name,
 * some are canonical or plain text elsewhere: those stay as they are, and so do those that name a type and no resource. (From the
 * definitions of FHIR 4.0.1, 4.3.0 and 5.0.0, which agree wherever two of them have an element, but for one.)
 */
import type { FhirVersion } from '../version.js'

const choices = ['value', 'defaultValue', 'fixed', 'pattern'].flatMap((stem) =>
  ['Uri', 'Url', 'Oid', 'Uuid'].map((type) => `${stem}${type}`),
)

/** By their names alone. */
const everywhere: ReadonlySet<string> = new Set([
  ...choices,
  ...['url', 'system', 'uri', 'reference', 'address', 'endpoint', 'policy', 'protocol', 'authority', 'issuer'],
  ...['instantiatesUri', 'definitionUri', 'derivedFromUri', 'sourceUri', 'targetUri', 'moduleUri', 'eventUri'],
  ...['artifactUri', 'linkUri', 'networkUri', 'sourceScopeUri', 'targetScopeUri', 'structureProfileUri'],
  ...['implicitRules', 'fullUrl', 'contentReference', 'authorizationUrl', 'onlineInformation', 'jurisdiction'],
  ...['nameUrl', 'addressUrl', 'endpointUrl', 'sourceUrl', 'rendering', 'relativePath', 'link', 'additionalInfo'],
  ...['filterDefinition', 'satisfiedBy', 'subJurisdiction', 'startParam', 'endParam'],
])

/** Not below these members, where the name stands for something else. */
const notBelow: Readonly<Record<string, ReadonlyArray<string>>> = {
  url: ['unmapped', 'structure', 'operation'],
  system: ['dependsOn', 'product', 'property'],
  uri: ['dependsOn', 'codeSystem'],
  address: ['network'],
}

/** Only below these members, or in resources of these types. */
const onlyBelow: Readonly<Record<string, ReadonlyArray<string>>> = {
  source: ['meta', 'valueMeta', 'defaultValueMeta', 'fixedMeta', 'patternMeta', 'group', 'DocumentManifest'],
  target: ['group'],
  definition: ['item', 'ConditionDefinition'],
  instantiates: ['MedicationAdministration', 'NutritionOrder'],
  property: ['dependsOn', 'product'],
  detail: ['operation'],
  identifier: ['expansion'],
  next: ['expansion'],
  path: ['content'],
}

/** In R5, a ConceptMap says by canonical what it maps. */
const canonicalInR5: Readonly<Record<string, string>> = { source: 'group', target: 'group' }

/** `parent`: the member around the object, or the type of the resource. */
export const mayLink = (name: string, parent: string, fhirVersion: FhirVersion): boolean =>
  everywhere.has(name)
    ? notBelow[name]?.includes(parent) !== true
    : onlyBelow[name]?.includes(parent) === true && !(fhirVersion === '5.0' && canonicalInR5[name] === parent)
