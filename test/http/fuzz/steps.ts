/** What goes over the wire: requests as they are, several at once, in pieces, broken, and cut off. */
import fc from 'fast-check'
import { mark } from './bodies.js'
import { type FuzzRequest, isTrick, nextPage, requests } from './requests.js'

export interface Addressed extends FuzzRequest {
  readonly tenant: string
}

export type Step =
  /** One after the other on one connection. */
  | { readonly kind: 'whole'; readonly requests: ReadonlyArray<Addressed> }
  /** All at once on one connection, whose answers come in order. */
  | { readonly kind: 'pipelined'; readonly requests: ReadonlyArray<Addressed> }
  /** Its body in chunks, whose lengths may lie. */
  | { readonly kind: 'chunked'; readonly request: Addressed; readonly size: number; readonly lie: number }
  /** Its bytes changed. */
  | { readonly kind: 'broken'; readonly request: Addressed; readonly changes: ReadonlyArray<Change> }
  /** The connection ends within it. */
  | { readonly kind: 'cut'; readonly request: Addressed; readonly at: number; readonly isReset: boolean }

/** `at`: a part of the whole from 0 to 1. */
export interface Change {
  readonly kind: 'flip' | 'remove' | 'repeat' | 'insert'
  readonly at: number
  readonly length: number
  readonly bytes: Uint8Array
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true })

export const steps = (tenants: ReadonlyArray<string>): fc.Arbitrary<Step> => {
  const addressed = fc
    .tuple(fc.constantFrom(...tenants), requests)
    .map(([tenant, request]): Addressed => ({ ...request, tenant }))
  const several = fc.array(addressed, { minLength: 2, maxLength: 5 })
  const change = fc.record({
    kind: fc.constantFrom('flip', 'remove', 'repeat', 'insert'),
    at: fraction,
    length: fc.constantFrom(1, 1, 2, 10, 1_000),
    bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 8 }), inserted),
  })
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('whole'), requests: several }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('pipelined'), requests: several }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('chunked'),
        request: addressed,
        size: fc.constantFrom(1, 7, 1_000),
        lie: fc.constantFrom(0, 0, 0, 1, -1, 1_000_000),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('broken'),
        // A change could make of a trick what it would reach.
        request: addressed.filter((request) => !isTrick(request)),
        changes: fc.array(change, { minLength: 1, maxLength: 3 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('cut'), request: addressed, at: fraction, isReset: fc.boolean() }),
    },
  )
}

const inserted = fc
  .constantFrom(
    '\r\n',
    '\0',
    '\r\n\r\n',
    'X: y\r\n',
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    '\n',
    ' ',
    '%',
  )
  .map((text) => Buffer.from(text) as Uint8Array)

/** What stands for a mark and for a link to the next page. */
export interface Meanings {
  readonly mark: string
  readonly next: string
}

const defaultTenant = 'default'

export const baseOf = (tenant: string): string => (tenant === defaultTenant ? '/fhir' : `/tenants/${tenant}/fhir`)

/** The request as it stands on the wire; with `chunks`, its body in them. */
export function bytesOf(request: Addressed, meanings: Meanings, chunks?: { size: number; lie: number }): Buffer {
  const { method, target, headers, body, tenant } = request
  const path = target === nextPage ? meanings.next : isTrick(request) ? target : `${baseOf(tenant)}/${target}`
  const content = Buffer.from((body ?? '').replaceAll(mark, meanings.mark))
  const lines = Object.entries({ host: '127.0.0.1', ...headers }).map(([name, value]) => `${name}: ${value}`)
  if (chunks !== undefined) lines.push('transfer-encoding: chunked')
  else if (body !== undefined) lines.push(`content-length: ${content.length}`)
  const head = `${method} ${path.replaceAll(mark, meanings.mark)} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), chunks === undefined ? content : chunked(content, chunks)])
}

/** `lie`: by how much the length of one chunk is wrong. */
function chunked(content: Buffer, { size, lie }: { size: number; lie: number }): Buffer {
  const parts: Buffer[] = []
  for (let from = 0; from < content.length; from += size) {
    const part = content.subarray(from, from + size)
    const length = Math.max(0, part.length + (from === 0 ? lie : 0))
    parts.push(Buffer.from(`${length.toString(16)}\r\n`), part, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

/** Changes of everything behind the tenant: another tenant's mark in a request to this one would be no leak. */
export function changed(bytes: Buffer, tenant: string, changes: ReadonlyArray<Change>): Buffer {
  const from = Math.max(0, bytes.indexOf(baseOf(tenant)) + baseOf(tenant).length)
  let rest = bytes.subarray(from)
  for (const { kind, at, length, bytes: given } of changes) {
    const start = Math.floor(at * rest.length)
    const end = Math.min(rest.length, start + length)
    const [before, within, after] = [rest.subarray(0, start), rest.subarray(start, end), rest.subarray(end)]
    if (kind === 'flip') rest = Buffer.concat([before, within.map((byte) => byte ^ (given[0] ?? 1)), after])
    if (kind === 'remove') rest = Buffer.concat([before, after])
    if (kind === 'repeat') rest = Buffer.concat([before, within, within, after])
    if (kind === 'insert') rest = Buffer.concat([before, given, within, after])
  }
  return Buffer.concat([bytes.subarray(0, from), rest])
}
