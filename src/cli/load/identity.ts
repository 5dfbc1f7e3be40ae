/** Which resource a document is: its type and id, found in its bytes or made of them. */
import type { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'
import { scanBody } from '../../../domain/body/index.js'
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import type { Kind } from '../../index.js'
import { findMembers, type Span, textAt } from './walk.js'

export interface IdentityRules {
  readonly kind: Kind
  /** The type of every document (tenants of kind json). */
  readonly type?: string
  /** The member that holds the id (tenants of kind json). Without it the id is made of the content. */
  readonly idField?: string
}

export interface Identity {
  readonly type: string
  readonly id: string
}

const fhirMembers = ['resourceType', 'id']

/** `urn` is the UUID that a Bundle gives to an entry without an id. */
export function identify(rules: IdentityRules, bytes: Buffer, urn?: string): Identity | AnnalsError {
  if (rules.kind === 'json') return identifyJson(rules, bytes)
  const [typeAt, idAt] = findMembers(bytes, startOf(bytes), fhirMembers)
  const type = typeAt && textAt(bytes, typeAt.start, typeAt.end)
  if (type === undefined)
    return problemWith(bytes, typeAt === undefined ? 'it has no resourceType' : 'its resourceType is no text')
  if (idAt === undefined) return { type, id: urn ?? contentId(type, bytes) }
  const id = textAt(bytes, idAt.start, idAt.end)
  return id === undefined ? problemWith(bytes, 'its id is no text') : { type, id }
}

function identifyJson({ type = '', idField }: IdentityRules, bytes: Buffer): Identity | AnnalsError {
  if (idField === undefined) return { type, id: contentId(type, bytes) }
  const [at] = findMembers(bytes, startOf(bytes), [idField])
  if (at === undefined) return problemWith(bytes, `it has no member '${idField}', which is to hold its id`)
  const id = textAt(bytes, at.start, at.end) ?? numberAt(bytes, at)
  return id === undefined ? problemWith(bytes, `its member '${idField}' is neither a text nor a number`) : { type, id }
}

/** A number is an id as it is written. */
function numberAt(bytes: Buffer, { start, end }: Span): string | undefined {
  const text = bytes.toString('latin1', start, end)
  return /^[-\d]/.test(text) ? text : undefined
}

/** What a strict reading finds first; else the problem that stood in the way here. */
function problemWith(bytes: Buffer, problem: string): AnnalsError {
  const scanned = scanBody(bytes)
  return scanned._tag === 'Left' ? scanned.left : annalsError('InvalidInput', { what: 'body', problem })
}

/** A UUID (version 8) of the SHA-256 of type and bytes: the same content is the same resource on every run. */
export function contentId(type: string, bytes: Buffer): string {
  const digest = hash('sha256', `${type}\n${hash('sha256', bytes, 'hex')}`, 'hex')
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 0x3) | 0x8).toString(16)
  const parts = [digest.slice(0, 8), digest.slice(8, 12), `8${digest.slice(13, 16)}`, variant + digest.slice(17, 20)]
  return [...parts, digest.slice(20, 32)].join('-')
}

function startOf(bytes: Buffer): number {
  let i = 0
  while (i < bytes.length && (bytes[i] === 0x20 || bytes[i] === 0x09 || bytes[i] === 0x0a || bytes[i] === 0x0d)) i++
  return i
}
