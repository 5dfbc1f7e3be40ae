/** The elements of a resource as FHIR counts them: primitive values with what stands beside them, and choices by their name alone. */
import { elementsOf, isArrayAt, isObjectAt, membersOf, type Span, textAt } from '../../body/index.js'
import { isSame } from '../../patch/equal.js'
import type { FhirVersion } from '../version.js'
import { choiceOf } from './choices.js'
import type { Place } from './elements.js'
import { type JsonKind, typeOfElement } from './types.js'

/** An object in the bytes of a resource. */
export interface Composite {
  readonly bytes: Uint8Array
  readonly start: number
  readonly place: Place
  /** Its datatype, or which element of one it is; `undefined`: a resource, or an element of one that has no type of its own. */
  readonly enclosing: string | undefined
}

export interface Field {
  /** As a path names it. */
  readonly name: string
  /** As JSON names it. */
  readonly member: string
  /** Of a choice: the type behind its name, such as `Quantity`. */
  readonly chosen: string | undefined
  readonly isList: boolean
  readonly elements: ReadonlyArray<Element>
}

/** One of both is there. */
export interface Element {
  readonly value: Span | undefined
  /** Id and extensions of a primitive value. */
  readonly beside: Span | undefined
}

/** `undefined`: the object is no resource. */
export function resourceAt(bytes: Uint8Array, start: number, fhirVersion: FhirVersion): Composite | undefined {
  for (const member of membersOf(bytes, start))
    if (member.name === 'resourceType') {
      const resourceType = textAt(bytes, member)
      return resourceType === undefined
        ? undefined
        : { bytes, start, place: { fhirVersion, resourceType, members: [] }, enclosing: undefined }
    }
  return undefined
}

/** By name, in document order. */
export function fieldsOf({ bytes, start, place }: Composite): ReadonlyMap<string, Field> {
  const members = new Map([...membersOf(bytes, start)].map(({ name, ...span }) => [name, span]))
  const isResource = place.members.length === 0
  const fields = new Map<string, Field>()
  for (const member of new Set([...members.keys()].map((name) => name.replace(/^_/, '')))) {
    if (isResource && member === 'resourceType') continue
    const [own, beside] = [members.get(member), members.get(`_${member}`)]
    const isList = [own, beside].some((span) => span !== undefined && isArrayAt(bytes, span.start))
    const { name, chosen } = isList ? { name: member, chosen: undefined } : choiceOf(member, place)
    const elements = isList ? zipped(listAt(bytes, own), listAt(bytes, beside)) : [{ value: there(bytes, own), beside }]
    fields.set(name, { name, member, chosen, isList, elements })
  }
  return fields
}

const listAt = (bytes: Uint8Array, span: Span | undefined): ReadonlyArray<Span | undefined> =>
  span === undefined || !isArrayAt(bytes, span.start)
    ? []
    : [...elementsOf(bytes, span.start)].map((each) => there(bytes, each))

/** `null` says that nothing is there. */
const there = (bytes: Uint8Array, span: Span | undefined): Span | undefined =>
  span === undefined || bytes[span.start] === 0x6e ? undefined : span

const zipped = (values: ReadonlyArray<Span | undefined>, besides: ReadonlyArray<Span | undefined>): Element[] =>
  Array.from({ length: Math.max(values.length, besides.length) }, (_, i) => ({ value: values[i], beside: besides[i] }))

export function kindAt(bytes: Uint8Array, { start }: Span): JsonKind | undefined {
  const first = String.fromCharCode(bytes[start] as number)
  if (first === '{') return 'object'
  if (first === '"') return 'text'
  if (first === 't' || first === 'f') return 'boolean'
  return /[-\d]/.test(first) ? 'number' : undefined
}

/** The type of a value, as FHIR names it. Where nothing is known of it, what JSON says. */
export const typeIn = (object: Composite, { name, chosen }: Field, { value }: Element): string => {
  if (chosen !== undefined) return chosen
  const kind = value === undefined ? 'text' : kindAt(object.bytes, value)
  return kind === undefined ? 'Element' : typeOfElement(name, kind, object.place, object.enclosing)
}

/** An element as the object that it is; `undefined`: it is none. */
export function below(object: Composite, field: Field, element: Element): Composite | undefined {
  const { bytes, place, enclosing } = object
  const { value } = element
  if (value === undefined || !isObjectAt(bytes, value.start)) return undefined
  const resource = resourceAt(bytes, value.start, place.fhirVersion)
  if (resource !== undefined) return resource
  const type = typeIn(object, field, element)
  return {
    bytes,
    start: value.start,
    place: { ...place, members: [...place.members, field.member] },
    enclosing: type === 'Element' ? enclosing && `${enclosing}.${field.name}` : type,
  }
}

export function isSameElement(a: Uint8Array, left: Element, b: Uint8Array, right: Element): boolean {
  const same = (one: Span | undefined, two: Span | undefined): boolean =>
    one === undefined || two === undefined ? one === two : isSame(a, one, b, two)
  return same(left.value, right.value) && same(left.beside, right.beside)
}
