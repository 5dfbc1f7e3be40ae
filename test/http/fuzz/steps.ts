/** What goes over the wire: requests as they are, several at once, in pieces, broken, and cut off. */
import fc from 'fast-check'
import { mark } from './bodies.js'
import { foreignMark } from './bulk.js'
import { asksWho, type Door, type DoorName, doorNames, tenantHeader, tenants } from './doors.js'
import { following } from './operations.js'
import { isOfOthers } from './places.js'
import { provider } from './provider.js'
import { type FuzzRequest, isTrick, nextPage, requests } from './requests.js'
import { badCredentials, type Credential, goodCredentials, isBad } from './tokens.js'

export interface Addressed extends FuzzRequest {
  /** Whose credentials and marks are in it. */
  readonly tenant: string
  /** Whose base it goes to: with a token, not always that of its tenant. */
  readonly asked: string
  readonly credential: Credential
}

export type Step = { readonly door: DoorName } & (
  | {
      /** One after the other, or all at once, on one connection, where answers come in order. */
      readonly kind: 'whole' | 'pipelined'
      readonly requests: ReadonlyArray<Addressed>
    }
  /** Its body in chunks, whose lengths may lie. */
  | { readonly kind: 'chunked'; readonly request: Addressed; readonly size: number; readonly lie: number }
  /** Its bytes changed. */
  | { readonly kind: 'broken'; readonly request: Addressed; readonly changes: ReadonlyArray<Change> }
  /** The connection ends within it. */
  | { readonly kind: 'cut'; readonly request: Addressed; readonly at: number; readonly isReset: boolean }
  /** Its answer has no end, and is heard for as long as others are answered. */
  | {
      readonly kind: 'followed'
      readonly request: Addressed
      readonly meanwhile: ReadonlyArray<Addressed>
      readonly isReset: boolean
    }
)

/** `at`: a part of the whole from 0 to 1. */
export interface Change {
  readonly kind: 'flip' | 'remove' | 'repeat' | 'insert'
  readonly at: number
  readonly length: number
  readonly bytes: Uint8Array
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true })

const inserted = fc
  .constantFrom(
    ...[
      '\r\n',
      '\0',
      '\r\n\r\n',
      'X: y\r\n',
      'Content-Length: 3\r\n',
      'Transfer-Encoding: chunked\r\n',
      '\n',
      ' ',
      '%',
    ],
  )
  .map((text) => Buffer.from(text) as Uint8Array)

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('flip', 'remove', 'repeat', 'insert'),
  at: fraction,
  length: fc.constantFrom(1, 1, 2, 10, 1_000),
  bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 8 }), inserted),
})

const credentials = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Credential>('good') },
  { weight: 3, arbitrary: fc.constantFrom(...goodCredentials) },
  { weight: 2, arbitrary: fc.constantFrom(...badCredentials) },
)

const addressed = (door: DoorName, asked: fc.Arbitrary<FuzzRequest> = requests): fc.Arbitrary<Addressed> =>
  fc
    .tuple(
      fc.constantFrom(...tenants),
      fc.constantFrom(...tenants),
      fc.integer({ max: 3, min: 0 }),
      asksWho(door) ? credentials : fc.constant<Credential>('good'),
      asked,
    )
    .map(([tenant, other, dice, credential, request]) => ({
      ...request,
      tenant,
      asked: door === 'path and claim' && dice === 0 ? other : tenant,
      credential,
    }))

const stepsBy = (door: DoorName): fc.Arbitrary<Step> => {
  const one = addressed(door)
  const several = fc.array(one, { minLength: 2, maxLength: 5 })
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ door: fc.constant(door), kind: fc.constant('whole'), requests: several }) },
    { weight: 1, arbitrary: fc.record({ door: fc.constant(door), kind: fc.constant('pipelined'), requests: several }) },
    {
      weight: 1,
      arbitrary: fc.record({
        door: fc.constant(door),
        kind: fc.constant('chunked'),
        request: one,
        size: fc.constantFrom(1, 7, 1_000),
        lie: fc.constantFrom(0, 0, 0, 1, -1, 1_000_000),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        door: fc.constant(door),
        kind: fc.constant('broken'),
        // A change could make of a path out of its place what it would reach.
        request: one.filter((request) => !isOut(door, request) && !leadsAway(request)),
        changes: fc.array(change, { minLength: 1, maxLength: 3 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        door: fc.constant(door),
        kind: fc.constant('cut'),
        request: one,
        at: fraction,
        isReset: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        door: fc.constant(door),
        kind: fc.constant('followed'),
        request: addressed(door, following),
        meanwhile: fc.array(one, { maxLength: 3 }),
        isReset: fc.boolean(),
      }),
    },
  )
}

/** Changed, an address could be one of somebody else. */
const leadsAway = ({ body = '' }: FuzzRequest): boolean => body.toLowerCase().includes('manifesturl')

export const steps: fc.Arbitrary<Step> = fc.oneof(...doorNames.map(stepsBy))

/** Whether it asks for what is not its tenant's: it has to be refused. */
export const isOut = (door: DoorName, request: Addressed): boolean =>
  isTrick(request) ||
  isOfOthers(request.target) ||
  request.body?.includes(foreignMark) === true ||
  request.asked !== request.tenant ||
  isBad(request.credential) ||
  (door === 'header' && tenantHeader in request.headers)

/** What stands for what is known only when the request is sent. */
export interface Meanings {
  readonly mark: string
  readonly foreignMark: string
  readonly provider: string
  readonly next: string
  placeOf(target: string): string
}

/** The request as it stands on the wire; with `chunks`, its body in them. */
export function bytesOf(
  request: Addressed,
  door: Door,
  meanings: Meanings,
  chunks?: { size: number; lie: number },
): Buffer {
  const { method, target, headers, body, tenant, asked, credential } = request
  const below = `${door.baseOf(asked)}/${meanings.placeOf(target)}`
  const path = target === nextPage ? meanings.next : isTrick(request) ? target : below
  const content = Buffer.from(
    (body ?? '')
      .replaceAll(mark, meanings.mark)
      .replaceAll(foreignMark, meanings.foreignMark)
      .replaceAll(provider, meanings.provider),
  )
  // Two of them would be refused before anything else.
  const named = { host: '127.0.0.1', ...headers }
  const lines = [...Object.entries(named), ...door.headersOf(tenant, credential)]
  if (chunks !== undefined) lines.push(['transfer-encoding', 'chunked'])
  else if (body !== undefined) lines.push(['content-length', `${content.length}`])
  const head = `${method} ${path.replaceAll(mark, meanings.mark)} HTTP/1.1\r\n`
  const text = `${head}${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  return Buffer.concat([Buffer.from(text, 'latin1'), chunks === undefined ? content : chunked(content, chunks)])
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

/** Changes of everything behind the base: another tenant's mark in a request to this one would be no leak. */
export function changed(bytes: Buffer, base: string, changes: ReadonlyArray<Change>): Buffer {
  const from = bytes.indexOf(base) + base.length
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
