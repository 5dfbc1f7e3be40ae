/** Turns decided events into the bytes of a commit: stamps, hashes and lays out the bodies, then writes the header. */

import type { Stamp } from '../../domain/body/index.js'
import { type ChainLink, type Commit, commitFormat, encodeCommit, sha256 } from '../../domain/commit.js'
import { type DecidedEvent, type Effect, type Transaction, unchangedOperations } from '../../domain/decide.js'
import { documentBytes, documentLength, writeDocument } from '../../domain/document.js'
import type { CommitHeader, EventHeader, TransactionHeader } from '../../domain/header.js'
import { formatInstant } from '../../domain/instant.js'

export interface CommitParts {
  readonly log: string
  readonly head: ChainLink
  readonly id: string
  readonly writer: string
  /** Microseconds since 1970. */
  readonly at: number
  readonly transactions: ReadonlyArray<{
    readonly transaction: Transaction
    readonly events: ReadonlyArray<DecidedEvent>
    readonly effects: ReadonlyArray<Effect>
  }>
  readonly maxInlineBytes: number
}

export interface EncodedCommit {
  readonly bytes: Buffer
  readonly commit: Commit
  /** Bodies too large for the commit, by hash. They have to be stored before it. */
  readonly blobs: ReadonlyMap<string, Uint8Array>
}

export function encodeBatch(parts: CommitParts): EncodedCommit {
  const { head, transactions, maxInlineBytes } = parts
  const at = formatInstant(parts.at)
  const seq = head.seq + 1
  const bodies = Buffer.allocUnsafe(inlineLength(parts, at))
  const blobs = new Map<string, Uint8Array>()
  let end = 0

  const eventHeader = (event: DecidedEvent): EventHeader => {
    const { type, id, version, op, method, prev, restores, keyed, keys } = event
    const body = placeBody(event)
    return {
      type,
      id,
      version,
      op,
      method,
      ...body,
      ...(prev === undefined ? undefined : { prev }),
      ...(restores === undefined ? undefined : { restores }),
      ...(keyed === undefined ? undefined : { keyed }),
      ...(keys === undefined ? undefined : { keys }),
    }
  }

  const placeBody = (event: DecidedEvent): Partial<EventHeader> | undefined => {
    if (event.body === undefined) return undefined
    const stamp = stampOf(event, at)
    const length = documentLength(event.body, stamp)
    if (length > maxInlineBytes) {
      const bytes = documentBytes(event.body, stamp)
      const hash = sha256(bytes)
      blobs.set(hash, bytes)
      return { length, sha256: hash, blob: hash }
    }
    const offset = end
    end = writeDocument(event.body, stamp, bodies, offset)
    const hash = sha256(bodies.subarray(offset, end))
    bodies[end++] = newline
    return { offset, length, sha256: hash }
  }

  const header: CommitHeader = {
    format: commitFormat,
    log: parts.log,
    seq,
    id: parts.id,
    writer: parts.writer,
    at,
    prev: head.hash,
    transactions: transactions.map(({ transaction, events, effects }, index) => ({
      ...transactionHeader(transaction, `${seq}-${index}`, effects),
      events: events.map(eventHeader),
    })),
  }
  return { ...encodeCommit(header, bodies), blobs }
}

const newline = 10

function transactionHeader(
  transaction: Transaction,
  id: string,
  effects: ReadonlyArray<Effect>,
): Omit<TransactionHeader, 'events'> {
  const { request, actor, reason, correlation, causation, compensates } = transaction
  const unchanged = request === undefined ? [] : unchangedOperations(effects)
  return {
    id,
    ...(request === undefined ? undefined : { request: request.key, requestDigest: request.digest }),
    ...(actor === undefined ? undefined : { actor }),
    ...(reason === undefined ? undefined : { reason }),
    ...(correlation === undefined ? undefined : { correlation }),
    ...(causation === undefined ? undefined : { causation }),
    ...(compensates === undefined ? undefined : { compensates }),
    ...(unchanged.length === 0 ? undefined : { unchanged }),
  }
}

/** The bytes of all bodies that stay in the commit, newlines included. */
function inlineLength(parts: CommitParts, at: string): number {
  let total = 0
  for (const { events } of parts.transactions)
    for (const event of events) {
      if (event.body === undefined) continue
      const length = documentLength(event.body, stampOf(event, at))
      if (length <= parts.maxInlineBytes) total += length + 1
    }
  return total
}

/** What the server sets in a body. */
export const stampOf = ({ id, version }: { readonly id: string; readonly version: number }, at: string): Stamp => ({
  id,
  versionId: String(version),
  lastUpdated: at,
})
