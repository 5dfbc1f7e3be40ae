/**
 * A tenant of several logs as one. What concerns one resource goes to its log; lists and histories are put together. A commit is of
 * one log, so what would have to be one commit over several is refused: each log is a tenant by itself, and sagas span them.
 */

import { sha256 } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { partitionOf, partitionOfText } from '../../domain/partitions.js'
import type { Ids } from '../../domain/ports/index.js'
import { attempt, run } from '../../domain/task.js'
import type { CommitView, OperationInput, SnapshotFp, Streams, TenantFp, WriteOptions } from '../api.js'
import { mergedReads, newestFirst } from './reads.js'

/** One of its logs. */
export interface Member {
  readonly fp: TenantFp
  readonly streams: Streams
}

export function makePartitioned(members: ReadonlyArray<Member>, ids: Ids): Member {
  const logs = members.map(({ fp }) => fp)
  const first = logs[0] as TenantFp
  const logOf = (type: string, id: string): TenantFp => logs[partitionOf({ type, id }, logs.length)] as TenantFp
  const heads = () => Promise.all(logs.map((log) => run(log.head())))

  /** Where what has no id yet is created: with its request key, the same log whenever it is sent. */
  const anyLog = ({ request }: WriteOptions): TenantFp =>
    logs[partitionOfText(request ?? ids.uuid(), logs.length)] as TenantFp

  function logOfAll(operations: ReadonlyArray<OperationInput>, options: WriteOptions): TenantFp {
    const named = operations.flatMap(({ type, id }) => (id === undefined ? [] : partitionOf({ type, id }, logs.length)))
    const [partition, ...others] = [...new Set(named)].sort((a, b) => a - b)
    if (others.length > 0)
      throw oneLog(
        'transaction',
        `its resources are in the partitions ${[partition, ...others].join(', ')}; run them as a saga`,
      )
    return partition === undefined ? anyLog(options) : (logs[partition] as TenantFp)
  }

  const fp: TenantFp = {
    ...mergedReads(logs, heads),
    create: (type, body, options = {}) => {
      const log = options.id === undefined ? anyLog(options) : logOf(type, options.id)
      return log.create(type, body, options)
    },
    update: (type, id, body, options) => logOf(type, id).update(type, id, body, options),
    patch: (type, id, patch, options) => logOf(type, id).patch(type, id, patch, options),
    delete: (type, id, options) => logOf(type, id).delete(type, id, options),
    transact: (operations, options = {}) =>
      attempt(async () => {
        if (typeof operations === 'function') throw oneLog('decision', askOne)
        return run(logOfAll(operations, options).transact(operations, options))
      }),
    interact: (request, options = {}) =>
      attempt(async () => {
        const [type = '', id, ...rest] = request.url.split('/')
        const isConditional = request.url.includes('?') || request.ifNoneExist !== undefined
        if (isConditional || (id !== undefined && rest.length > 0 && rest[0] !== '_history'))
          throw oneLog('condition', askOne)
        return run((id === undefined ? anyLog(options) : logOf(type, id)).interact(request, options))
      }),
    bundle: () => attempt(async () => Promise.reject(oneLog('Bundle', askOne))),
    revert: (target, options) => attempt(async () => run((await logOfTarget(target)).revert(target, options))),
    planRevert: (target, options) => attempt(async () => run((await logOfTarget(target)).planRevert(target, options))),
    restore: (scope, to, options) => attempt(async () => run(logOfScope(scope).restore(scope, to, options))),
    planRestore: (scope, to) => attempt(async () => run(logOfScope(scope).planRestore(scope, to))),
    snapshot: () =>
      attempt(async (): Promise<SnapshotFp> => {
        const snapshots = await Promise.all(logs.map((log) => run(log.snapshot())))
        return { ...mergedReads(snapshots, async () => snapshots), ...together(snapshots) }
      }),
    head: () =>
      attempt(async () => {
        const all = await heads()
        return { ...together(all), hash: sha256(all.map(({ hash }) => hash).join('')) }
      }),
    checkpoint: first.checkpoint,
    saveCheckpoint: first.saveCheckpoint,
    whenProjected: (name, position, options) =>
      attempt(async () => run((logs[position.partition] ?? first).whenProjected(name, position, options))),
  }

  /** The log that knows the request key. Transaction ids and commit numbers mean something in one log only. */
  async function logOfTarget(target: Parameters<TenantFp['revert']>[0]): Promise<TenantFp> {
    if (typeof target === 'string' || !('request' in target)) throw oneLog('revert', askOne)
    for (const log of logs) {
      const found = await log.planRevert(target, { onConflict: 'skip' })()
      const isUnknown =
        found._tag === 'Left' && found.left._tag === 'InvalidInput' && found.left.data.what === 'request'
      if (!isUnknown) return log
    }
    return first
  }

  function logOfScope({ type, id }: Parameters<TenantFp['restore']>[0]): TenantFp {
    if (type === undefined || id === undefined) throw oneLog('restore', askOne)
    return logOf(type, id)
  }

  const refuse = (): never => {
    throw oneLog('stream', 'each log has an order of its own; ask each of tenant.partitions (--partition of a command)')
  }
  const streams: Streams = {
    commits: (options = {}) =>
      options.follow === true || options.from !== undefined || options.to !== undefined
        ? refuse()
        : byInstant(members.map((member) => member.streams.commits(options))),
    subscribe: refuse,
    observe: refuse,
  }
  return { fp, streams }
}

const askOne = 'ask one of tenant.partitions, each of which is a log by itself (--partition of a command)'

const oneLog = (what: string, problem: string) =>
  annalsError('NotSupported', { what: `${what} over several logs`, problem })

/** How many commits there are, and when the last one was. */
const together = (heads: ReadonlyArray<{ readonly seq: number; readonly at: string }>) => ({
  seq: heads.reduce((sum, { seq }) => sum + seq, 0),
  at:
    heads
      .map(({ at }) => at)
      .sort()
      .at(-1) ?? '',
})

/** Those of several logs, oldest first; of one instant, in the order of the logs. */
async function* byInstant(logs: ReadonlyArray<AsyncIterable<CommitView>>): AsyncGenerator<CommitView> {
  const iterators = logs.map((log) => log[Symbol.asyncIterator]())
  try {
    const next = await Promise.all(iterators.map((iterator) => iterator.next()))
    for (;;) {
      let first: number | undefined
      next.forEach((each, i) => {
        const least = first === undefined ? undefined : next[first]
        if (each.done !== true && (least === undefined || newestFirst(each.value, least.value as CommitView) > 0))
          first = i
      })
      if (first === undefined) return
      yield (next[first] as IteratorResult<CommitView>).value
      next[first] = await (iterators[first] as AsyncIterator<CommitView>).next()
    }
  } finally {
    await Promise.all(iterators.map((iterator) => iterator.return?.()))
  }
}
