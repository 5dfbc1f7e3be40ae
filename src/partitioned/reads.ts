/** The reads of a tenant of several logs: one resource is of one log, and what spans them is put in order. */
import { annalsError } from '../../domain/error.js'
import { parseInstant } from '../../domain/instant.js'
import { partitionOf } from '../../domain/partitions.js'
import { attempt, orThrow, run } from '../../domain/task.js'
import type { AsOf, HistoryOptions, Reads, ResourceVersion } from '../api.js'
import { checkOrder } from '../read/reads.js'
import { compareIds } from '../read/type-indexes.js'
import { type MergeOptions, mergedPage, type Page, type Start } from './pages.js'

/** The head of a log, or of a snapshot of it. */
export interface Head {
  readonly seq: number
  readonly at: string
}

const defaultCount = 50

/** `heads`: up to where each log is seen. */
export function mergedReads(logs: ReadonlyArray<Reads>, heads: () => Promise<ReadonlyArray<Head>>): Reads {
  const logOf = (type: string, id: string): Reads => logs[partitionOf({ type, id }, logs.length)] as Reads

  /** As of an instant that lies behind the head, a log is seen up to its head: what comes later is not in the next page. */
  async function pins(at: AsOf | undefined): Promise<ReadonlyArray<AsOf>> {
    const instant = instantOf(at)
    return (await heads()).map((head, partition) => {
      const isBefore = instant !== undefined && instant < orThrow(parseInstant(head.at))
      return isBefore ? (at as string | Date) : { partition, seq: head.seq, index: 0 }
    })
  }

  const merged = (options: HistoryOptions, rest: Pick<MergeOptions, 'scope' | 'ask' | 'compare'>): Promise<Page> => {
    const { count = defaultCount, cursor, since, order, at, during, bodies = true } = options
    return mergedPage(logs.length, {
      ...rest,
      count,
      cursor,
      since,
      order: checkOrder(order),
      during,
      bodies,
      pins: () => pins(at),
    })
  }

  const ask =
    (page: (log: Reads, options: Start & { count: number; bodies: boolean }) => Promise<Page>): MergeOptions['ask'] =>
    (partition, start, asked) =>
      page(logs[partition] as Reads, { ...start, ...asked })

  return {
    read: (type, id, options) => attempt(() => run(logOf(type, id).read(type, id, options))),
    versions: (type, id, options) => attempt(() => run(logOf(type, id).versions(type, id, options))),
    history: (scope = {}, options = {}) =>
      attempt(() => {
        const { type, id } = scope
        if (type !== undefined && id !== undefined) return run(logOf(type, id).history(scope, options))
        return merged(options, {
          scope: type === undefined ? 'system' : `type/${type}`,
          ask: ask((log, page) => run(log.history(scope, page))),
          compare: newestFirst,
        })
      }),
    list: (type, options = {}) =>
      attempt(() =>
        merged(options, {
          scope: `list/${type}`,
          ask: ask((log, page) => run(log.list(type, page))),
          compare: (a, b) => compareIds(a.id, b.id),
        }),
      ),
    match: (type, condition, options) =>
      attempt(async () => {
        instantOf(options?.at)
        const found = await Promise.all(logs.map((log) => run(log.match(type, condition, options))))
        return found.flat().sort((a, b) => (a.id < b.id ? -1 : 1))
      }),
    count: (type, options) =>
      attempt(async () => {
        instantOf(options?.at)
        const counts = await Promise.all(logs.map((log) => run(log.count(type, options))))
        return counts.reduce((sum, count) => sum + count, 0)
      }),
  }
}

/** Microseconds since 1970. A position is of one log, and says nothing of the others. */
function instantOf(at: AsOf | undefined): number | undefined {
  if (at === undefined) return undefined
  if (typeof at === 'string') return orThrow(parseInstant(at))
  if (at instanceof Date) return at.getTime() * 1000
  const problem = 'a position is of one log; say an instant, or ask one of tenant.partitions (--partition of a command)'
  throw annalsError('InvalidInput', { what: 'at', problem })
}

export const newestFirst = (a: Pick<ResourceVersion, 'at'>, b: Pick<ResourceVersion, 'at'>): number =>
  a.at === b.at ? 0 : a.at > b.at ? -1 : 1
