/** Finds the events that are to be taken back, in log order. */
import { type ChainLink, origin, sha256 } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import type { EventHeader, TransactionHeader, TransactionRef } from '../../domain/header.js'
import { requestPk, requestSk } from '../../domain/keys.js'
import { receiptFromItem } from '../../domain/pointer.js'
import type { PointerStore } from '../../domain/ports/index.js'
import { type ResourceRef, refKey } from '../../domain/resource.js'
import { mapBounded, orThrow, run } from '../../domain/task.js'
import { parseTransactionId } from '../../domain/transaction-id.js'
import type { Limits } from '../limits.js'
import { type LogReader, missingCommit } from '../read/log-reader.js'
import type { RevertTarget } from './api.js'

export interface TargetDeps {
  readonly tenant: string
  readonly pointers: PointerStore
  readonly log: LogReader
  readonly limits: Limits
}

export interface Found {
  readonly events: ReadonlyArray<EventHeader>
  /** Where they are those of one transaction. */
  readonly transaction?: TransactionRef
}

/** Not beyond `head`: what readers do not see yet cannot be taken back. */
export async function findTarget(deps: TargetDeps, target: RevertTarget, head: number): Promise<Found> {
  if (typeof target === 'string') return findTransaction(deps, orThrow(parseTransactionId(target)), head)
  if ('transaction' in target)
    return onlyOf(await findTransaction(deps, orThrow(parseTransactionId(target.transaction)), head), target.only)
  if ('transactions' in target) return findTransactions(deps, target.transactions, head)
  if ('request' in target) return findTransaction(deps, await refOfRequest(deps, target.request), head)
  const { from = 1, to = head } = target
  if (!Number.isSafeInteger(from) || from < 1 || !Number.isSafeInteger(to) || to < from)
    throw invalid('commits', 'a range goes from a commit number to the same or a higher one, from 1')
  if ('correlation' in target && typeof target.correlation !== 'string')
    throw invalid('correlation', 'a text is needed')
  const accept = 'correlation' in target ? (t: TransactionHeader) => t.correlation === target.correlation : undefined
  return { events: await eventsBetween(deps, from, Math.min(to, head), accept) }
}

async function findTransaction(deps: TargetDeps, ref: TransactionRef, head: number): Promise<Found> {
  const opened = ref.seq >= 1 && ref.seq <= head ? await deps.log.open(ref.seq) : undefined
  const found = opened?.commit.header.transactions[ref.transaction]
  if (found !== undefined) return { events: found.events, transaction: ref }
  throw invalid('transaction', `${deps.log.name} has no transaction ${ref.seq}-${ref.transaction}`)
}

function onlyOf(found: Found, only: ReadonlyArray<ResourceRef> | undefined): Found {
  if (only === undefined) return found
  const keys = new Set(only.map(refKey))
  return { ...found, events: found.events.filter((event) => keys.has(refKey(event))) }
}

/** In log order, each once, in whatever order they are named. */
async function findTransactions(deps: TargetDeps, ids: ReadonlyArray<string>, head: number): Promise<Found> {
  const { limits } = deps
  if (ids.length === 0) throw invalid('transactions', 'name at least one')
  if (ids.length > limits.maxTransactionOperations) throw tooMany(limits, ids.length)
  const refs = [...new Set(ids)].map((id) => orThrow(parseTransactionId(id)))
  refs.sort((a, b) => a.seq - b.seq || a.transaction - b.transaction)
  const found = await mapBounded(refs, limits.concurrency, (ref) => findTransaction(deps, ref, head))
  const events = found.flatMap((each) => each.events)
  if (events.length > limits.maxTransactionOperations) throw tooMany(limits, events.length)
  return refs.length === 1 ? (found[0] as Found) : { events }
}

async function refOfRequest({ pointers, log }: TargetDeps, request: string): Promise<TransactionRef> {
  const item = await run(pointers.get(requestPk(log, sha256(request)), requestSk))
  if (item !== undefined) return receiptFromItem(item)
  throw invalid('request', 'no transaction of the last 24 hours has this request key; name the transaction itself')
}

/** The events of the commits from one to another, of the transactions that are accepted. */
export async function eventsBetween(
  { log, limits }: TargetDeps,
  from: number,
  to: number,
  accept: (transaction: TransactionHeader) => boolean = () => true,
): Promise<EventHeader[]> {
  const events: EventHeader[] = []
  if (from > to) return events
  for await (const { commit } of log.follow(await linkAt(log, from - 1), { to })) {
    for (const transaction of commit.header.transactions) if (accept(transaction)) events.push(...transaction.events)
    // More than one commit can hold has to be taken back piece by piece.
    if (events.length > limits.maxTransactionOperations) throw tooMany(limits, events.length)
  }
  return events
}

async function linkAt(log: LogReader, seq: number): Promise<ChainLink> {
  if (seq === 0) return origin
  const opened = await log.open(seq)
  if (opened === undefined) throw missingCommit(log, seq)
  return opened.commit
}

const tooMany = (limits: Limits, actual: number) =>
  annalsError('LimitExceeded', {
    what: 'what is taken back at once',
    limit: limits.maxTransactionOperations,
    actual,
    unit: 'events',
  })

const invalid = (what: string, problem: string) => annalsError('InvalidInput', { what, problem })
