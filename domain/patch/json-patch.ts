/**
 * JSON Patch (RFC 6902) on the bytes of a document: what an operation does not name keeps every byte, and a value that a patch
 * brings goes in as it was sent. A library would work on parsed values, which lose digits and the order of members.
 */
import * as E from 'fp-ts/lib/Either.js'
import { elementsOf, isArrayAt, isObjectAt, membersOf, type Span, scanBody, textAt } from '../body/index.js'
import { type AnnalsError, annalsError } from '../error.js'
import { add, find, missing, remove, skipSpace, splice } from './edit.js'
import { isEqual } from './equal.js'

type Kind = 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'

interface PatchOperation {
  readonly op: Kind
  readonly path: ReadonlyArray<string>
  readonly from: ReadonlyArray<string>
  /** The bytes as they were sent. */
  readonly value: Uint8Array
}

export type JsonPatch = ReadonlyArray<PatchOperation>

/** Operations of one patch. */
export const maxPatchOperations = 1_000
/** What they read together, in bytes: each of them reads all of the document, and nothing else goes on meanwhile. */
export const maxPatchRead = 128 * 1024 * 1024

/** To be asked before each operation of a patch, with the length of the document: what refuses it, as soon as that is known. */
export function readingOf(what: string, operations: number): (bytes: number) => AnnalsError | undefined {
  let [read, left] = [0, operations]
  return (bytes) => {
    const actual = read + left * bytes
    read += bytes
    left -= 1
    if (actual <= maxPatchRead) return undefined
    return annalsError('LimitExceeded', { what, limit: maxPatchRead, actual, unit: 'bytes to read' })
  }
}

const kinds: ReadonlySet<string> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])
const opening = Buffer.from('{"patch":')
const closing = Buffer.from('}')
const none = new Uint8Array()

/** `what` names the patch in errors. */
export function readJsonPatch(what: string, bytes: Uint8Array): E.Either<AnnalsError, JsonPatch> {
  // The scan is for objects; a patch is a list.
  const wrapped = Buffer.concat([opening, bytes, closing])
  const scanned = scanBody(wrapped)
  if (E.isLeft(scanned)) return E.left(unwrapped(scanned.left))
  if (!isArrayAt(wrapped, skipSpace(wrapped, opening.length)) || [...membersOf(wrapped, 0)].length !== 1)
    return E.left(annalsError('InvalidInput', { what, problem: 'a JSON Patch is a list of operations' }))
  const operations: PatchOperation[] = []
  for (const span of elementsOf(wrapped, skipSpace(wrapped, opening.length))) {
    if (operations.length === maxPatchOperations) {
      const limit = maxPatchOperations
      return E.left(annalsError('LimitExceeded', { what, limit, actual: limit + 1, unit: 'operations' }))
    }
    const read = readOperation(wrapped, span)
    if (typeof read === 'string')
      return E.left(annalsError('InvalidInput', { what: `${what}, operation ${operations.length}`, problem: read }))
    operations.push(read)
  }
  return E.right(operations)
}

function readOperation(bytes: Uint8Array, span: Span): PatchOperation | string {
  if (!isObjectAt(bytes, span.start)) return 'an object is needed'
  const members = new Map([...membersOf(bytes, span.start)].map((member) => [member.name, member]))
  const textOf = (name: string): string | undefined => {
    const member = members.get(name)
    return member && textAt(bytes, member)
  }
  const op = textOf('op')
  if (op === undefined || !kinds.has(op)) return 'its op is add, remove, replace, move, copy or test'
  const needsFrom = op === 'move' || op === 'copy'
  const path = tokensOf(textOf('path'))
  const from = needsFrom ? tokensOf(textOf('from')) : []
  if (path === undefined) return "its path is a JSON Pointer, such as '/name/0/family'"
  if (from === undefined) return "its from is a JSON Pointer, such as '/name/0/family'"
  const value = members.get('value')
  if (value === undefined && (op === 'add' || op === 'replace' || op === 'test')) return 'it needs a value'
  return { op: op as Kind, path, from, value: value === undefined ? none : bytes.subarray(value.start, value.end) }
}

/** All of the patch, or the first operation that cannot be, as `PatchFailed`. `maxBytes`: of the document on its way. */
export function applyJsonPatch(
  what: string,
  patch: JsonPatch,
  document: Uint8Array,
  maxBytes: number,
): E.Either<AnnalsError, Uint8Array> {
  let bytes = document
  const reading = readingOf(what, patch.length)
  for (const [place, operation] of patch.entries()) {
    const refused = reading(bytes.length)
    if (refused !== undefined) return E.left(refused)
    const next = apply(bytes, operation)
    if (typeof next === 'string') {
      const path = `/${operation.path.join('/')}`.slice(0, 120)
      return E.left(
        annalsError('PatchFailed', { what: `${what}, operation ${place} (${operation.op} ${path})`, problem: next }),
      )
    }
    if (next.length > maxBytes)
      return E.left(annalsError('LimitExceeded', { what, limit: maxBytes, actual: next.length, unit: 'bytes' }))
    bytes = next
  }
  return E.right(bytes)
}

function apply(bytes: Uint8Array, { op, path, from, value }: PatchOperation): Uint8Array | string {
  switch (op) {
    case 'add':
      return add(bytes, path, value)
    case 'remove':
      return remove(bytes, path)
    case 'replace': {
      const target = find(bytes, path)
      return target === undefined ? missing : splice(bytes, target, value)
    }
    case 'test': {
      const target = find(bytes, path)
      if (target === undefined) return missing
      return isEqual(bytes, target, value, { start: 0, end: value.length }) ? bytes : 'the value is another'
    }
    default: {
      const source = find(bytes, from)
      if (source === undefined) return 'what its from names does not exist'
      const moved = Uint8Array.from(bytes.subarray(source.start, source.end))
      if (op === 'copy') return add(bytes, path, moved)
      if (path.length > from.length && from.every((token, i) => token === path[i]))
        return 'nothing can be moved into itself'
      const without = remove(bytes, from)
      return typeof without === 'string' ? without : add(without, path, moved)
    }
  }
}

function tokensOf(pointer: string | undefined): ReadonlyArray<string> | undefined {
  if (pointer === '') return []
  if (pointer === undefined || !pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** Places in a patch count from its own first byte. */
function unwrapped(error: AnnalsError): AnnalsError {
  if (error._tag !== 'InvalidBody') return error
  const { line, column, offset, path, problem } = error.data
  const added = opening.length
  return annalsError('InvalidBody', {
    problem,
    line,
    column: line === 1 ? Math.max(1, column - added) : column,
    offset: Math.max(0, offset - added),
    path: path.replace(/^patch/, ''),
  })
}
