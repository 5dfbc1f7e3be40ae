/** What a subscriber asks for and what it is told. */
import { annalsError } from '../../domain/error.js'
import type { Op } from '../../domain/header.js'
import type { VersionPointer } from '../../domain/pointer.js'
import type { Position } from '../../domain/position.js'
import { checkType, type Kind } from '../../domain/resource.js'
import { orThrow } from '../../domain/task.js'
import type { ResourceVersion } from '../api.js'

export interface SubscribeOptions {
  /**
   * `start` (default): with the first event of the log. `now`: behind the head as it is. A position: after that event, also in
   * the middle of a commit. A position that the log does not have (yet) is `InvalidInput`.
   */
  readonly from?: 'start' | 'now' | Position
  /** Only events of these types (default: of all). */
  readonly types?: ReadonlyArray<string>
  /** Only these operations (default: all). */
  readonly operations?: ReadonlyArray<Op>
  /** `false` leaves the bodies out, and their reads. Bodies of events that are not asked for are never read on purpose. */
  readonly bodies?: boolean
  /** Ends as soon as everything up to the head has been told, whatever came meanwhile. Without it, only `signal` ends it. */
  readonly until?: 'head'
  /** Ends the subscription within a second, without an error. */
  readonly signal?: AbortSignal
}

export type SubscriptionMessage =
  | {
      readonly kind: 'event'
      readonly event: ResourceVersion
      /** Of its commit; `hash` is the SHA-256 of the commit's header line. */
      readonly commit: { readonly seq: number; readonly at: string; readonly hash: string }
    }
  | {
      /**
       * Every event up to the head has been told, or was not asked for. Comes once whenever that becomes so: at the beginning if
       * nothing lies behind, and after each stretch of commits, even if none of their events was asked for.
       */
      readonly kind: 'caught-up'
      /** Of the last event of the log, told or not: where to begin next time. `0-0-0` while the log is empty. */
      readonly position: Position
    }

/** The options, checked. */
export interface Subscription {
  readonly from: 'start' | 'now' | Position
  readonly bodies: boolean
  readonly untilHead: boolean
  /** Whether some events are left out. */
  readonly isFiltered: boolean
  wants(event: Pick<VersionPointer, 'type' | 'op'>): boolean
}

const allOperations: ReadonlyArray<string> = ['create', 'update', 'delete'] satisfies ReadonlyArray<Op>

export function subscriptionOf(options: SubscribeOptions, kind: Kind): Subscription {
  const { from = 'start', types, operations, bodies = true, until } = options
  if (typeof from === 'string' ? from !== 'start' && from !== 'now' : !isPosition(from))
    refuse('from', "it is 'start', 'now' or a position, such as { partition: 0, seq: 17, index: 3 }")
  if (until !== undefined && until !== 'head') refuse('until', "it is 'head', or left out")
  checkList('types', types, (type) => void orThrow(checkType(kind, type)))
  checkList('operations', operations, (operation) => {
    if (!allOperations.includes(operation)) refuse('operations', `they are ${allOperations.join(', ')}`)
  })
  return {
    from,
    bodies,
    untilHead: until === 'head',
    isFiltered: types !== undefined || operations !== undefined,
    wants: ({ type, op }) => types?.includes(type) !== false && operations?.includes(op) !== false,
  }
}

/** An empty list would wait for nothing for ever. */
function checkList(what: string, list: ReadonlyArray<string> | undefined, check: (member: string) => void): void {
  if (list === undefined) return
  if (!Array.isArray(list) || list.length === 0) refuse(what, 'it is a list of one or more; leave it out for all')
  list.forEach(check)
}

const isCount = (u: unknown): boolean => Number.isSafeInteger(u) && (u as number) >= 0

function isPosition(u: unknown): u is Position {
  if (typeof u !== 'object' || u === null) return false
  const { partition, seq, index } = u as Partial<Position>
  return isCount(partition) && isCount(seq) && isCount(index)
}

export function refuse(what: string, problem: string): never {
  throw annalsError('InvalidInput', { what, problem })
}
