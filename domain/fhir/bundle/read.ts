/** Reads a Bundle of type batch or transaction: what each entry asks for, and its resource as the bytes that were sent. */
import * as E from 'fp-ts/lib/Either.js'
import { elementsOf, isArrayAt, isObjectAt, membersOf, type Span, scanBody, textAt } from '../../body/index.js'
import { type AnnalsError, annalsError } from '../../error.js'

export interface Bundle {
  readonly type: 'batch' | 'transaction'
  readonly entries: ReadonlyArray<Entry>
}

export interface Entry {
  /** Its place in the Bundle, from 0: errors name it, answers keep it. */
  readonly index: number
  readonly fullUrl?: string
  readonly resource?: Uint8Array
  readonly request: Readonly<Record<RequestMember, string>> & Readonly<Partial<Record<ConditionalMember, string>>>
}

type RequestMember = 'method' | 'url'
type ConditionalMember = 'ifNoneMatch' | 'ifModifiedSince' | 'ifMatch' | 'ifNoneExist'

const requestMembers: ReadonlySet<string> = new Set([
  'method',
  'url',
  'ifNoneMatch',
  'ifModifiedSince',
  'ifMatch',
  'ifNoneExist',
])

/** In the place of an index: what comes beside a Bundle, and is no entry of it. */
export const beside = -1

/** How errors name an entry: as a FHIRPath. What comes beside is a Provenance, as a whole. */
export const placeOf = (index: number, rest = ''): string =>
  index === beside ? 'provenance' : `Bundle.entry[${index}]${rest === '' ? '' : `.${rest}`}`

/** Checks the whole as JSON, and its entries as far as every entry needs it. */
export function readBundle(bytes: Uint8Array): E.Either<AnnalsError, Bundle> {
  const scanned = scanBody(bytes)
  if (E.isLeft(scanned)) return scanned
  if (scanned.right.resourceType?.text !== 'Bundle') return invalid('resourceType', 'a Bundle is needed')
  let type: string | undefined
  let list: Span | undefined
  for (const { name, ...span } of membersOf(bytes, scanned.right.open - 1)) {
    if (name === 'type') type = textAt(bytes, span)
    if (name === 'entry') list = span
  }
  if (type === undefined) return absent('Bundle.type', "it is 'transaction' or 'batch'")
  if (type !== 'batch' && type !== 'transaction') {
    const problem = "only Bundles of type 'transaction' and 'batch' are processed"
    return E.left(annalsError('NotSupported', { what: 'Bundle.type', problem }))
  }
  if (list !== undefined && !isArrayAt(bytes, list.start)) return invalid('Bundle.entry', 'a list is needed')
  const entries: Entry[] = []
  for (const span of list === undefined ? [] : elementsOf(bytes, list.start)) {
    const entry = readEntry(bytes, span, entries.length)
    if (E.isLeft(entry)) return entry
    entries.push(entry.right)
  }
  return E.right({ type, entries })
}

function readEntry(bytes: Uint8Array, span: Span, index: number): E.Either<AnnalsError, Entry> {
  if (!isObjectAt(bytes, span.start)) return invalid(placeOf(index), 'an object is needed')
  let fullUrl: string | undefined
  let resource: Uint8Array | undefined
  let request: Record<string, string> | undefined
  for (const member of membersOf(bytes, span.start)) {
    // An empty one names nothing, and no `#` of a resource leads to it.
    if (member.name === 'fullUrl') fullUrl = textAt(bytes, member) || undefined
    if (member.name !== 'resource' && member.name !== 'request') continue
    if (!isObjectAt(bytes, member.start)) return invalid(placeOf(index, member.name), 'an object is needed')
    if (member.name === 'resource') resource = bytes.subarray(member.start, member.end)
    else request = readRequest(bytes, member.start)
  }
  const { method, url, ...conditional } = request ?? {}
  if (method === undefined) return absent(placeOf(index, 'request.method'), 'every entry says what it asks for')
  if (url === undefined) return absent(placeOf(index, 'request.url'), 'every entry says what it is about')
  return E.right({ index, fullUrl, resource, request: { method, url, ...conditional } })
}

function readRequest(bytes: Uint8Array, start: number): Record<string, string> {
  const request: Record<string, string> = {}
  for (const member of membersOf(bytes, start)) {
    const text = requestMembers.has(member.name) ? textAt(bytes, member) : undefined
    if (text !== undefined) request[member.name] = text
  }
  return request
}

const invalid = (what: string, problem: string) => E.left(annalsError('InvalidInput', { what, problem }))
const absent = (what: string, problem: string) =>
  E.left(annalsError('InvalidInput', { what, problem: `it is missing: ${problem}`, isAbsent: true }))
