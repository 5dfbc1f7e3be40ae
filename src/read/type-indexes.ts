/**
 * The two indexes of a type as if each were one: their shards are asked side by side, and what they answer is put in order.
 */
import type { HistoryOrder } from '../../domain/cursor.js'
import { currentIndexPk, type LogId, typeIndexPk, typeIndexSk } from '../../domain/keys.js'
import { pointerFromItem, type VersionPointer } from '../../domain/pointer.js'
import type { PointerStore } from '../../domain/ports/index.js'
import { everyShard } from '../../domain/shards.js'
import { mapBounded, run } from '../../domain/task.js'
import { pointerOfCurrent } from '../../projections/current-index.js'
import type { Limits } from '../limits.js'

export interface TypeIndexesDeps {
  readonly log: LogId
  readonly shards: number
  readonly pointers: PointerStore
  readonly limits: Limits
}

/** A page of the current index in id order. `last`: the id behind which the next one begins; absent on the last page. */
export interface IndexPage {
  readonly pointers: ReadonlyArray<VersionPointer>
  readonly last: string | undefined
}

export interface TypeIndexes {
  /** The first `limit` events in an order. `ask` answers those of one shard of the type index, in that order. */
  first(
    type: string,
    order: HistoryOrder,
    limit: number,
    ask: (pk: string) => Promise<ReadonlyArray<VersionPointer>>,
  ): Promise<VersionPointer[]>
  /** The events of the commits after one, up to another; in log order for each resource. */
  eventsBetween(type: string, after: number, to: number): AsyncGenerator<VersionPointer>
  /** A page of the current index behind an id. */
  currentPage(type: string, after: string | undefined, limit: number): Promise<IndexPage>
}

/** Of all shards together. */
const eventsPerQuery = 1_000
/** No commit has as many events. */
export const lastIndex = 99_999_999

export function makeTypeIndexes({ log, shards, pointers, limits }: TypeIndexesDeps): TypeIndexes {
  const { concurrency } = limits

  async function first(
    type: string,
    order: HistoryOrder,
    limit: number,
    ask: (pk: string) => Promise<ReadonlyArray<VersionPointer>>,
  ): Promise<VersionPointer[]> {
    const found = await mapBounded(everyShard(shards), concurrency, (shard) => ask(typeIndexPk(log, type, shard)))
    const sign = order === 'oldest-first' ? 1 : -1
    return found
      .flat()
      .sort((a, b) => sign * (a.seq - b.seq || a.index - b.index))
      .slice(0, limit)
  }

  async function* eventsBetween(type: string, after: number, to: number): AsyncGenerator<VersionPointer> {
    if (after >= to) return
    const range = { from: typeIndexSk(after + 1, 0), to: typeIndexSk(to, lastIndex) }
    let rest: { pk: string; token?: string }[] = everyShard(shards).map((shard) => ({
      pk: typeIndexPk(log, type, shard),
    }))
    while (rest.length > 0) {
      const limit = Math.ceil(eventsPerQuery / rest.length)
      const pages = await mapBounded(rest, concurrency, async ({ pk, token }) => {
        const page = await run(pointers.query({ pk, ...range, limit, token }))
        return { ...page, pk }
      })
      // A commit in publication has some of its items; it is above the head, and not asked for.
      for (const { items } of pages) for (const item of items) yield pointerFromItem(item)
      rest = pages.flatMap(({ pk, token }) => (token === undefined ? [] : [{ pk, token }]))
    }
  }

  async function currentPage(type: string, after: string | undefined, limit: number): Promise<IndexPage> {
    // The range has its bounds in it.
    const most = limit + 1
    const pages = await mapBounded(everyShard(shards), concurrency, (shard) =>
      run(pointers.query({ pk: currentIndexPk(log, type, shard), from: after, limit: most })),
    )
    const all = pages.flatMap(({ items }) => items.map(pointerOfCurrent)).sort((a, b) => compareIds(a.id, b.id))
    // A shard's page is full if the shard goes on: what it goes on with comes behind as many as are wanted.
    const shown = all.slice(0, most)
    const isLast = shown.length === all.length && pages.every(({ token }) => token === undefined)
    return { pointers: shown.filter(({ id }) => id !== after), last: isLast ? undefined : shown.at(-1)?.id }
  }

  return { first, eventsBetween, currentPage }
}

/** By their UTF-8 bytes, as the pointer store orders its sort keys. */
export const compareIds = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
