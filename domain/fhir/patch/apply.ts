/**
 * Applies a FHIRPath Patch to the bytes of a resource, operation by operation. What no operation names keeps every byte; the id and
 * the extensions of a primitive value (`_birthDate` beside `birthDate`) come and go with it.
 */
import * as E from 'fp-ts/lib/Either.js'
import { isObjectAt, membersOf } from '../../body/index.js'
import { type AnnalsError, annalsError } from '../../error.js'
import { add, find, remove, splice } from '../../patch/edit.js'
import { readingOf } from '../../patch/json-patch.js'
import type { FhirVersion } from '../version.js'
import { alignedBeside, besideOf, isThere, lengthOf, nothing, put, sure, without, withoutNulls } from './beside.js'
import { choiceOf } from './choices.js'
import { isRepeating } from './elements.js'
import { childrenOf, locate, type Node } from './locate.js'
import { PathProblem } from './path.js'
import { type FhirPathOperation, type FhirPathPatch, memberName, type Sent } from './read.js'

export interface PatchOptions {
  /** Of the resource on its way. */
  readonly maxBytes: number
  readonly fhirVersion: FhirVersion
}

/** All of the patch, or the first operation that cannot be, as `PatchFailed`. */
export function applyFhirPathPatch(
  what: string,
  patch: FhirPathPatch,
  resource: Uint8Array,
  { maxBytes, fhirVersion }: PatchOptions,
): E.Either<AnnalsError, Uint8Array> {
  let bytes = resource
  const reading = readingOf(what, patch.length)
  for (const [place, operation] of patch.entries()) {
    const refused = reading(bytes.length)
    if (refused !== undefined) return E.left(refused)
    try {
      bytes = apply(bytes, operation, fhirVersion)
    } catch (error) {
      if (!(error instanceof PathProblem)) throw error
      const where = `parameter[${place}] (${operation.kind} ${operation.text.slice(0, 120)})`
      return E.left(annalsError('PatchFailed', { what: `${what}, ${where}`, problem: error.problem }))
    }
    if (bytes.length > maxBytes)
      return E.left(annalsError('LimitExceeded', { what, limit: maxBytes, actual: bytes.length, unit: 'bytes' }))
  }
  return E.right(bytes)
}

function apply(bytes: Uint8Array, operation: FhirPathOperation, fhirVersion: FhirVersion): Uint8Array {
  switch (operation.kind) {
    case 'add':
      return added(bytes, one(locate(bytes, operation.path, fhirVersion)), operation.name, operation.value)
    case 'delete': {
      const found = locate(bytes, operation.path, fhirVersion)
      if (found.length > 1) throw new PathProblem(`its path names ${found.length} elements; one is deleted at a time`)
      return found[0] === undefined ? bytes : deleted(bytes, found[0])
    }
    case 'replace':
      return replaced(bytes, one(locate(bytes, operation.path, fhirVersion)), operation.value)
    case 'insert':
      return inserted(bytes, operation, fhirVersion)
    default:
      return moved(bytes, operation, fhirVersion)
  }
}

function one(found: ReadonlyArray<Node>): Node {
  const [node, ...more] = found
  if (node === undefined) throw new PathProblem('its path names no element')
  if (more.length > 0) throw new PathProblem(`its path names ${found.length} elements, and one is needed`)
  return node
}

function added(bytes: Uint8Array, target: Node, name: string, value: Sent): Uint8Array {
  if (!isObjectAt(bytes, target.span.start)) return addedBeside(bytes, target, name, value)
  const { tokens, place } = target
  const member = [...tokens, memberName(name, value, place)]
  const content = value.bytesAt({ ...place, members: [...place.members, member.at(-1) as string] })
  const length = lengthOf(bytes, member)
  if (length !== undefined) return put(bytes, member, length, content, value.beside)
  if (childrenOf(bytes, target, name).length > 0 || isThere(bytes, besideOf(member)))
    throw new PathProblem(`'${name}' is there already, and does not repeat; replace it`)
  if (isRepeating(name, place))
    return put(sure(add(bytes, member, Buffer.from('[]'))), member, 0, content, value.beside)
  const set = value.hasValue ? sure(add(bytes, member, content)) : bytes
  return value.beside === undefined ? set : sure(add(set, besideOf(member), value.beside))
}

/** A primitive value has its id and extensions beside it. */
function addedBeside(bytes: Uint8Array, { tokens, place }: Node, name: string, value: Sent): Uint8Array {
  if (name !== 'extension' && name !== 'id')
    throw new PathProblem(`its path names a primitive value, which has no '${name}'`)
  const beside = besideOf(tokens)
  let edited = bytes
  if (beside.length > tokens.findLastIndex((token) => !/^\d+$/.test(token)) + 1) {
    const list = beside.slice(0, -1)
    edited = alignedBeside(edited, tokens.slice(0, -1))
    const there = find(edited, beside)
    if (there !== undefined && !isObjectAt(edited, there.start)) edited = splice(edited, there, Buffer.from('{}'))
    if (lengthOf(edited, list) === undefined) throw new PathProblem('what stands beside its list is none')
  } else if (!isThere(edited, beside)) edited = sure(add(edited, beside, Buffer.from('{}')))
  const span = find(edited, beside)
  if (span === undefined) throw new PathProblem('its path names no element')
  return added(edited, { tokens: beside, span, place }, name, value)
}

/** What becomes empty goes with it: nothing in FHIR is. */
function deleted(bytes: Uint8Array, { tokens }: Pick<Node, 'tokens'>): Uint8Array {
  if (tokens.length === 0) throw new PathProblem('the whole resource cannot be deleted by a patch')
  const beside = besideOf(tokens)
  const isElement = /^\d+$/.test(tokens.at(-1) as string)
  const edited = without(without(bytes, tokens), beside)
  const around = tokens.slice(0, -1)
  if (isElement && lengthOf(edited, around) === 0)
    return withoutEmpty(without(without(edited, around), besideOf(around)), around.slice(0, -1))
  return isElement ? withoutNulls(edited, besideOf(around)) : withoutEmpty(edited, around)
}

function withoutEmpty(bytes: Uint8Array, tokens: ReadonlyArray<string>): Uint8Array {
  if (tokens.length === 0) return bytes
  const span = find(bytes, tokens)
  if (span === undefined || !isObjectAt(bytes, span.start) || [...membersOf(bytes, span.start)].length > 0) return bytes
  return deleted(bytes, { tokens })
}

function replaced(bytes: Uint8Array, node: Node, value: Sent): Uint8Array {
  const { tokens, span, place } = node
  const name = tokens.at(-1)
  if (name === undefined) throw new PathProblem('the whole resource cannot be replaced by a patch')
  const around = { ...place, members: place.members.slice(0, -1) }
  const renamed = /^\d+$/.test(name) ? name : renamedChoice(name, value, around)
  const next = [...tokens.slice(0, -1), renamed]
  const beside = besideOf(tokens)
  if (/^\d+$/.test(name)) {
    const list = tokens.slice(0, -1)
    const own = splice(bytes, span, value.bytesAt(place))
    const aligned = value.beside === undefined ? own : alignedBeside(own, list)
    const there = find(aligned, beside)
    return there === undefined ? aligned : withoutNulls(splice(aligned, there, value.beside ?? nothing), besideOf(list))
  }
  const content = value.bytesAt({ ...around, members: [...around.members, renamed] })
  const isInPlace = renamed === name && value.hasValue && isThere(bytes, tokens)
  const own = isInPlace ? splice(bytes, span, content) : without(bytes, tokens)
  const edited = without(isInPlace || !value.hasValue ? own : sure(add(own, next, content)), beside)
  return value.beside === undefined ? edited : sure(add(edited, besideOf(next), value.beside))
}

/** A choice that gets a value of another type gets another name. */
function renamedChoice(member: string, value: Sent, place: Node['place']): string {
  const { name, chosen } = choiceOf(member, place)
  return chosen === undefined ? member : memberName(name, value, place)
}

type In = Extract<FhirPathOperation, { kind: 'insert' | 'move' }>

/** The list that the path names. One that is not there is named by its last member. */
function listOf(
  bytes: Uint8Array,
  { path }: In,
  fhirVersion: FhirVersion,
): { readonly tokens: ReadonlyArray<string>; readonly length: number; readonly node?: Node } {
  const found = locate(bytes, path, fhirVersion)
  const lists = new Map(found.map(({ tokens }) => [JSON.stringify(tokens.slice(0, -1)), tokens.slice(0, -1)]))
  const [tokens, ...others] = [...lists.values()]
  if (others.length > 0) throw new PathProblem('its path names elements of several lists')
  if (tokens !== undefined) {
    const length = lengthOf(bytes, tokens)
    if (length === undefined) throw new PathProblem('its path names no list')
    if (length !== found.length) throw new PathProblem('its path names a part of a list; name all of it')
    return { tokens, length, node: found[0] as Node }
  }
  const last = path.at(-1)
  const parent = one(locate(bytes, path.slice(0, -1), fhirVersion))
  if (last?.kind !== 'member' || !isRepeating(last.name, parent.place)) throw new PathProblem('its path names no list')
  return { tokens: [...parent.tokens, last.name], length: 0 }
}

function inserted(
  bytes: Uint8Array,
  operation: FhirPathOperation & { kind: 'insert' },
  fhirVersion: FhirVersion,
): Uint8Array {
  const { index, value, path } = operation
  const { tokens, length, node } = listOf(bytes, operation, fhirVersion)
  if (index > length) throw new PathProblem(`the list has ${length} elements, so its index is at most ${length}`)
  if (node !== undefined) return put(bytes, tokens, index, value.bytesAt(node.place), value.beside)
  return added(bytes, one(locate(bytes, path.slice(0, -1), fhirVersion)), tokens.at(-1) as string, value)
}

function moved(
  bytes: Uint8Array,
  operation: FhirPathOperation & { kind: 'move' },
  fhirVersion: FhirVersion,
): Uint8Array {
  const { source, destination } = operation
  const { tokens, length } = listOf(bytes, operation, fhirVersion)
  if (source >= length || destination >= length)
    throw new PathProblem(`the list has ${length} elements, from 0 to ${length - 1}`)
  const moveIn = (edited: Uint8Array, list: ReadonlyArray<string>): Uint8Array => {
    const span = find(edited, [...list, String(source)])
    if (span === undefined) return edited
    const content = Uint8Array.from(edited.subarray(span.start, span.end))
    return sure(add(sure(remove(edited, [...list, String(source)])), [...list, String(destination)], content))
  }
  const beside = isThere(bytes, besideOf(tokens)) ? moveIn(alignedBeside(bytes, tokens), besideOf(tokens)) : bytes
  return moveIn(beside, tokens)
}
