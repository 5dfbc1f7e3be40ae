/**
 * Which members of R4 resources hold a uri, url, oid or uuid, and so may hold a link that a transaction replaces. Of the same name,
 * some are canonical or plain text elsewhere: those stay as they are. (From the definitions of FHIR 4.0.1.)
 */

const choices = ['value', 'defaultValue', 'fixed', 'pattern'].flatMap((stem) =>
  ['Uri', 'Url', 'Oid', 'Uuid'].map((type) => `${stem}${type}`),
)

/** By their names alone. */
const everywhere: ReadonlySet<string> = new Set([
  ...choices,
  ...['url', 'system', 'uri', 'reference', 'address', 'endpoint', 'policy', 'protocol', 'authority', 'issuer'],
  ...['instantiatesUri', 'definitionUri', 'derivedFromUri', 'sourceUri', 'targetUri', 'moduleUri', 'eventUri'],
  ...['implicitRules', 'fullUrl', 'contentReference', 'authorizationUrl', 'onlineInformation', 'jurisdiction'],
  ...['nameUrl', 'rendering', 'relativePath', 'link'],
])

/** Not below these members, where the name stands for something else. */
const notBelow: Readonly<Record<string, ReadonlyArray<string>>> = {
  url: ['unmapped', 'structure', 'operation'],
  system: ['dependsOn', 'product'],
  uri: ['dependsOn', 'codeSystem'],
  address: ['network'],
}

/** Only below these members, or in resources of these types. */
const onlyBelow: Readonly<Record<string, ReadonlyArray<string>>> = {
  source: ['meta', 'group', 'DocumentManifest'],
  target: ['group'],
  definition: ['item'],
  instantiates: ['MedicationAdministration', 'NutritionOrder'],
  property: ['dependsOn', 'product'],
  detail: ['operation'],
  identifier: ['expansion'],
}

/** `parent`: the member around the object, or the type of the resource. */
export const mayLink = (name: string, parent: string): boolean =>
  everywhere.has(name) ? notBelow[name]?.includes(parent) !== true : onlyBelow[name]?.includes(parent) === true
