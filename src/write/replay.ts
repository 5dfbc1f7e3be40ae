/** Answers a request again from the commit that it produced. */

import type { Operation, Transaction } from '../../domain/decide.js'
import { annalsError } from '../../domain/error.js'
import type { TransactionHeader } from '../../domain/header.js'
import { formatInstant } from '../../domain/instant.js'
import type { Receipt } from '../../domain/pointer.js'
import type { LogReader } from '../read/log-reader.js'
import type { Reader } from '../read/reader.js'
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
  const { at } = opened.commit.header
  const index = firstIndex(opened.commit.header.transactions, receipt.transaction)
  const { partition } = log
  let next = 0
  const results: WriteResult[] = []
  for (const operation of transaction.operations) {
    const event = header.events[next]
    if (event === undefined || !answers(event, operation)) {
      results.push(await unchanged(reader, operation, receipt.seq))
      continue
    }
    const { type, id, version, op } = event
    results.push({
      type,
      id,
      version,
      changed: true,
      op,
      at,
      position: { partition, seq: receipt.seq, index: index + next },
    })
    next++
  }
  return { id: header.id, at, replayed: true, results }
}

const firstIndex = (transactions: ReadonlyArray<TransactionHeader>, place: number): number =>
  transactions.slice(0, place).reduce((sum, { events }) => sum + events.length, 0)

/** An id that the store assigned is a new one on every try, so such an operation goes by its place alone. */
const answers = (event: TransactionHeader['events'][number], operation: Operation): boolean =>
  event.type === operation.type &&
  (event.id === operation.id || (operation.kind === 'put' && operation.idAssigned)) &&
  (event.op === 'delete') === (operation.kind === 'delete')

async function unchanged(reader: Reader, operation: Operation, seq: number): Promise<WriteResult> {
  const { type, id } = operation
  const pointer = await reader.versionWithin(operation, { seq })
  if (pointer === undefined) return { type, id, version: 0, changed: false }
  const { partition, index, version } = pointer
  return {
    type,
    id,
    version,
    changed: false,
    at: formatInstant(pointer.at),
    position: { partition, seq: pointer.seq, index },
  }
}
