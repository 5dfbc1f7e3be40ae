/**
 * JSON Merge Patch (RFC 7396) on the bytes of a document: a member that the patch does not name keeps every byte, spaces included, and
 * a value that it brings goes in as it was sent.
 */
import * as E from 'fp-ts/lib/Either.js'
import { isObjectAt, membersOf, type Span, scanBody } from '../body/index.js'
import { type AnnalsError, annalsError } from '../error.js'
import { skipSpace } from './edit.js'

/** A value in the bytes that it stands in. */
interface Value extends Span {
  readonly bytes: Uint8Array
}

const emptyObject: Value = { bytes: Buffer.from('{}'), start: 0, end: 2 }

/** `what` names the patch in errors. `maxBytes`: of the patched document. */
export function applyMergePatch(
  what: string,
  patch: Uint8Array,
  document: Uint8Array,
  maxBytes: number,
): E.Either<AnnalsError, Uint8Array> {
  const scanned = scanBody(patch)
  if (E.isLeft(scanned)) return scanned
  const merged = Buffer.concat(mergedInto(rootOf(document), rootOf(patch)))
  if (merged.length <= maxBytes) return E.right(merged)
  return E.left(annalsError('LimitExceeded', { what, limit: maxBytes, actual: merged.length, unit: 'bytes' }))
}

const rootOf = (bytes: Uint8Array): Value => ({ bytes, start: skipSpace(bytes, 0), end: bytes.length })

/** The pieces of what a value becomes. */
function mergedInto(target: Value, patch: Value): Uint8Array[] {
  if (!isObjectAt(patch.bytes, patch.start)) return [bytesOf(patch)]
  if (!isObjectAt(target.bytes, target.start)) return mergedInto(emptyObject, patch)
  const changes = new Map([...membersOf(patch.bytes, patch.start)].map((member) => [member.name, member]))
  const segments: Uint8Array[][] = []
  const { bytes } = target
  let from = target.start + 1
  for (const member of membersOf(bytes, target.start)) {
    // The comma behind it, or the end of the object.
    const to = skipSpace(bytes, member.end)
    const change = changes.get(member.name)
    if (change === undefined) segments.push([bytes.subarray(from, to)])
    else if (!isNullAt(patch.bytes, change)) {
      const value = mergedInto({ bytes, ...member }, { bytes: patch.bytes, ...change })
      segments.push([bytes.subarray(from, member.start), ...value, bytes.subarray(member.end, to)])
    }
    changes.delete(member.name)
    from = to + 1
  }
  for (const [name, change] of changes)
    if (!isNullAt(patch.bytes, change)) {
      const value = mergedInto(emptyObject, { bytes: patch.bytes, ...change })
      segments.push([Buffer.from(`${JSON.stringify(name)}:`), ...value])
    }
  const joined = segments.flatMap((segment, place) => (place === 0 ? segment : [Buffer.from(','), ...segment]))
  return [Buffer.from('{'), ...joined, Buffer.from('}')]
}

const isNullAt = (bytes: Uint8Array, { start }: Span): boolean => bytes[start] === 0x6e

const bytesOf = ({ bytes, start, end }: Value): Uint8Array => bytes.subarray(start, end)
