/** A body on its way into a commit: its bytes, and where the server's members go into them. It shares none with the caller. */
import * as E from 'fp-ts/lib/Either.js'
import {
  type Outline,
  planStamp,
  type Stamp,
  type StampPlan,
  sameTokens,
  scanBody,
  stampedLength,
  stampInto,
  toLine,
} from './body/index.js'
import { type AnnalsError, annalsError, type Failures } from './error.js'
import { type FoundBy, foundBy, type Keys, keysOf } from './fhir/found-by.js'
import type { Kind } from './resource.js'

export type Document =
  /** FHIR: id, version and time are spliced in when the commit is made. */
  | {
      readonly kind: 'fhir'
      readonly plan: StampPlan
      readonly foundBy: FoundBy
      /** The keys of what it can be found by, if it can. */
      readonly keys: Keys | undefined
    }
  /** Plain JSON, stamped with nothing. */
  | { readonly kind: 'json'; readonly bytes: Uint8Array }

/** A body whose document is known: whoever had to read it before it is written hands over what was found, and it is not read twice. */
export class ReadBody {
  constructor(
    readonly bytes: Uint8Array,
    readonly document: Document,
  ) {}
}

/** Checks a body and prepares it for its commit. `type` and `id` are what the caller says; the body has to agree. */
export function readDocument(
  kind: Kind,
  bytes: Uint8Array,
  type: string,
  id: string | undefined,
): E.Either<AnnalsError, Document> {
  const scanned = scanBody(bytes)
  return E.isLeft(scanned) ? scanned : documentFrom(kind, bytes, scanned.right, type, id)
}

/** The same of a body that was scanned already. */
export function documentFrom(
  kind: Kind,
  bytes: Uint8Array,
  outline: Outline,
  type: string,
  id: string | undefined,
): E.Either<AnnalsError, Document> {
  if (kind === 'json') return E.right({ kind, bytes: Buffer.from(toLine(bytes, outline)) })
  const problem = disagreement(outline, type, id)
  if (problem !== undefined) return E.left(annalsError('InvalidInput', problem))
  const plan = planStamp(bytes, outline)
  if (E.isLeft(plan)) return plan
  const found = foundBy(bytes, outline)
  const keys = keysOf(found)
  const actual = keys?.all.length ?? 0
  if (actual > maxKeys)
    return E.left(annalsError('LimitExceeded', { what: 'the body', limit: maxKeys, actual, unit: 'identifiers' }))
  return E.right({ kind, plan: plan.right, foundBy: found, keys })
}

/** Each of them is an item of its own. */
const maxKeys = 1_000

function disagreement(outline: Outline, type: string, id: string | undefined): Failures['InvalidInput'] | undefined {
  const { resourceType } = outline
  if (resourceType === undefined)
    return {
      what: 'body',
      problem: `it has no resourceType; a body of type ${type} says "resourceType": "${type}"`,
      isAbsent: true,
    }
  if (resourceType.text === undefined) return { what: 'body', problem: 'its resourceType is no text' }
  if (resourceType.text !== type)
    return {
      what: 'body',
      problem: `its resourceType is '${resourceType.text.slice(0, 64)}', but it was sent as ${type}`,
    }
  if (outline.id === undefined || id === undefined) return undefined
  if (outline.id.text === undefined) return { what: 'body', problem: 'its id is no text' }
  if (outline.id.text !== id)
    return { what: 'body', problem: `its id is '${outline.id.text.slice(0, 64)}', but it was sent as ${type}/${id}` }
  return undefined
}

export const documentLength = (document: Document, stamp: Stamp): number =>
  document.kind === 'fhir' ? stampedLength(document.plan, stamp) : document.bytes.length

/** Writes the body as it will be served; answers where it ends. */
export function writeDocument(document: Document, stamp: Stamp, target: Buffer, offset: number): number {
  if (document.kind === 'fhir') return stampInto(document.plan, stamp, target, offset)
  target.set(document.bytes, offset)
  return offset + document.bytes.length
}

/** The body as it will be served. */
export function documentBytes(document: Document, stamp: Stamp): Buffer {
  const bytes = Buffer.allocUnsafe(documentLength(document, stamp))
  writeDocument(document, stamp, bytes, 0)
  return bytes
}

/** What the queue and the limits count: the bytes without the stamp. */
export const documentSize = (document: Document): number =>
  document.kind === 'fhir' ? document.plan.template.length : document.bytes.length

/** The body with a stamp that stands for none: to be compared with `saysTheSame` alone. */
export function unstamped(document: Document): Uint8Array {
  if (document.kind === 'json') return document.bytes
  return documentBytes(document, noStamp)
}

const noStamp: Stamp = { id: '', versionId: '', lastUpdated: '' }

/** Whether a stored body says the same: on tokens, and without what the server set. */
export const saysTheSame = (document: Document, stored: Uint8Array): boolean =>
  sameTokens(unstamped(document), stored, { ignoreStamp: document.kind === 'fhir' })
