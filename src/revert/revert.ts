/**
 * Reverts and restores: plans the compensating events on one head, and writes them as one transaction if nobody has
 * changed meanwhile what they answer.
 */
import { sha256 } from '../../domain/commit.js'
import {
  type Compensation,
  compensationOf,
  type OnConflict,
  type Undoing,
  undoingsOf,
} from '../../domain/compensation.js'
import type { Operation, Transaction } from '../../domain/decide.js'
import { readDocument } from '../../domain/document.js'
import { annalsError } from '../../domain/error.js'
import type { TransactionRef } from '../../domain/header.js'
import type { VersionPointer } from '../../domain/pointer.js'
import { checkId, checkType, type Kind, type ResourceRef } from '../../domain/resource.js'
import { mapBounded, orThrow } from '../../domain/task.js'
import { bodiesOf } from '../read/bodies.js'
import type { Reader } from '../read/reader.js'
import { boundOf } from '../read/reads.js'
import { type PlannedDeps, writePlanned } from '../write/planned.js'
import { limit, notesOf } from '../write/prepare.js'
import type { TransactionResult } from '../write/result.js'
import type { RestorePoint, RestoreScope, RevertOptions, RevertPlan, RevertTarget } from './api.js'
import { eventsBetween, findTarget, type TargetDeps } from './target.js'

export interface RevertDeps extends TargetDeps, PlannedDeps {
  readonly kind: Kind
  readonly reader: Reader
}

/** What is asked for: how to find what is taken back, and what identifies the request. */
interface Intent {
  readonly name: string
  readonly said: unknown
  readonly onConflict: OnConflict
  find(head: number): Promise<{ readonly undoings: ReadonlyArray<Undoing>; readonly transaction?: TransactionRef }>
}

interface Planned extends RevertPlan {
  readonly compensates?: TransactionRef
  /** Where the bodies stand that come back, by place. */
  readonly bodies: ReadonlyArray<VersionPointer | undefined>
}

export interface Reverting {
  revert(target: RevertTarget, options: RevertOptions): Promise<TransactionResult>
  planRevert(target: RevertTarget, options: Pick<RevertOptions, 'onConflict'>): Promise<RevertPlan>
  restore(scope: RestoreScope, to: RestorePoint, options: RevertOptions): Promise<TransactionResult>
  planRestore(scope: RestoreScope, to: RestorePoint): Promise<RevertPlan>
}

export function makeReverting(deps: RevertDeps): Reverting {
  const { kind, reader, log, limits } = deps

  function revertIntent(target: RevertTarget, { onConflict = 'fail' }: Pick<RevertOptions, 'onConflict'>): Intent {
    if (!['fail', 'skip', 'force'].includes(onConflict))
      throw annalsError('InvalidInput', { what: 'onConflict', problem: "it is 'fail', 'skip' or 'force'" })
    const find = async (head: number) => {
      const { events, transaction } = await findTarget(deps, target, head)
      return { undoings: undoingsOf(events), transaction }
    }
    return { name: 'the revert', said: ['revert', target, onConflict], onConflict, find }
  }

  /** Everything after `to` is taken back, whoever wrote it: nothing can have moved on. */
  function restoreIntent({ type, id }: RestoreScope, to: RestorePoint): Intent {
    if (id !== undefined && type === undefined)
      throw annalsError('InvalidInput', { what: 'restore', problem: 'an id needs its type' })
    if (type !== undefined) orThrow(checkType(kind, type))
    const ref = type === undefined || id === undefined ? undefined : { type, id: orThrow(checkId(kind, id)) }
    const find = async (head: number) => {
      if (isVersion(to)) {
        if (ref !== undefined) return { undoings: await versionsAfter(ref, await knownVersion(ref, to.version), head) }
        throw annalsError('InvalidInput', { what: 'version', problem: 'a version is of one resource: name it' })
      }
      const bound = boundOf(log, { seq: head }, to)
      if (ref !== undefined) {
        const then = await reader.versionWithin(ref, bound)
        return { undoings: await versionsAfter(ref, then?.version ?? 0, head) }
      }
      const seq = bound.at === undefined ? bound.seq : await log.seqAt(bound.at, bound.seq)
      const events = await eventsBetween(deps, seq + 1, head)
      return { undoings: undoingsOf(type === undefined ? events : events.filter((event) => event.type === type)) }
    }
    const said = ['restore', type ?? null, id ?? null, to]
    return { name: 'the restore', said, onConflict: 'fail', find }
  }

  async function versionsAfter(ref: ResourceRef, version: number, head: number): Promise<Undoing[]> {
    const now = await reader.versionWithin(ref, { seq: head })
    return now === undefined || now.version <= version ? [] : [{ ...ref, first: version + 1, last: now.version }]
  }

  async function knownVersion(ref: ResourceRef, version: number): Promise<number> {
    const is = Number.isSafeInteger(version) && version >= 1
    if (is && (await reader.version(ref, version)) !== undefined) return version
    throw annalsError('InvalidInput', { what: 'version', problem: `${ref.type}/${ref.id} has no version ${version}` })
  }

  async function plan({ find, onConflict }: Intent): Promise<Planned> {
    const { seq } = await reader.head()
    const { undoings, transaction } = await find(seq)
    limit('what is taken back at once', undoings.length, limits.maxTransactionOperations, 'resources')
    const made = await mapBounded(undoings, limits.concurrency, async (undoing, place) => {
      const now = await reader.versionWithin(undoing, { seq })
      const before = undoing.first > 1 ? await reader.version(undoing, undoing.first - 1) : undefined
      if (now === undefined)
        throw annalsError('LogMismatch', {
          log: log.name,
          seq,
          problem: `${undoing.type}/${undoing.id} has no pointers`,
        })
      const stands = { ...standing(now), standsFor: await versionBehind(undoing, now) }
      const change = compensationOf(undoing, stands, before && standing(before), onConflict, place)
      return { change, body: change.action === 'restore' ? before : undefined }
    })
    return {
      seq,
      changes: made.map(({ change }) => change),
      bodies: made.map(({ body }) => body),
      compensates: transaction,
    }
  }

  /** What was taken back already, newest first, is no conflict for what came before it. */
  async function versionBehind(ref: ResourceRef, now: VersionPointer): Promise<number> {
    let { version, restores } = now
    while (restores !== undefined) {
      version = restores
      restores = version === 0 ? undefined : (await reader.version(ref, version))?.restores
    }
    return version
  }

  async function write(intent: Intent, options: RevertOptions): Promise<TransactionResult> {
    const { name, said, onConflict } = intent
    const notes = notesOf(options)
    const planIt = async (): Promise<Transaction> => {
      const planned = await plan(intent)
      const { changes, compensates } = planned
      const conflicts = onConflict === 'fail' ? changes.flatMap(({ conflict = [] }) => conflict) : []
      if (conflicts.length > 0) throw annalsError('Conflict', { conflicts })
      return { operations: await operationsOf(planned), premises: changes, ...notes, compensates }
    }
    const digest = (): string => sha256(JSON.stringify(said))
    return (await writePlanned(deps, { name, digest, plan: planIt }, options)).result
  }

  async function operationsOf({ changes, bodies }: Planned): Promise<Operation[]> {
    const wanted = bodies.filter((pointer) => pointer !== undefined)
    const total = wanted.reduce((sum, { length = 0 }) => sum + length, 0)
    limit('what is taken back at once', total, limits.maxTransactionBytes, 'bytes')
    const read = await bodiesOf(reader, wanted, limits)
    let next = 0
    return changes.map((change) => operationOf(change, change.action === 'restore' ? read[next++] : undefined))
  }

  function operationOf({ type, id, restores, action }: Compensation, body: Uint8Array | undefined): Operation {
    if (action === 'leave') return { kind: 'check', type, id, expect: 'any' }
    if (body === undefined) return { kind: 'delete', type, id, expect: 'any', restores }
    const document = orThrow(readDocument(kind, body, type, id))
    const how = { idAssigned: false, method: 'PUT', expect: 'any', onlyIfChanged: false } as const
    return { kind: 'put', type, id, ...how, body: document, restores }
  }

  return {
    revert: async (target, options) => write(revertIntent(target, options), options),
    planRevert: async (target, options) => shown(await plan(revertIntent(target, options))),
    restore: async (scope, to, options) => write(restoreIntent(scope, to), options),
    planRestore: async (scope, to) => shown(await plan(restoreIntent(scope, to))),
  }
}

const standing = ({ version, op }: VersionPointer) => ({ version, deleted: op === 'delete' })

const isVersion = (to: RestorePoint): to is { readonly version: number } => typeof to === 'object' && 'version' in to

const shown = ({ seq, changes }: Planned): RevertPlan => ({ seq, changes })
