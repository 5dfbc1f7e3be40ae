/**
 * Decisions: a pure function of the state at the head and the waiting transactions to the events of the next commit.
 *
 * A transaction sees those before it in the same batch. One that conflicts is rejected whole and changes nothing for
 * the others.
 */
import { type Document, saysTheSame, unstamped } from './document.js'
import { absurd, type VersionConflict } from './error.js'
import type { FoundBy } from './fhir/found-by.js'
import type { Method, Op, TransactionRef, UnchangedOperation } from './header.js'
import { refKey } from './resource.js'
import { makeOverlay, type Overlay, type Selection, sameIds } from './selection.js'

/** What the caller expects of a resource: nothing, that it is there, that it is not, its exact version (0: none), or one of several. */
export type Expectation = 'any' | 'exists' | 'absent' | number | ReadonlyArray<number>

export interface PutOperation {
  readonly kind: 'put'
  readonly type: string
  readonly id: string
  /** The store has just made the id, so there can be no earlier version to ask for. */
  readonly idAssigned: boolean
  readonly method: Exclude<Method, 'DELETE'>
  readonly expect: Expectation
  /** Writes nothing if the body's tokens are those of the current version. */
  readonly onlyIfChanged: boolean
  readonly body: Document
  /** Of a compensation: the version whose body this is. */
  readonly restores?: number
}

export interface DeleteOperation {
  readonly kind: 'delete'
  readonly type: string
  readonly id: string
  readonly expect: Expectation
  /** Of a compensation: the version, deleted or 0, whose state this brings back. */
  readonly restores?: number
}

/** Writes nothing: the others depend on what it expects. */
export interface CheckOperation {
  readonly kind: 'check'
  readonly type: string
  readonly id: string
  readonly expect: Expectation
}

export type Operation = PutOperation | DeleteOperation | CheckOperation

/** A resource as it was when the operations were planned. Version 0: it did not exist. */
export interface Premise {
  readonly type: string
  readonly id: string
  readonly version: number
}

/** Everything that one caller asked for together. */
export interface Transaction {
  readonly operations: ReadonlyArray<Operation>
  /** What the operations were planned on. Where others have changed it since, the plan is worth nothing. */
  readonly premises?: ReadonlyArray<Premise>
  readonly selections?: ReadonlyArray<Selection>
  readonly actor?: string
  readonly reason?: string
  readonly correlation?: string
  readonly causation?: string
  /** The transaction that this one takes back. */
  readonly compensates?: TransactionRef
  /** The caller's idempotency key, with a digest of what it asks for. */
  readonly request?: { readonly key: string; readonly digest: string }
}

/** The last version of a resource, as a decision sees it. */
export interface Current {
  readonly version: number
  readonly deleted: boolean
  readonly seq: number
  readonly index: number
  /** Microseconds since 1970. */
  readonly at: number
  /** A digest of the keys that its body can be found by. */
  readonly keyed?: string
  /** Only where an operation needs to compare with it: the stored bytes, or the document of a commit in the making. */
  readonly body?: Uint8Array | Document
}

export interface DecidedEvent {
  readonly type: string
  readonly id: string
  readonly version: number
  readonly op: Op
  readonly method: Method
  readonly body?: Document
  readonly prev?: { readonly seq: number; readonly index: number }
  readonly restores?: number
  readonly keyed?: string
  /** Where they are not those of the version before. */
  readonly keys?: ReadonlyArray<string>
}

/** The answer to one operation: the event that it became, by its index in the commit, or the version that stays. */
export type Effect =
  | { readonly changed: true; readonly index: number; readonly event: DecidedEvent }
  | { readonly changed: false; readonly type: string; readonly id: string; readonly current?: Current }

export type Decision =
  | { readonly kind: 'accepted'; readonly events: ReadonlyArray<DecidedEvent>; readonly effects: ReadonlyArray<Effect> }
  | { readonly kind: 'rejected'; readonly conflicts: ReadonlyArray<VersionConflict> }
  /** A premise holds no more. */
  | { readonly kind: 'overtaken' }

export interface BatchDecision {
  readonly decisions: ReadonlyArray<Decision>
  /** The last versions that the accepted transactions leave behind, by `refKey`. */
  readonly changes: ReadonlyMap<string, Current>
}

/** Where a batch would stand in its log. */
export interface Place {
  readonly seq: number
  /** Microseconds since 1970. */
  readonly at: number
}

/** The state that includes every commit below. */
export interface State {
  current(key: string): Current | undefined
  /** The ids that a condition selects, sorted. */
  selected(selection: Selection): ReadonlyArray<string>
}

/** Decides a batch that would become the commit at `place`. */
export function decide(batch: ReadonlyArray<Transaction>, place: Place, state: State): BatchDecision {
  const changes = new Map<string, Current>()
  const overlay = batch.some(({ selections }) => selections !== undefined) ? makeOverlay() : undefined
  const seen: Seen = { current: (key) => changes.get(key) ?? state.current(key), selected: state.selected, overlay }
  let index = 0
  const decisions = batch.map((transaction) => {
    const { decision, own } = decideOne(transaction, place, index, seen)
    if (decision.kind === 'accepted') {
      index += decision.events.length
      for (const { key, type, id, current } of own) {
        changes.set(key, current)
        overlay?.add(type, id, current.deleted ? undefined : foundByOf(current.body))
      }
    }
    return decision
  })
  return { decisions, changes }
}

/** The state with what the batch has changed on it. Conditions need an overlay of their own. */
interface Seen extends State {
  readonly overlay: Overlay | undefined
}

interface Change {
  readonly key: string
  readonly type: string
  readonly id: string
  readonly current: Current
}

function decideOne(
  transaction: Transaction,
  place: Place,
  firstIndex: number,
  seen: Seen,
): { decision: Decision; own: ReadonlyArray<Change> } {
  const own: Change[] = []
  if (isOvertaken(transaction, seen)) return { decision: { kind: 'overtaken' }, own }
  // A single operation, which is the rule, has none before it.
  const before = transaction.operations.length > 1 ? new Map<string, Current>() : undefined
  const events: DecidedEvent[] = []
  const effects: Effect[] = []
  const conflicts: VersionConflict[] = []
  transaction.operations.forEach((operation, position) => {
    const { type, id } = operation
    const key = refKey(operation)
    const current =
      before?.get(key) ?? (operation.kind === 'put' && operation.idAssigned ? undefined : seen.current(key))
    if (!isExpected(operation.expect, current)) {
      const actual = { actual: current?.version ?? 0, deleted: current?.deleted ?? false }
      conflicts.push({
        operation: position,
        type,
        id,
        expected: operation.expect as VersionConflict['expected'],
        ...actual,
      })
      return
    }
    if (operation.kind === 'check' || !changes(operation, current)) {
      effects.push({ changed: false, type, id, current })
      return
    }
    const event = nextEvent(operation, current)
    const index = firstIndex + events.length
    events.push(event)
    effects.push({ changed: true, index, event })
    const { version, body, keyed } = event
    const after = { version, deleted: event.op === 'delete', ...place, index, body, keyed }
    own.push({ key, type, id, current: after })
    before?.set(key, after)
  })
  return conflicts.length > 0
    ? { decision: { kind: 'rejected', conflicts }, own }
    : { decision: { kind: 'accepted', events, effects }, own }
}

const foundByOf = (body: Current['body']): FoundBy | undefined =>
  body === undefined || body instanceof Uint8Array || body.kind === 'json' ? undefined : body.foundBy

const isOvertaken = ({ premises = [], selections = [] }: Transaction, { current, selected, overlay }: Seen): boolean =>
  premises.some((premise) => (current(refKey(premise))?.version ?? 0) !== premise.version) ||
  selections.some((selection) => {
    const now = selected(selection)
    return !sameIds(overlay?.select(selection.condition, now) ?? now, selection.ids)
  })

function isExpected(expect: Expectation, current: Current | undefined): boolean {
  switch (expect) {
    case 'any':
      return true
    case 'exists':
      return current !== undefined && !current.deleted
    case 'absent':
      return current === undefined || current.deleted
    default: {
      const version = current?.version ?? 0
      return typeof expect === 'number' ? expect === version : expect.includes(version)
    }
  }
}

function changes(operation: PutOperation | DeleteOperation, current: Current | undefined): boolean {
  switch (operation.kind) {
    case 'put':
      return (
        !operation.onlyIfChanged ||
        current?.body === undefined ||
        current.deleted ||
        !saysTheSame(operation.body, bytesOf(current.body))
      )
    case 'delete':
      return current !== undefined && !current.deleted
    default:
      return absurd(operation)
  }
}

/** The operations of an accepted transaction that became no event. */
export const unchangedOperations = (effects: ReadonlyArray<Effect>): UnchangedOperation[] =>
  effects.flatMap((effect, operation) => {
    if (effect.changed) return []
    const { type, id, current } = effect
    return [{ operation, type, id, version: current?.version ?? 0 }]
  })

const bytesOf = (body: Uint8Array | Document): Uint8Array => (body instanceof Uint8Array ? body : unstamped(body))

function nextEvent(operation: PutOperation | DeleteOperation, current: Current | undefined): DecidedEvent {
  const { type, id, restores } = operation
  const version = (current?.version ?? 0) + 1
  const prev = current === undefined ? undefined : { seq: current.seq, index: current.index }
  if (operation.kind === 'delete') return { type, id, version, op: 'delete', method: 'DELETE', prev, restores }
  const op = current === undefined || current.deleted ? 'create' : 'update'
  const { method, body } = operation
  const { digest: keyed, all } = (body.kind === 'fhir' ? body.keys : undefined) ?? {}
  const keys = keyed === current?.keyed ? undefined : all
  return { type, id, version, op, method, body, prev, restores, keyed, keys }
}
