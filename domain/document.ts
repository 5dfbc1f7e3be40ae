/** A body on its way into a commit: the bytes as received, and where the server's members go. */
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
import { type AnnalsError, annalsError } from './error.js'
import type { Kind } from './resource.js'

export interface Document {
  /** As received, on one line. */
  readonly bytes: Uint8Array
  /** Where id, version and time are spliced in; absent for tenants of plain JSON, which are stamped with nothing. */
  readonly plan?: StampPlan
  /** The `id` that the body itself names, if it does (FHIR). */
  readonly id?: string
}

/** Checks a body and prepares it for its commit. `type` and `id` are what the caller says; the body has to agree. */
export function readDocument(
  kind: Kind,
  bytes: Uint8Array,
  type: string,
  id: string | undefined,
): E.Either<AnnalsError, Document> {
  const scanned = scanBody(bytes)
  if (E.isLeft(scanned)) return scanned
  const outline = scanned.right
  if (kind === 'json') return E.right({ bytes: toLine(bytes, outline) })
  const problem = disagreement(outline, type, id)
  if (problem !== undefined) return E.left(annalsError('InvalidInput', problem))
  const plan = planStamp(bytes, outline)
  if (E.isLeft(plan)) return plan
  return E.right({ bytes, plan: plan.right, id: outline.id?.text })
}

function disagreement(
  outline: Outline,
  type: string,
  id: string | undefined,
): { what: string; problem: string } | undefined {
  const { resourceType } = outline
  if (resourceType === undefined)
    return { what: 'body', problem: `it has no resourceType; a body of type ${type} says "resourceType": "${type}"` }
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
  document.plan === undefined ? document.bytes.length : stampedLength(document.plan, stamp)

/** Writes the body as it will be served; answers where it ends. */
export function writeDocument(document: Document, stamp: Stamp, target: Buffer, offset: number): number {
  if (document.plan !== undefined) return stampInto(document.plan, stamp, target, offset)
  target.set(document.bytes, offset)
  return offset + document.bytes.length
}

/** Whether a stored body says the same: on tokens, and without what the server set. */
export const saysTheSame = (document: Document, stored: Uint8Array): boolean =>
  sameTokens(document.bytes, stored, { ignoreStamp: document.plan !== undefined })
