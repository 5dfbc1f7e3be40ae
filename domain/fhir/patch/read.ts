/** Reads a FHIRPath Patch: a Parameters resource, of which each parameter is an operation. (FHIR R4, FHIRPath Patch) */
import * as E from 'fp-ts/lib/Either.js'
import { elementsOf, isArrayAt, isObjectAt, membersOf, type Span, scanBody, textAt } from '../../body/index.js'
import { type AnnalsError, annalsError } from '../../error.js'
import { maxPatchOperations } from '../../patch/json-patch.js'
import { isChoice, isRepeating, type Place } from './elements.js'
import { type Path, PathProblem, parsePath } from './path.js'

/** A value as it was sent. */
export interface Sent {
  /** What is behind `value`, such as `HumanName`; `undefined`: an element made of parts, which has no type of its own. */
  readonly type: string | undefined
  /** Its bytes in an element. */
  bytesAt(place: Place): Uint8Array
  /** A primitive value may have what is beside it, and no value. */
  readonly hasValue: boolean
  /** Id and extensions of a primitive value. */
  readonly beside: Uint8Array | undefined
}

export type FhirPathOperation = { readonly path: Path; readonly text: string } & (
  | { readonly kind: 'add'; readonly name: string; readonly value: Sent }
  | { readonly kind: 'insert'; readonly index: number; readonly value: Sent }
  | { readonly kind: 'delete' }
  | { readonly kind: 'replace'; readonly value: Sent }
  | { readonly kind: 'move'; readonly source: number; readonly destination: number }
)

export type FhirPathPatch = ReadonlyArray<FhirPathOperation>

type Part = ReadonlyMap<string, Span>

/** Why an operation is none. `place`: where in the resource. */
class Malformed {
  constructor(
    readonly place: string,
    readonly problem: string,
  ) {}
}

/** `what` names the patch in errors. */
export function readFhirPathPatch(what: string, bytes: Uint8Array): E.Either<AnnalsError, FhirPathPatch> {
  const scanned = scanBody(bytes)
  if (E.isLeft(scanned)) return scanned
  try {
    return E.right(readOperations(bytes, scanned.right.open - 1))
  } catch (error) {
    if (error instanceof Malformed)
      return E.left(annalsError('InvalidInput', { what: `${what}, ${error.place}`, problem: error.problem }))
    throw error
  }
}

function readOperations(bytes: Uint8Array, start: number): FhirPathPatch {
  const parameters = partsOf(bytes, { start, end: bytes.length }, 'parameter', '')
  if (parameters.length > maxPatchOperations)
    throw new Malformed('parameter', `it has ${parameters.length} operations; at most ${maxPatchOperations} are taken`)
  return parameters.map((parameter, i) => {
    const place = `parameter[${i}]`
    if (nameOf(bytes, parameter) !== 'operation') throw new Malformed(`${place}.name`, "it is 'operation'")
    return readOperation(bytes, partsIn(bytes, parameter, place), place)
  })
}

/** The objects of a list member; none where it is absent. */
function partsOf(bytes: Uint8Array, object: Span, name: string, place: string): Part[] {
  const list = [...membersOf(bytes, object.start)].find((member) => member.name === name)
  if (list === undefined) return []
  const at = place === '' ? name : `${place}.${name}`
  if (!isArrayAt(bytes, list.start)) throw new Malformed(at, 'a list is needed')
  return [...elementsOf(bytes, list.start)].map((element, i) => {
    if (!isObjectAt(bytes, element.start)) throw new Malformed(`${at}[${i}]`, 'an object is needed')
    const members = new Map<string, Span>([...membersOf(bytes, element.start)].map((each) => [each.name, each]))
    return members.set('', element)
  })
}

const partsIn = (bytes: Uint8Array, part: Part, place: string): Part[] =>
  partsOf(bytes, part.get('') as Span, 'part', place)

const nameOf = (bytes: Uint8Array, part: Part): string | undefined => {
  const name = part.get('name')
  return name && textAt(bytes, name)
}

function readOperation(bytes: Uint8Array, parts: ReadonlyArray<Part>, place: string): FhirPathOperation {
  const found = new Map<string, { readonly part: Part; readonly at: string }>()
  parts.forEach((part, i) => {
    const at = `${place}.part[${i}]`
    const name = nameOf(bytes, part) ?? ''
    if (!known.has(name)) throw new Malformed(`${at}.name`, `it is one of ${[...known].join(', ')}`)
    if (found.has(name)) throw new Malformed(at, `there is a '${name}' already`)
    found.set(name, { part, at })
  })
  const text = (name: string): string => {
    const { part, at } = needed(name)
    const value = [...part].find(([member]) => member.startsWith('value'))
    const read = value && textAt(bytes, value[1])
    if (read === undefined || read === '') throw new Malformed(at, 'a text is needed, as valueString or valueCode')
    return read
  }
  const number = (name: string): number => {
    const { part, at } = needed(name)
    const value = part.get('valueInteger')
    const token = value && Buffer.from(bytes.subarray(value.start, value.end)).toString().trim()
    if (token === undefined || !/^\d{1,9}$/.test(token)) throw new Malformed(at, 'a valueInteger from 0 is needed')
    return Number(token)
  }
  const needed = (name: string) => {
    const one = found.get(name)
    if (one === undefined) throw new Malformed(place, `it needs a part '${name}'`)
    return one
  }
  const value = (): Sent => {
    const { part, at } = needed('value')
    return sentOf(bytes, part, at)
  }
  const kind = text('type')
  const at = { path: pathOf(text('path'), needed('path').at), text: text('path') }
  switch (kind) {
    case 'add': {
      const name = text('name')
      if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name)) throw new Malformed(needed('name').at, 'it is no name of an element')
      return { ...at, kind, name, value: value() }
    }
    case 'insert':
      return { ...at, kind, index: number('index'), value: value() }
    case 'delete':
      return { ...at, kind }
    case 'replace':
      return { ...at, kind, value: value() }
    case 'move':
      return { ...at, kind, source: number('source'), destination: number('destination') }
    default:
      throw new Malformed(needed('type').at, 'it is add, insert, delete, replace or move')
  }
}

const known = new Set(['type', 'path', 'name', 'value', 'index', 'source', 'destination'])

/** Of a path, in characters: how deep it nests is bounded by it. */
const maxPath = 1_000

function pathOf(text: string, place: string): Path {
  if (text.length > maxPath) throw new Malformed(place, `a path has at most ${maxPath} characters`)
  try {
    return parsePath(text)
  } catch (error) {
    if (error instanceof PathProblem) throw new Malformed(place, error.problem)
    throw error
  }
}

/** `value[x]`, or parts of which each is an element of the value. */
function sentOf(bytes: Uint8Array, part: Part, place: string): Sent {
  const typed = [...part].filter(([member]) => /^_?value[A-Z]/.test(member))
  const parts = partsIn(bytes, part, place)
  const resource = part.get('resource')
  if (resource !== undefined && typed.length === 0 && parts.length === 0) {
    const own = bytes.slice(resource.start, resource.end)
    return { type: undefined, bytesAt: () => own, hasValue: true, beside: undefined }
  }
  const types = new Set(typed.map(([member]) => member.replace(/^_?value/, '')))
  if (types.size + (parts.length > 0 ? 1 : 0) !== 1)
    throw new Malformed(place, 'it needs one value: a value[x], a resource, or parts')
  if (parts.length > 0) {
    const members = parts.map((each, i) => {
      const at = `${place}.part[${i}]`
      const name = nameOf(bytes, each) ?? ''
      if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name)) throw new Malformed(`${at}.name`, 'the name of an element is needed')
      return { name, value: sentOf(bytes, each, at) }
    })
    return { type: undefined, bytesAt: (at) => objectOf(members, at), hasValue: true, beside: undefined }
  }
  const [type] = types
  const cut = (member: string): Uint8Array | undefined => {
    const span = part.get(member)
    return span && bytes.slice(span.start, span.end)
  }
  const own = cut(`value${type}`)
  const hasValue = own !== undefined
  return { type, bytesAt: () => own ?? Buffer.from('null'), hasValue, beside: cut(`_value${type}`) }
}

/** Members of one name are a list, and so is a single one where the element repeats. */
function objectOf(members: ReadonlyArray<{ name: string; value: Sent }>, place: Place): Uint8Array {
  const groups = new Map<string, Sent[]>()
  for (const { name, value } of members) groups.set(name, [...(groups.get(name) ?? []), value])
  const written = [...groups].flatMap(([name, values]) => {
    const member = memberName(name, values[0] as Sent, place)
    const below = { ...place, members: [...place.members, member] }
    const isList = values.length > 1 || isRepeating(name, place)
    const wrap = (all: ReadonlyArray<Uint8Array>): Uint8Array =>
      isList ? Buffer.concat([Buffer.from('['), joined(all), Buffer.from(']')]) : (all[0] as Uint8Array)
    const own = isList || values[0]?.hasValue ? [pair(member, wrap(values.map((value) => value.bytesAt(below))))] : []
    if (values.every(({ beside }) => beside === undefined)) return own
    return [...own, pair(`_${member}`, wrap(values.map(({ beside }) => beside ?? Buffer.from('null'))))]
  })
  return Buffer.concat([Buffer.from('{'), joined(written), Buffer.from('}')])
}

/** An element that is a choice is written with the type of its value. */
export const memberName = (name: string, { type }: Sent, place: Place): string =>
  type !== undefined && isChoice(name, place) ? `${name}${type}` : name

const pair = (name: string, value: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`${JSON.stringify(name)}:`), value])

const joined = (all: ReadonlyArray<Uint8Array>): Uint8Array =>
  Buffer.concat(all.flatMap((each, i) => (i === 0 ? [each] : [Buffer.from(','), each])))
