/** Version pointers and bodies as the public interface shows them. */
import { formatInstant } from '../domain/instant.js'
import type { VersionPointer } from '../domain/pointer.js'
import type { ResourceVersion } from './api.js'

/** `body` becomes the caller's own: pass a copy of what is shared. */
export function resourceVersion(pointer: VersionPointer, body: Uint8Array | undefined): ResourceVersion {
  const { type, id, version, op, method, partition, seq, index, transaction, actor, reason, length } = pointer
  const { restores, compensates } = pointer
  return {
    type,
    id,
    version,
    op,
    method,
    deleted: op === 'delete',
    at: formatInstant(pointer.at),
    position: { partition, seq, index },
    transaction: `${seq}-${transaction}`,
    ...(actor === undefined ? undefined : { actor }),
    ...(reason === undefined ? undefined : { reason }),
    ...(restores === undefined ? undefined : { restores }),
    ...(compensates === undefined ? undefined : { compensates }),
    ...(length === undefined ? undefined : { length }),
    ...(body === undefined ? undefined : { body }),
    text: () => textOf(pointer, body),
    json: <T>() => JSON.parse(textOf(pointer, body)) as T,
  }
}

function textOf({ type, id, version }: VersionPointer, body: Uint8Array | undefined): string {
  if (body !== undefined) return Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')
  throw new TypeError(`${type}/${id} version ${version} has no body here: it is a deletion, or was read without bodies`)
}
