/** Checks what a caller asks for and makes it a transaction, before anything is read or written. */
import { Buffer } from 'node:buffer'
import { sha256 } from '../../domain/commit.js'
import type { Expectation, Operation, Transaction } from '../../domain/decide.js'
import { type Document, ReadBody, readDocument } from '../../domain/document.js'
import { absurd, annalsError } from '../../domain/error.js'
import type { FhirVersion } from '../../domain/fhir/version.js'
import { checkId, checkType, type Kind } from '../../domain/resource.js'
import { orThrow } from '../../domain/task.js'
import type { BodyInput, OperationInput, WriteOptions } from '../api.js'
import type { Limits } from '../limits.js'

export interface PrepareDeps {
  readonly kind: Kind
  /** By whose definitions FHIR resources are patched. */
  readonly fhirVersion: FhirVersion
  /** A new id for a resource of a type. */
  newId(type: string): string
  readonly limits: Limits
}

/** The longest note or request key, in characters. */
const maxNote = 1024

export function prepare(deps: PrepareDeps, inputs: ReadonlyArray<OperationInput>, options: WriteOptions): Transaction {
  const { limits } = deps
  limit('the transaction', inputs.length, limits.maxTransactionOperations, 'operations')
  const bodies = inputs.map((input) => ('body' in input ? bytesOf(input.body) : undefined))
  let total = 0
  for (const bytes of bodies) {
    if (bytes === undefined) continue
    limit('the body', bytes.length, limits.maxBodyBytes, 'bytes')
    total += bytes.length
  }
  limit('the transaction', total, limits.maxTransactionBytes, 'bytes')
  const operations = inputs.map((input, i) => inPlace(i, inputs.length, () => operation(deps, input, bodies[i])))
  const said = { ...notesOf(options), operations }
  const { request } = options
  if (request === undefined) return said
  return { ...said, request: { key: request, digest: digestOf(operations, bodies) } }
}

/** What a caller says about a write, for the audit. */
export function notesOf(options: WriteOptions): Pick<Transaction, 'actor' | 'reason' | 'correlation' | 'causation'> {
  note('request key', options.request)
  return {
    actor: note('actor', options.actor),
    reason: note('reason', options.reason),
    correlation: note('correlation', options.correlation),
    causation: note('causation', options.causation),
  }
}

function operation(deps: PrepareDeps, input: OperationInput, bytes: Uint8Array | undefined): Operation {
  const { kind } = deps
  const type = orThrow(checkType(kind, input.type))
  switch (input.op) {
    case 'create': {
      const id = input.id === undefined ? deps.newId(type) : orThrow(checkId(kind, input.id))
      const body = documentOf(kind, input.body, bytes as Uint8Array, type, undefined)
      const idAssigned = input.id === undefined
      return { kind: 'put', type, id, idAssigned, method: 'POST', expect: 'absent', onlyIfChanged: false, body }
    }
    case 'update': {
      const id = orThrow(checkId(kind, input.id))
      const body = documentOf(kind, input.body, bytes as Uint8Array, type, id)
      const expect = checkExpectation(input.expect)
      const onlyIfChanged = input.onlyIfChanged === true
      return { kind: 'put', type, id, idAssigned: false, method: 'PUT', expect, onlyIfChanged, body }
    }
    case 'delete':
      return { kind: 'delete', type, id: orThrow(checkId(kind, input.id)), expect: checkExpectation(input.expect) }
    case 'check': {
      const id = orThrow(checkId(kind, input.id))
      if (input.expect !== undefined) return { kind: 'check', type, id, expect: checkExpectation(input.expect) }
      throw annalsError('InvalidInput', { what: 'expect', problem: 'a check says what it expects' })
    }
    default:
      return absurd(input)
  }
}

const documentOf = (kind: Kind, body: BodyInput, bytes: Uint8Array, type: string, id: string | undefined): Document =>
  body instanceof ReadBody ? body.document : orThrow(readDocument(kind, bytes, type, id))

/** The caller's bytes: a document copies what it needs of them before the call returns. */
export function bytesOf(body: BodyInput): Uint8Array {
  if (typeof body === 'string') {
    if (!body.isWellFormed())
      throw annalsError('InvalidInput', { what: 'body', problem: 'the text holds half of a surrogate pair' })
    return Buffer.from(body, 'utf8')
  }
  if (body instanceof Uint8Array) return body
  if (body instanceof ReadBody) return body.bytes
  const text: string | undefined = typeof body === 'object' && body !== null ? JSON.stringify(body) : undefined
  if (text === undefined)
    throw annalsError('InvalidInput', { what: 'body', problem: 'it is neither bytes, nor text, nor a JSON object' })
  return Buffer.from(text, 'utf8')
}

export function checkExpectation(expect: Expectation | undefined): Expectation {
  if (expect === undefined) return 'any'
  if (expect === 'any' || expect === 'exists' || expect === 'absent') return expect
  const isVersion = (u: unknown): boolean => Number.isSafeInteger(u) && (u as number) >= 0
  if (Array.isArray(expect) ? expect.length > 0 && expect.every(isVersion) : isVersion(expect)) return expect
  const problem = "it is 'any', 'exists', 'absent', a version number from 0, or a list of such numbers"
  throw annalsError('InvalidInput', { what: 'expect', problem })
}

function note(what: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (typeof text !== 'string' || text === '' || text.length > maxNote || !text.isWellFormed())
    throw annalsError('InvalidInput', { what, problem: `it is a text of 1 to ${maxNote} characters` })
  return text
}

export function limit(what: string, actual: number, max: number, unit: string): void {
  if (actual > max) throw annalsError('LimitExceeded', { what, limit: max, actual, unit })
}

/** Says which operation of several is at fault. */
function inPlace<A>(index: number, count: number, make: () => A): A {
  if (count === 1) return make()
  try {
    return make()
  } catch (error) {
    const data = error as { _tag?: string; data: { what: string; problem: string; path: string } }
    if (data._tag === 'InvalidInput')
      throw annalsError('InvalidInput', { ...data.data, what: `operation ${index}: ${data.data.what}` })
    throw error
  }
}

/** What identifies a request: everything the caller said, and nothing that the store adds. */
function digestOf(operations: ReadonlyArray<Operation>, bodies: ReadonlyArray<Uint8Array | undefined>): string {
  const said = operations.map((operation, i) => {
    const { kind, type, id, expect } = operation
    if (kind !== 'put') return [kind, type, id, expect]
    const { idAssigned, method, onlyIfChanged } = operation
    return [kind, type, idAssigned ? null : id, expect, method, onlyIfChanged, sha256(bodies[i] as Uint8Array)]
  })
  return sha256(JSON.stringify(said))
}
