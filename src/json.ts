/** Versions and commits as JSON, for streams and files. Bodies go into it byte for byte as they are stored: nothing here parses one. */
import { Buffer } from 'node:buffer'
import { formatPosition } from '../domain/position.js'
import type { CommitView, ResourceVersion } from './api.js'

/** One version, its body as the last member. */
export function versionJson({ body, ...version }: ResourceVersion): Uint8Array {
  const text = JSON.stringify(fieldsOf(version))
  if (body === undefined) return Buffer.from(text)
  return Buffer.concat([Buffer.from(`${text.slice(0, -1)},"body":`), body, Buffer.from('}')])
}

function fieldsOf(version: Omit<ResourceVersion, 'body'>): object {
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
export const commitJson = (commit: CommitView): Uint8Array => Buffer.concat([...commitPieces(commit)])

/** The same piece by piece, so that a large commit need not be there twice. */
export function* commitPieces({ transactions, ...fields }: CommitView): Generator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify(fields).slice(0, -1)},"transactions":[`)
  for (const [i, { events, ...transaction }] of transactions.entries()) {
    yield Buffer.from(`${i === 0 ? '' : ','}${JSON.stringify(transaction).slice(0, -1)},"events":[`)
    for (const [j, event] of events.entries()) {
      if (j > 0) yield comma
      yield versionJson(event)
    }
    yield closing
  }
  yield closing
}

const comma = Buffer.from(',')
const closing = Buffer.from(']}')
