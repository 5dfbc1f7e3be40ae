/**
 * One document of the object model: the event's metadata, and last, under `resource`, the body byte for byte as it is
 * stored. A deletion has no resource. All four objects of an event are this one document.
 */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { formatInstant } from '../../domain/instant.js'
import type { VersionPointer } from '../../domain/pointer.js'
import { formatPosition, type Position, parsePosition } from '../../domain/position.js'

const beforeResource = Buffer.from(',"resource":')
const end = Buffer.from('}')

export function objectDocument(pointer: VersionPointer, body: Uint8Array | undefined): Uint8Array {
  const { type, id, version, op, method, at, seq, transaction, actor, reason, sha256 } = pointer
  const { restores, compensates } = pointer
  const position = formatPosition(pointer)
  const metadata = {
    type,
    id,
    version,
    op,
    method,
    at: formatInstant(at),
    position,
    transaction: `${seq}-${transaction}`,
  }
  const text = JSON.stringify({ ...metadata, actor, reason, restores, compensates, sha256 })
  if (body === undefined) return Buffer.from(text)
  return Buffer.concat([Buffer.from(text.slice(0, -1)), beforeResource, body, end])
}

const Metadata = t.type({ version: t.number, position: t.string })

/** Where the event of a document stands; `undefined` for what is no such document. The body is not looked at. */
export function positionOf(document: Uint8Array): Position | undefined {
  const bytes = Buffer.from(document.buffer, document.byteOffset, document.length)
  // A quote inside a text is escaped, so this can stand nowhere before the resource.
  const cut = bytes.indexOf(beforeResource)
  try {
    const decoded = Metadata.decode(JSON.parse(cut < 0 ? bytes.toString() : `${bytes.toString('utf8', 0, cut)}}`))
    const position = E.isRight(decoded) ? parsePosition(decoded.right.position) : decoded
    return E.isRight(position) ? position.right : undefined
  } catch {
    return undefined
  }
}
