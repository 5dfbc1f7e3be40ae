/** JSON for programs. Bodies go into it byte for byte as they are stored: nothing here parses one. */
import { Buffer } from 'node:buffer'
import { type CommitView, formatPosition, type ResourceVersion, type TransactionResult } from '../index.js'

/** `fields` as JSON, with `body` spliced in as its last member. */
export function withBody(fields: object, body: Uint8Array | undefined): Uint8Array {
  const text = JSON.stringify(fields)
  if (body === undefined) return Buffer.from(text)
  const lead = text === '{}' ? '{"body":' : `${text.slice(0, -1)},"body":`
  return Buffer.concat([Buffer.from(lead), body, Buffer.from('}')])
}

export const versionJson = (version: ResourceVersion): Uint8Array => withBody(versionFields(version), version.body)

function versionFields(version: ResourceVersion): object {
  const { type, id, op, method, deleted, at, position, transaction, actor, reason, length } = version
  const { restores, compensates } = version
  return {
    type,
    id,
    version: version.version,
    op,
    method,
    deleted,
    at,
    position: formatPosition(position),
    transaction,
    actor,
    reason,
    restores,
    compensates,
    length,
  }
}

/** One commit on one line, with its transactions and their events. */
export function commitJson(commit: CommitView): Uint8Array {
  const { transactions, ...fields } = commit
  const parts: Uint8Array[] = [Buffer.from(`${JSON.stringify(fields).slice(0, -1)},"transactions":[`)]
  transactions.forEach(({ events, ...transaction }, i) => {
    parts.push(Buffer.from(`${i === 0 ? '' : ','}${JSON.stringify(transaction).slice(0, -1)},"events":[`))
    events.forEach((event, j) => {
      if (j > 0) parts.push(comma)
      parts.push(versionJson(event))
    })
    parts.push(Buffer.from(']}'))
  })
  parts.push(Buffer.from(']}'))
  return Buffer.concat(parts)
}

/** What became of a transaction. */
export function transactionJson({ id: transaction, at, replayed, results }: TransactionResult): string {
  const shown = results.map(({ type, id, version, changed, op, restores }) => ({
    type,
    id,
    version,
    changed,
    op,
    restores,
  }))
  return JSON.stringify({ transaction, at, replayed, results: shown })
}

export const comma = Buffer.from(',')
