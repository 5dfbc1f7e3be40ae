/**
 * History cursors: where a page ends, what it may see, and of which history it is.
 *
 * A cursor carries the bound of the first page, so that pages never repeat or skip an entry while others write.
 */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { type AnnalsError, annalsError } from './error.js'

export type HistoryOrder = 'newest-first' | 'oldest-first'

const CursorCodec = t.intersection([
  t.type({
    /** The history it belongs to: `system`, `type/{type}`, `instance/{type}/{id}`. */
    scope: t.string,
    /** The last commit that the pages may see. */
    seq: t.refinement(t.number, (seq) => Number.isSafeInteger(seq) && seq >= 0),
    /** The entry after which the next page begins, in the terms of its history. */
    after: t.string,
  }),
  t.partial({
    /** Microseconds since 1970: nothing later is seen. */
    at: t.number,
    /** Microseconds since 1970: nothing earlier is seen. */
    since: t.number,
    /** Microseconds since 1970: of what is earlier, only what was current then is seen. */
    from: t.number,
    /** Newest first, unless it says otherwise. */
    order: t.literal('oldest-first'),
  }),
])

export type Cursor = t.TypeOf<typeof CursorCodec>

export const encodeCursor = (cursor: Cursor): string => Buffer.from(JSON.stringify(cursor)).toString('base64url')

export function decodeCursor(text: string, scope: string): E.Either<AnnalsError, Cursor> {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    return invalid('it was not made by this store')
  }
  const decoded = CursorCodec.decode(parsed)
  if (E.isLeft(decoded)) return invalid('it was not made by this store')
  if (decoded.right.scope !== scope) return invalid(`it belongs to another history than ${scope}`)
  return E.right(decoded.right)
}

const invalid = (problem: string): E.Either<AnnalsError, never> =>
  E.left(annalsError('InvalidInput', { what: 'cursor', problem }))
