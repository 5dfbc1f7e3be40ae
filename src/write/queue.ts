/** The bounded queue of waiting transactions, and the promise that each caller holds. */
import * as E from 'fp-ts/lib/Either.js'
import type { Transaction } from '../../domain/decide.js'
import { documentSize } from '../../domain/document.js'
import { type AnnalsError, annalsError } from '../../domain/error.js'
import type { Clock } from '../../domain/ports/index.js'
import type { Limits } from '../limits.js'
import type { TransactionResult } from './result.js'

export type Settled = E.Either<AnnalsError, TransactionResult>

export interface Waiting {
  readonly transaction: Transaction
  /** Bytes of its bodies. */
  readonly bytes: number
  /** Microseconds since 1970: after it the caller is told what is known, whatever that is. */
  readonly deadline: number
  readonly settled: boolean
  /** Answers the caller, once; later answers are ignored. */
  settle(result: Settled): void
  /** A defect: the caller's promise is rejected. */
  fail(defect: unknown): void
}

export interface Queue {
  readonly length: number
  /** Of the bodies that wait. */
  readonly bytes: number
  /** A second transaction with the request key of one that is still under way gets that one's answer. */
  add(transaction: Transaction, deadline: number): Promise<Settled>
  /** The next batch: as many transactions as fit into a commit, and at least one. */
  take(): Waiting[]
  /** Answers those whose deadline has passed, and drops them: they were certainly not written. */
  expire(cause: AnnalsError): void
}

export function makeQueue(limits: Limits, clock: Clock): Queue {
  let waiting: Entry[] = []
  let first = 0
  let bytes = 0
  const active = new Map<string, Entry>()

  function add(transaction: Transaction, deadline: number): Promise<Settled> {
    const { request } = transaction
    const earlier = request && active.get(request.key)
    if (earlier !== undefined) return join(earlier, transaction)
    const size = bytesOf(transaction)
    const full = waiting.length - first >= limits.maxQueuedTransactions || bytes + size > limits.maxQueuedBytes
    if (full && waiting.length > first)
      return Promise.resolve(E.left(unavailable('the queue of waiting writes is full')))
    const entry = new Entry(transaction, size, deadline)
    waiting.push(entry)
    bytes += size
    if (request !== undefined) {
      active.set(request.key, entry)
      void entry.result.then(
        () => active.delete(request.key),
        () => active.delete(request.key),
      )
    }
    return entry.result
  }

  function join(earlier: Entry, { request }: Transaction): Promise<Settled> {
    if (request?.digest !== earlier.transaction.request?.digest)
      return Promise.resolve(E.left(annalsError('RequestKeyReused', { position: 'a write that is still under way' })))
    return earlier.result.then(E.map((result) => ({ ...result, replayed: true })))
  }

  function take(): Waiting[] {
    const batch: Entry[] = []
    let events = 0
    let size = 0
    for (; first < waiting.length; first++) {
      const entry = waiting[first] as Entry
      events += entry.transaction.operations.length
      size += entry.bytes
      if (batch.length > 0 && (events > limits.maxCommitEvents || size > limits.maxCommitBytes)) break
      bytes -= entry.bytes
      if (!entry.settled) batch.push(entry)
    }
    if (first === waiting.length || first > 4096) {
      waiting = waiting.slice(first)
      first = 0
    }
    return batch
  }

  function expire(cause: AnnalsError): void {
    const now = clock.now()
    const error = E.left(unavailable(cause.message))
    for (let i = first; i < waiting.length; i++) {
      const entry = waiting[i] as Entry
      if (entry.deadline <= now) entry.settle(error)
    }
  }

  return {
    get length() {
      return waiting.length - first
    },
    get bytes() {
      return bytes
    },
    add,
    take,
    expire,
  }
}

class Entry implements Waiting {
  settled = false
  readonly result: Promise<Settled>
  private resolve!: (result: Settled) => void
  private reject!: (defect: unknown) => void

  constructor(
    readonly transaction: Transaction,
    readonly bytes: number,
    readonly deadline: number,
  ) {
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  settle(result: Settled): void {
    this.settled = true
    this.resolve(result)
  }

  fail(defect: unknown): void {
    this.settled = true
    this.reject(defect)
  }
}

function bytesOf(transaction: Transaction): number {
  let total = 0
  for (const operation of transaction.operations) if (operation.kind === 'put') total += documentSize(operation.body)
  return total
}

const unavailable = (cause: string): AnnalsError =>
  annalsError('Unavailable', { operation: 'write', key: 'log', cause })
