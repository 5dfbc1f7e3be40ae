/** The resources of a source that is one document: itself, or the entries of a FHIR Bundle. */
import type { Buffer } from 'node:buffer'
import { elementsOf, endOfValue, findMembers, type Span, skipSpace, textAt } from './walk.js'

export interface Part extends Span {
  /** Index in the Bundle, from 0. */
  readonly entry?: number
  /** The UUID of an entry's `urn:uuid:` full URL. */
  readonly urn?: string
}

/** `broken`: the document is not whole, and a strict reading says where. */
export type Parts = { readonly kind: 'parts'; readonly parts: ReadonlyArray<Part> } | { readonly kind: 'broken' }

export function partsOf(document: Buffer, isFhir: boolean): Parts {
  const start = skipSpace(document, 0)
  const end = endOfValue(document, start)
  if (end < 0 || skipSpace(document, end) < document.length) return { kind: 'broken' }
  const [typeAt, entryAt] = isFhir ? findMembers(document, start, ['resourceType', 'entry']) : []
  const isBundle = typeAt !== undefined && textAt(document, typeAt.start, typeAt.end) === 'Bundle'
  if (!isBundle) return { kind: 'parts', parts: [{ start, end }] }
  return entryAt === undefined ? { kind: 'parts', parts: [] } : entriesOf(document, entryAt)
}

const entryMembers = ['resource', 'fullUrl']

function entriesOf(document: Buffer, list: Span): Parts {
  const parts: Part[] = []
  let entry = 0
  let last = list.start + 1
  for (const element of elementsOf(document, list.start)) {
    last = element.end
    const [resource, fullUrl] = findMembers(document, element.start, entryMembers)
    // An entry without a resource (a DELETE of a transaction) has nothing to load.
    if (resource !== undefined)
      parts.push({ ...resource, entry, urn: fullUrl && urnOf(textAt(document, fullUrl.start, fullUrl.end)) })
    entry++
  }
  // Elements that are not separated by commas end the walk before the array ends.
  return skipSpace(document, last) === list.end - 1 ? { kind: 'parts', parts } : { kind: 'broken' }
}

const urnOf = (fullUrl: string | undefined): string | undefined =>
  /^urn:uuid:([0-9a-f-]{36})$/i.exec(fullUrl ?? '')?.[1]?.toLowerCase()
