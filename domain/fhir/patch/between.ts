/**
 * The FHIRPath Patch that makes one version of a resource of another. It is made by comparing elements, applied to the one and held against
 * the other, token by token: what such a patch cannot say (what FHIR does not know, above all) is an error, and never a wrong patch.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type AnnalsError, annalsError } from '../../error.js'
import { few } from '../../patch/between.js'
import { alignment } from '../../patch/differences.js'
import { root } from '../../patch/edit.js'
import { isSame } from '../../patch/equal.js'
import { maxPatchRead } from '../../patch/json-patch.js'
import type { FhirVersion } from '../version.js'
import { applyFhirPathPatch } from './apply.js'
import { below, type Composite, type Element, type Field, fieldsOf, isSameElement, resourceAt } from './fields.js'
import { readFhirPathPatch } from './read.js'
import { encodePatch, type Operation } from './write.js'

const what = 'a FHIRPath Patch'
/** How many levels down it looks, and how many bytes may be read for it, as each operation is applied to all of the resource. */
const attempts = [
  { depth: Number.POSITIVE_INFINITY, maxRead: 32 * 1024 * 1024 },
  { depth: 1, maxRead: maxPatchRead },
]

/** As fine as the bounds allow: beyond them, whole elements of the resource are replaced. */
export function fhirPathPatchBetween(
  before: Uint8Array,
  after: Uint8Array,
  fhirVersion: FhirVersion,
): E.Either<AnnalsError, Buffer> {
  const [a, b] = [before, after].map((bytes) => resourceAt(bytes, root(bytes).start, fhirVersion))
  if (a === undefined || b === undefined || a.place.resourceType !== b.place.resourceType) return inexpressible()
  for (const { depth, maxRead } of attempts) {
    const operations = few(objectsCompared(a.place.resourceType, a, b, depth))
    if (operations === undefined || operations.length * (before.length + after.length) > maxRead) continue
    const patch = encodePatch(inOrder(operations))
    return leadsTo(patch, before, after, fhirVersion) ? E.right(patch) : inexpressible()
  }
  return inexpressible()
}

const inexpressible = (): E.Either<AnnalsError, never> =>
  E.left(annalsError('NotSupported', { what, problem: 'it cannot say what differs here; ask for a JSON Patch' }))

function leadsTo(patch: Uint8Array, before: Uint8Array, after: Uint8Array, fhirVersion: FhirVersion): boolean {
  const read = readFhirPathPatch(what, patch)
  if (E.isLeft(read)) return false
  const made = applyFhirPathPatch(what, read.right, before, { maxBytes: Number.POSITIVE_INFINITY, fhirVersion })
  return E.isRight(made) && isSame(made.right, root(made.right), after, root(after))
}

/** Deletions come last, the last element first: no place moves before its turn, and nothing becomes empty on the way. */
function inOrder(operations: ReadonlyArray<Operation>): ReadonlyArray<Operation> {
  const isDeletion = ({ kind }: Operation): boolean => kind === 'delete'
  return [...operations.filter((each) => !isDeletion(each)), ...operations.filter(isDeletion).reverse()]
}

function* objectsCompared(path: string, a: Composite, b: Composite, depth: number): Generator<Operation> {
  const [own, there] = [fieldsOf(a), fieldsOf(b)]
  for (const field of own.values()) {
    const other = there.get(field.name)
    if (other !== undefined) yield* fieldsCompared(path, { object: a, field }, { object: b, field: other }, depth)
    else for (const i of field.elements.keys()) yield { kind: 'delete', path: pathTo(path, field, i) }
  }
  for (const field of there.values())
    if (!own.has(field.name))
      for (const element of field.elements)
        yield { kind: 'add', path, name: field.name, value: { object: b, field, element } }
}

interface FieldOf {
  readonly object: Composite
  readonly field: Field
}

function* fieldsCompared(path: string, a: FieldOf, b: FieldOf, depth: number): Generator<Operation> {
  const [own, there] = [a.field.elements, b.field.elements]
  const { paired, end } = alignment(own.length, there.length, (i, j) =>
    isSameElement(a.object.bytes, own[i] as Element, b.object.bytes, there[j] as Element),
  )
  for (let i = 0; i < paired; i++) yield* elementsCompared(pathTo(path, a.field, i), a, b, i, depth)
  for (let i = paired; i < own.length - end; i++) yield { kind: 'delete', path: pathTo(path, a.field, i) }
  for (let i = paired; i < there.length - end; i++) {
    const value = { ...b, element: there[i] as Element }
    const { name } = b.field
    if (end === 0) yield { kind: 'add', path, name, value }
    else yield { kind: 'insert', path: `${path}.${name}`, index: i, value }
  }
}

function* elementsCompared(path: string, a: FieldOf, b: FieldOf, at: number, depth: number): Generator<Operation> {
  const [own, there] = [a.field.elements[at] as Element, b.field.elements[at] as Element]
  if (isSameElement(a.object.bytes, own, b.object.bytes, there)) return
  const [one, two] = [below(a.object, a.field, own), below(b.object, b.field, there)]
  const isComparable =
    one !== undefined &&
    two !== undefined &&
    own.beside === undefined &&
    there.beside === undefined &&
    a.field.member === b.field.member &&
    one.place.resourceType === two.place.resourceType
  if (isComparable && depth > 1) yield* objectsCompared(path, one, two, depth - 1)
  else yield { kind: 'replace', path, value: { ...b, element: there } }
}

const pathTo = (path: string, { name, isList }: Field, index: number): string =>
  isList ? `${path}.${name}[${index}]` : `${path}.${name}`
