/**
 * Pages of several logs as if they were of one. Each log is asked for as many entries as are wanted, without their bodies; those
 * that come first in the order of all are asked for again, with bodies, which tells at the same time where each log goes on.
 */
import { Buffer } from 'node:buffer'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import type { HistoryOrder } from '../../domain/cursor.js'
import { annalsError } from '../../domain/error.js'
import type { AsOf, Period, ResourceVersion } from '../api.js'

export interface Page {
  readonly entries: ReadonlyArray<ResourceVersion>
  readonly cursor?: string
}

/** Where a log goes on: behind a cursor of its own, or at its beginning, as it was then. */
export type Start = { readonly cursor: string } | ({ readonly at: AsOf } & Asking)

/** What holds for all pages of a history. */
interface Asking {
  readonly since?: string | Date
  readonly order?: HistoryOrder
  readonly during?: Period
}

export interface Asked {
  readonly count: number
  readonly bodies: boolean
}

export interface MergeOptions extends Asked, Asking {
  /** Of what: a cursor goes on only with the same. */
  readonly scope: string
  readonly cursor: string | undefined
  /** What the first page sees of each log. */
  pins(): Promise<ReadonlyArray<AsOf>>
  ask(partition: number, start: Start, asked: Asked): Promise<Page>
  /** Entries of one log come in this order already, or oldest first in the opposite one. */
  compare(a: ResourceVersion, b: ResourceVersion): number
}

/** Of each log: its cursor, or as of when its first page is read (a commit number or an instant), or nothing more. */
const PlaceCodec = t.union([t.type({ after: t.string }), t.type({ at: t.union([t.number, t.string]) }), t.null])
type Place = t.TypeOf<typeof PlaceCodec>
const CursorCodec = t.intersection([
  t.type({ scope: t.string, logs: t.array(PlaceCodec) }),
  t.partial({
    since: t.string,
    order: t.literal('oldest-first'),
    during: t.type({ from: t.string, until: t.string }),
  }),
])

export async function mergedPage(logs: number, options: MergeOptions): Promise<Page> {
  const { scope, bodies, ask, compare } = options
  const { places, ...asking } = await begin(logs, options)
  const sign = asking.order === 'oldest-first' ? -1 : 1
  const from = (place: Place, partition: number): Start => startOf(place, partition, asking)
  const pages = await Promise.all(
    places.map((place, p): Promise<Page> | Page =>
      place === null ? { entries: [] } : ask(p, from(place, p), { count: options.count, bodies: false }),
    ),
  )
  // A log that shows fewer than it was asked for, and has more, may have what comes next.
  const most = pages.map(({ entries, cursor }) => (cursor === undefined ? options.count : entries.length))
  const shown = pages
    .flatMap(({ entries }, p) => entries.map((entry) => ({ entry, p })))
    .sort((a, b) => sign * (compare(a.entry, b.entry) || a.p - b.p))
    .slice(0, Math.min(options.count, ...most))
  const taken = await Promise.all(
    pages.map(async (page, p) => {
      const count = shown.filter((each) => each.p === p).length
      const place = places[p] as Place
      if (place === null) return { entries: [], next: null }
      // A log that shows nothing and has more has looked at what is not to be shown.
      if (count === 0) return { entries: [], next: page.entries.length === 0 ? nextOf(page) : place }
      const own = count === page.entries.length && !bodies ? page : await ask(p, from(place, p), { count, bodies })
      return { entries: [...own.entries], next: nextOf(own) }
    }),
  )
  const entries = shown.map(({ p }) => taken[p]?.entries.shift() as ResourceVersion)
  const next = taken.map((each) => each.next)
  if (next.every((place) => place === null)) return { entries }
  const cursor = { scope, logs: next, ...asking }
  return { entries, cursor: Buffer.from(JSON.stringify(cursor)).toString('base64url') }
}

const nextOf = ({ cursor }: Page): Place => (cursor === undefined ? null : { after: cursor })

async function begin(logs: number, { scope, cursor, since, order, during, pins }: MergeOptions) {
  if (cursor !== undefined) {
    const read = decodeCursor(cursor)
    if (read === undefined || read.logs.length !== logs) throw invalid('it was not made by this tenant')
    if (read.scope !== scope) throw invalid(`it belongs to another history than ${scope}`)
    return { places: read.logs, since: read.since, order: read.order, during: read.during }
  }
  const places = (await pins()).map(
    (at): Place => ({ at: typeof at === 'object' && 'seq' in at ? at.seq : textOf(at) }),
  )
  return {
    places,
    since: since === undefined ? undefined : textOf(since),
    order: order === 'oldest-first' ? order : undefined,
    during: during && { from: textOf(during.from), until: textOf(during.until) },
  }
}

function startOf(place: Place, partition: number, asking: Asking): Start {
  if (place === null) throw new TypeError('a log that has ended is not asked')
  if ('after' in place) return { cursor: place.after }
  const at = typeof place.at === 'string' ? place.at : { partition, seq: place.at, index: 0 }
  return { at, ...asking }
}

function decodeCursor(text: string): t.TypeOf<typeof CursorCodec> | undefined {
  try {
    const decoded = CursorCodec.decode(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    return E.isRight(decoded) ? decoded.right : undefined
  } catch {
    return undefined
  }
}

const textOf = (instant: string | Date): string => (typeof instant === 'string' ? instant : instant.toISOString())

const invalid = (problem: string) => annalsError('InvalidInput', { what: 'cursor', problem })
