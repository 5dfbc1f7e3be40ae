/**
 * Which elements repeat, and which are choices such as `value[x]`, by their names. What stands around an element decides where the name alone
 * does not: the member above it or the type of the resource, and the type with the member where even that says too little. Made of the
 * definitions of FHIR 4.0.1, 4.3.0 and 5.0.0; `test/fhir/elements.ts` says how, and its test that it is complete.
 */
import type { FhirVersion } from '../version.js'
import {
  choices,
  choicesOtherwiseInR5,
  repeatsEverywhere,
  repeatsOtherwiseInR5,
  repeatsSomewhere,
} from './element-tables.js'

/** Where an element stands: the type of the resource around it, and the names of the members from there down to it. */
export interface Place {
  readonly fhirVersion: FhirVersion
  readonly resourceType: string
  readonly members: ReadonlyArray<string>
}

export const isRepeating = (name: string, place: Place): boolean => isSpecial(repeating(), name, place)

/** Whether the element is written with a type behind its name, such as `valueQuantity`. */
export const isChoice = (name: string, place: Place): boolean => isSpecial(choosing(), name, place)

/** `+`: only in these places; `-`: in all but these; `*`: in all. */
type Table = ReadonlyMap<string, { readonly isListed: boolean; readonly places: ReadonlySet<string> }>

interface Tables {
  readonly all: Table
  /** In which places R5 says otherwise. */
  readonly otherwiseInR5: Table
}

const isSpecial = ({ all, otherwiseInR5 }: Tables, name: string, place: Place): boolean =>
  isIn(all, name, place) !== (place.fhirVersion === '5.0' && isIn(otherwiseInR5, name, place))

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

const repeating = once(
  (): Tables => ({
    all: tableOf(`${repeatsEverywhere.trim().replace(/\s+/g, ' *; ')} *; ${repeatsSomewhere}`),
    otherwiseInR5: tableOf(repeatsOtherwiseInR5),
  }),
)
const choosing = once((): Tables => ({ all: tableOf(choices), otherwiseInR5: tableOf(choicesOtherwiseInR5) }))
