/** Answers a request again from the commit that it produced. */
import { annalsError } from '../../domain/error.js'
import type { TransactionHeader, UnchangedOperation } from '../../domain/header.js'
import { formatInstant } from '../../domain/instant.js'
import type { Receipt } from '../../domain/pointer.js'
import type { LogReader } from '../read/log-reader.js'
import type { Reader } from '../read/reader.js'
import type { TransactionResult, WriteResult } from './result.js'

export async function replay(log: LogReader, reader: Reader, receipt: Receipt): Promise<TransactionResult> {
  const opened = await log.open(receipt.seq)
  const header = opened?.commit.header.transactions[receipt.transaction]
  if (opened === undefined || header === undefined)
    throw annalsError('LogMismatch', {
      log: log.name,
      seq: receipt.seq,
      problem: 'a request receipt points there in vain',
    })
  const { seq, header: commit } = opened.commit
  const first = firstIndex(commit.transactions, receipt.transaction)
  const unchanged = new Map((header.unchanged ?? []).map((each) => [each.operation, each]))
  const results: WriteResult[] = []
  let next = 0
  for (let operation = 0; operation < header.events.length + unchanged.size; operation++) {
    const stayed = unchanged.get(operation)
    const event = header.events[next]
    if (stayed !== undefined) results.push(await unchangedResult(reader, stayed))
    else if (event !== undefined) {
      const { type, id, version, op, restores } = event
      const position = { partition: log.partition, seq, index: first + next++ }
      results.push({ type, id, version, changed: true, op, at: commit.at, position, ...restoring(restores) })
    }
  }
  return { id: header.id, at: commit.at, replayed: true, results }
}

const restoring = (restores: number | undefined): { restores?: number } | undefined =>
  restores === undefined ? undefined : { restores }

const firstIndex = (transactions: ReadonlyArray<TransactionHeader>, place: number): number =>
  transactions.slice(0, place).reduce((sum, { events }) => sum + events.length, 0)

async function unchangedResult(reader: Reader, { type, id, version }: UnchangedOperation): Promise<WriteResult> {
  const pointer = version === 0 ? undefined : await reader.version({ type, id }, version)
  if (pointer === undefined) return { type, id, version, changed: false }
  const { partition, seq, index, at } = pointer
  return { type, id, version, changed: false, at: formatInstant(at), position: { partition, seq, index } }
}
