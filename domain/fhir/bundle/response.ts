/** Bundles that answer: resources go into them as the bytes that are stored. */
import { Buffer } from 'node:buffer'
import type { Outcome } from '../outcome.js'

/** The answer to one entry. */
export interface EntryResponse {
  /** Of HTTP: 200, 201, 204, 304, or of a failure. */
  readonly status: number
  readonly type?: string
  readonly id?: string
  readonly version?: number
  /** The instant of that version. */
  readonly at?: string
  /** The bytes as stored, or a searchset. */
  readonly resource?: Uint8Array
  /** Why an entry of a batch failed, or why the resource is not shown. */
  readonly outcome?: Outcome
}

export function encodeResponse(type: string, entries: ReadonlyArray<EntryResponse>): Buffer {
  return encodeBundle(
    { type },
    entries.map(({ status, type, id, version, at, resource, outcome }) => {
      const location = status === 201 || status === 200 ? locationOf(type, id, version) : undefined
      const etag = version === undefined ? undefined : `W/"${version}"`
      const text = `${status} ${reasons[status] ?? ''}`.trim()
      return { resource, more: { response: { status: text, location, etag, lastModified: at, outcome } } }
    }),
  )
}

/** `base`: of the server, where it is known. `search`: what was asked for, relative to it. */
export function encodeSearchset(
  found: ReadonlyArray<{ readonly type: string; readonly id: string; readonly body: Uint8Array }>,
  base: string | undefined,
  search: string,
): Buffer {
  const below = (path: string): string => (base === undefined ? path : `${base}/${path}`)
  return encodeBundle(
    { type: 'searchset', total: found.length, link: [{ relation: 'self', url: below(search) }] },
    found.map(({ type, id, body }) => ({
      resource: body,
      more: { fullUrl: below(`${type}/${id}`), search: { mode: 'match' } },
    })),
  )
}

export interface PageEntry {
  readonly fullUrl: string
  /** The bytes as stored. */
  readonly resource?: Uint8Array
  readonly search?: object
  readonly request?: object
  readonly response?: object
}

/** A page of a history or of a search, with its links. */
export const encodePage = (
  type: 'history' | 'searchset',
  head: { readonly total?: number; readonly link: ReadonlyArray<{ readonly relation: string; readonly url: string }> },
  entries: ReadonlyArray<PageEntry>,
): Buffer =>
  encodeBundle(
    { type, ...head },
    entries.map(({ resource, ...more }) => ({ resource, more })),
  )

const locationOf = (type?: string, id?: string, version?: number): string | undefined =>
  id === undefined || version === undefined ? undefined : `${type}/${id}/_history/${version}`

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

interface EncodedEntry {
  readonly resource?: Uint8Array
  readonly more: object
}

function encodeBundle(head: object, entries: ReadonlyArray<EncodedEntry>): Buffer {
  const start = JSON.stringify({ resourceType: 'Bundle', ...head }).slice(0, -1)
  if (entries.length === 0) return Buffer.from(`${start}}`)
  const parts: Uint8Array[] = []
  entries.forEach(({ resource, more }, place) => {
    parts.push(Buffer.from(place === 0 ? `${start},"entry":[` : ','))
    const rest = JSON.stringify(more)
    if (resource === undefined) parts.push(Buffer.from(rest))
    else parts.push(Buffer.from('{"resource":'), resource, Buffer.from(`,${rest.slice(1)}`))
  })
  return Buffer.concat([...parts, Buffer.from(']}')])
}
