/**
 * The types of elements, by their names: what the value of a FHIRPath Patch is called. JSON tells texts, numbers and objects apart, so
 * the tables say what it leaves open: `gender` is a code, and `name` a HumanName. Made of the definitions of FHIR 4.0.1 and 5.0.0, which
 * have nearly all that R4B has; `test/fhir/types.ts` says how, and its test that they are complete.
 */
import type { FhirVersion } from '../version.js'
import type { Place } from './elements.js'
import { types, typesOtherwiseInR5 } from './type-tables.js'

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
  for (const table of tablesOf(place.fhirVersion)) {
    const known = table.get(`${name} ${kind}`)
    const said = [...places, ''].find((each) => known?.has(each) === true)
    if (said !== undefined) return known?.get(said) as string
  }
  return byJson[kind]
}

/** What may stand behind `value` in a Parameters resource, written as there or by itself. (FHIR, open data types, of all versions) */
export const isOpenType = (type: string): boolean =>
  openTypes.has(type) || openTypes.has(`${type.slice(0, 1).toLowerCase()}${type.slice(1)}`)

const byJson = { object: 'Element', text: 'string', number: 'decimal', boolean: 'boolean' } as const

const texts = new Set(
  'base64Binary canonical code date dateTime id instant integer64 markdown oid string time uri url uuid'.split(' '),
)
const numbers = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt'])

const openTypes = new Set([
  ...texts,
  ...numbers,
  'boolean',
  ...`Address Age Annotation Attachment Availability CodeableConcept CodeableReference Coding ContactDetail ContactPoint Contributor Count
  DataRequirement Distance Dosage Duration Expression ExtendedContactDetail HumanName Identifier Meta Money ParameterDefinition Period Quantity
  Range Ratio RatioRange Reference RelatedArtifact SampledData Signature Timing TriggerDefinition UsageContext`.split(
    /\s+/,
  ),
])

const kindOf = (type: string): JsonKind =>
  texts.has(type) ? 'text' : numbers.has(type) ? 'number' : type === 'boolean' ? type : 'object'

type Table = ReadonlyMap<string, ReadonlyMap<string, string>>

let made: { readonly all: Table; readonly otherwiseInR5: Table } | undefined

function tablesOf(fhirVersion: FhirVersion): ReadonlyArray<Table> {
  made ??= { all: tableOf(types), otherwiseInR5: tableOf(typesOtherwiseInR5) }
  return fhirVersion === '5.0' ? [made.otherwiseInR5, made.all] : [made.all]
}

/** By name and kind, the types by place; everywhere else, that of the empty place. */
function tableOf(text: string): Table {
  const found = new Map<string, Map<string, string>>()
  for (const line of text.trim().split(/;\s*/).slice(0, -1)) {
    const [type = '', entries = ''] = line.split(/:\s+/)
    for (const entry of entries.split(/\s+/)) {
      const [name, place = ''] = entry.split('@')
      const key = `${name} ${kindOf(type)}`
      const places = found.get(key) ?? new Map<string, string>()
      found.set(key, places.set(place, type))
    }
  }
  return found
}
