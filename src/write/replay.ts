/** Answers a request again from the commit that it produced. */

import { type Commit, eventsOf, sha256 } from '../../domain/commit.js'
import type { Operation, Transaction } from '../../domain/decide.js'
import { documentBytes } from '../../domain/document.js'
import { annalsError } from '../../domain/error.js'
import type { EventHeader, TransactionHeader } from '../../domain/header.js'
import { formatInstant } from '../../domain/instant.js'
import type { Receipt } from '../../domain/pointer.js'
import { refKey } from '../../domain/resource.js'
import type { LogReader } from '../read/log-reader.js'
import type { Reader } from '../read/reader.js'
import { stampOf } from './encode.js'
import type { TransactionResult, WriteResult } from './result.js'

export async function replay(
  log: LogReader,
  reader: Reader,
  receipt: Receipt,
  transaction: Transaction,
): Promise<TransactionResult> {
  const opened = await log.open(receipt.seq)
  const header = opened?.commit.header.transactions[receipt.transaction]
  if (opened === undefined || header === undefined)
    throw annalsError('LogMismatch', {
      log: log.name,
      seq: receipt.seq,
      problem: 'a request receipt points there in vain',
    })
  const { commit } = opened
  const { at, transactions } = commit.header
  const first = firstIndex(transactions, receipt.transaction)
  let next = 0
  const results: WriteResult[] = []
  for (const operation of transaction.operations) {
    const event = header.events[next]
    if (event === undefined || !made(operation, event, at)) {
      results.push(await unchanged(reader, operation, commit, first + next))
      continue
    }
    const { type, id, version, op } = event
    const position = { partition: log.partition, seq: commit.seq, index: first + next }
    results.push({ type, id, version, changed: true, op, at, position })
    next++
  }
  return { id: header.id, at, replayed: true, results }
}

const firstIndex = (transactions: ReadonlyArray<TransactionHeader>, place: number): number =>
  transactions.slice(0, place).reduce((sum, { events }) => sum + events.length, 0)

/**
 * Whether an event is what became of an operation, rather than of a later one. An id that the store assigned is a new one
 * on every try. A put that writes only changes may have written nothing, and then the next event has another body.
 */
function made(operation: Operation, event: EventHeader, at: string): boolean {
  const { type, id, op } = event
  if (type !== operation.type || (op === 'delete') !== (operation.kind === 'delete')) return false
  if (operation.kind === 'delete') return id === operation.id
  if (operation.idAssigned) return true
  if (id !== operation.id || !operation.onlyIfChanged) return id === operation.id
  return sha256(documentBytes(operation.body, stampOf(event, at))) === event.sha256
}

/** The version that stood when the operation's turn came: before the event at `place`, and before all that follow it. */
async function unchanged(reader: Reader, operation: Operation, commit: Commit, place: number): Promise<WriteResult> {
  const { type, id } = operation
  const key = refKey(operation)
  const following = [...eventsOf(commit)].find(({ event, index }) => index >= place && refKey(event) === key)
  const pointer =
    following === undefined
      ? await reader.versionWithin(operation, { seq: commit.seq })
      : await reader.version(operation, following.event.version - 1)
  if (pointer === undefined) return { type, id, version: 0, changed: false }
  const { partition, seq, index, version } = pointer
  return { type, id, version, changed: false, at: formatInstant(pointer.at), position: { partition, seq, index } }
}
