/** A tenant: its log's writer and reader behind the public interface. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type AnnalsError, annalsError } from '../domain/error.js'
import { formatInstant, parseInstant } from '../domain/instant.js'
import { checkpointPk, checkpointSk } from '../domain/keys.js'
import type { Clock, Doorbell, Item, PointerStore } from '../domain/ports/index.js'
import type { Position } from '../domain/position.js'
import { checkId, checkType, type Kind } from '../domain/resource.js'
import { attempt, orThrow, run } from '../domain/task.js'
import type {
  AsOf,
  HistoryOptions,
  HistoryPage,
  ListOptions,
  ListPage,
  OperationInput,
  ReadOptions,
  Reads,
  ResourceVersion,
  SnapshotFp,
  Streams,
  TenantFp,
  WriteOptions,
} from './api.js'
import type { Limits } from './limits.js'
import { whenProjected } from './project/when-projected.js'
import { commits } from './read/commits.js'
import type { makeHistory, Scope } from './read/history.js'
import type { Listing } from './read/listing.js'
import type { LogReader } from './read/log-reader.js'
import { observe } from './read/observe.js'
import { type Bound, copyOf, covers, type Reader } from './read/reader.js'
import { subscribe } from './read/subscribe.js'
import { resourceVersion } from './version.js'
import type { LogWriter } from './write/log-writer.js'
import { type PrepareDeps, prepare } from './write/prepare.js'
import type { TransactionResult, WriteResult } from './write/result.js'

export interface TenantParts extends PrepareDeps {
  readonly name: string
  readonly kind: Kind
  readonly limits: Limits
  readonly log: LogReader
  readonly reader: Reader
  /** The same without a cache. */
  readonly passing: Reader
  readonly writer: LogWriter
  readonly doorbell: Doorbell
  readonly clock: Clock
  readonly pointers: PointerStore
  readonly history: ReturnType<typeof makeHistory>
  readonly listing: Listing
}

const defaultCount = 50

export function makeTenant(parts: TenantParts): { readonly fp: TenantFp; readonly streams: Streams } {
  const { reader, writer, log } = parts
  const headBound = async (): Promise<Bound> => ({ seq: (await reader.head()).seq })

  const transact = (
    operations: ReadonlyArray<OperationInput>,
    options: WriteOptions = {},
  ): TaskEither<AnnalsError, TransactionResult> =>
    attempt(async () => orThrow(await writer.submit(prepare(parts, operations, options), options)))

  const one = (operation: OperationInput, options: WriteOptions): TaskEither<AnnalsError, WriteResult> =>
    attempt(async () => {
      const { results } = orThrow(await writer.submit(prepare(parts, [operation], options), options))
      return results[0] as WriteResult
    })

  const fp: TenantFp = {
    ...makeReads(parts, headBound, true),
    create: (type, body, options = {}) => one({ op: 'create', type, id: options.id, body }, options),
    update: (type, id, body, options = {}) => {
      const { expect, onlyIfChanged } = options
      return one({ op: 'update', type, id, body, expect, onlyIfChanged }, options)
    },
    delete: (type, id, options = {}) => one({ op: 'delete', type, id, expect: options.expect }, options),
    transact,
    snapshot: () =>
      attempt(async (): Promise<SnapshotFp> => {
        const { seq, at } = await reader.head()
        return { ...makeReads(parts, async () => ({ seq }), false), seq, at: formatInstant(at) }
      }),
    head: () =>
      attempt(async () => {
        const { seq, hash, at } = await reader.head()
        return { seq, hash, at: formatInstant(at) }
      }),
    checkpoint: (name) =>
      attempt(async () => {
        const item = await run(parts.pointers.get(checkpointPk(parts.name, name), checkpointSk))
        return item && { value: String(item.attributes.value), rev: item.rev ?? 0 }
      }),
    saveCheckpoint: (name, value, rev) =>
      attempt(async () => {
        const item: Item = { pk: checkpointPk(parts.name, name), sk: checkpointSk, attributes: { value } }
        return (await run(parts.pointers.compareAndSet(item, rev))).done
      }),
    whenProjected: (name, position, options) =>
      attempt(async () => whenProjected({ ...parts, tenant: parts.name }, name, checkPosition(position, log), options)),
  }
  const subscribeWith: Streams['subscribe'] = (options) => subscribe({ ...parts, reader: parts.passing }, options)
  const streams: Streams = {
    commits: (options) => commits(parts, options),
    subscribe: subscribeWith,
    observe: (options) => observe(subscribeWith, options),
  }
  return { fp, streams }

  /** The reads under a bound: the head as it is at each read, or one head for all of them. */
  function makeReads(_: TenantParts, bound: () => Promise<Bound>, live: boolean): Reads {
    return {
      read: (type, id, options = {}) => attempt(() => read(bound, live, type, id, options)),
      versions: (type, id, options = {}) =>
        attempt(() => historyPage(bound, { type, id }, { ...options, bodies: false })),
      history: (scope = {}, options = {}) => attempt(() => historyPage(bound, scope, options)),
      list: (type, options = {}) => attempt(() => listPage(bound, type, options)),
      count: (type, { at } = {}) =>
        attempt(async () => parts.listing.count(orThrow(checkType(parts.kind, type)), await asOf(bound, at))),
    }
  }

  async function read(
    bound: () => Promise<Bound>,
    live: boolean,
    type: string,
    id: string,
    { version, at }: ReadOptions,
  ): Promise<ResourceVersion | undefined> {
    const ref = { type: orThrow(checkType(parts.kind, type)), id: orThrow(checkId(parts.kind, id)) }
    if (version === undefined && at === undefined && live) return withBody(await reader.current(ref))
    const within = await asOf(bound, at)
    if (version === undefined) return withBody(await reader.versionWithin(ref, within))
    if (!Number.isSafeInteger(version) || version < 1)
      throw annalsError('InvalidInput', { what: 'version', problem: 'it is a whole number from 1' })
    const pointer = await reader.version(ref, version)
    return withBody(pointer !== undefined && covers(within, pointer) ? pointer : undefined)
  }

  async function withBody(pointer: Awaited<ReturnType<Reader['current']>>): Promise<ResourceVersion | undefined> {
    if (pointer === undefined) return undefined
    return resourceVersion(pointer, pointer.op === 'delete' ? undefined : copyOf(await reader.body(pointer)))
  }

  async function historyPage(
    bound: () => Promise<Bound>,
    scope: { type?: string; id?: string },
    options: HistoryOptions,
  ): Promise<HistoryPage> {
    const { count = defaultCount, cursor, since, bodies = true } = options
    checkCount(count)
    const page = await parts.history(scopeOf(scope), await asOf(bound, options.at), {
      count,
      cursor,
      bodies,
      ...(since === undefined ? undefined : { since: instantOf(since) }),
    })
    return {
      entries: page.entries.map(({ pointer, body }) => resourceVersion(pointer, body && copyOf(body))),
      ...(page.cursor === undefined ? undefined : { cursor: page.cursor }),
    }
  }

  async function listPage(bound: () => Promise<Bound>, type: string, options: ListOptions): Promise<ListPage> {
    const { count = defaultCount, cursor, at, bodies = true } = options
    checkCount(count)
    orThrow(checkType(parts.kind, type))
    const page = await parts.listing.list(type, await asOf(bound, at), { count, cursor, bodies })
    return {
      entries: page.entries.map(({ pointer, body }) => resourceVersion(pointer, body?.slice())),
      ...(page.cursor === undefined ? undefined : { cursor: page.cursor }),
    }
  }

  function scopeOf({ type, id }: { type?: string; id?: string }): Scope {
    if (type === undefined) {
      if (id === undefined) return { level: 'system' }
      throw annalsError('InvalidInput', { what: 'history', problem: 'an id needs its type' })
    }
    orThrow(checkType(parts.kind, type))
    return id === undefined
      ? { level: 'type', type }
      : { level: 'instance', ref: { type, id: orThrow(checkId(parts.kind, id)) } }
  }

  /** Never beyond the head, whatever is asked. */
  async function asOf(bound: () => Promise<Bound>, at: AsOf | undefined): Promise<Bound> {
    const within = await bound()
    if (at === undefined) return within
    if (typeof at === 'string' || at instanceof Date) return { ...within, at: instantOf(at) }
    return { seq: Math.min(within.seq, checkPosition(at, log).seq) }
  }
}

function checkCount(count: number): void {
  if (Number.isSafeInteger(count) && count >= 1) return
  throw annalsError('InvalidInput', { what: 'count', problem: 'it is a whole number from 1' })
}

function checkPosition(position: Position, log: LogReader): Position {
  if (position.partition === log.partition && Number.isSafeInteger(position.seq) && position.seq >= 0) return position
  throw annalsError('InvalidInput', { what: 'position', problem: 'it is not of this log' })
}

function instantOf(instant: string | Date): number {
  if (typeof instant === 'string') return orThrow(parseInstant(instant))
  if (!Number.isNaN(instant.getTime())) return instant.getTime() * 1000
  throw annalsError('InvalidInput', { what: 'instant', problem: 'the Date is invalid' })
}
