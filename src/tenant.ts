/** A tenant: its log's writer and reader behind the public interface. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../domain/error.js'
import { formatInstant } from '../domain/instant.js'
import { checkpointPk, checkpointSk } from '../domain/keys.js'
import type { Clock, Doorbell, Item, PointerStore } from '../domain/ports/index.js'
import { attempt, orThrow, run } from '../domain/task.js'
import type { Decide, OperationInput, SnapshotFp, Streams, TenantFp, WriteOptions } from './api.js'
import { processBundle, processInteraction } from './bundle/bundle.js'
import type { Limits } from './limits.js'
import { whenProjected } from './project/when-projected.js'
import { commits } from './read/commits.js'
import { observe } from './read/observe.js'
import type { Bound, Reader } from './read/reader.js'
import { checkPosition, makeReads, type ReadsDeps } from './read/reads.js'
import { subscribe } from './read/subscribe.js'
import { makeReverting } from './revert/revert.js'
import { decidedWrite } from './write/decided.js'
import type { LogWriter } from './write/log-writer.js'
import { patchedWrite } from './write/patched.js'
import { writePlanned } from './write/planned.js'
import { type PrepareDeps, prepare } from './write/prepare.js'
import type { TransactionResult, WriteResult } from './write/result.js'

export interface TenantParts extends PrepareDeps, ReadsDeps {
  readonly name: string
  readonly limits: Limits
  /** The same without a cache. */
  readonly passing: Reader
  readonly writer: LogWriter
  readonly doorbell: Doorbell
  readonly clock: Clock
  readonly pointers: PointerStore
}

export function makeTenant(parts: TenantParts): { readonly fp: TenantFp; readonly streams: Streams } {
  const { reader, writer, log } = parts
  const headBound = async (): Promise<Bound> => ({ seq: (await reader.head()).seq })

  const deps = { ...parts, tenant: parts.name }
  const reverting = makeReverting(deps)

  const transact = (
    operations: ReadonlyArray<OperationInput> | Decide,
    options: WriteOptions = {},
  ): TaskEither<AnnalsError, TransactionResult> =>
    attempt(async () =>
      typeof operations === 'function'
        ? (await writePlanned(deps, decidedWrite(parts, operations, options), options)).result
        : orThrow(await writer.submit(prepare(parts, operations, options), options)),
    )

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
    patch: (type, id, patch, options = {}) =>
      attempt(async () => {
        const { result } = await writePlanned(deps, patchedWrite(parts, type, id, patch, options), options)
        return result.results[0] as WriteResult
      }),
    delete: (type, id, options = {}) => one({ op: 'delete', type, id, expect: options.expect }, options),
    transact,
    interact: (request, options = {}) => attempt(() => processInteraction(deps, request, options)),
    bundle: (body, options = {}) => attempt(() => processBundle(deps, body, options)),
    revert: (target, options = {}) => attempt(() => reverting.revert(target, options)),
    planRevert: (target, options = {}) => attempt(() => reverting.planRevert(target, options)),
    restore: (scope, to, options = {}) => attempt(() => reverting.restore(scope, to, options)),
    planRestore: (scope, to) => attempt(() => reverting.planRestore(scope, to)),
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
      attempt(async () => whenProjected(deps, name, checkPosition(position, log), options)),
  }
  const subscribeWith: Streams['subscribe'] = (options) => subscribe({ ...parts, reader: parts.passing }, options)
  const streams: Streams = {
    commits: (options) => commits(parts, options),
    subscribe: subscribeWith,
    observe: (options) => observe(subscribeWith, options),
  }
  return { fp, streams }
}
