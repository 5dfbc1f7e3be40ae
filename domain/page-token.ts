/**
 * Opaque tokens that say where the next page of a query starts.
 *
 * A token is bound to the query that made it: it carries the position and a short digest of both. The digest finds
 * mistakes (another query's token, a truncated one); it is no secret, so a reader of a token still has to keep the
 * position inside the bounds of its query.
 */
import { createHash } from 'node:crypto'
import type { Either } from 'fp-ts/lib/Either.js'
import { left, right } from 'fp-ts/lib/Either.js'
import { type AnnalsError, annalsError } from './error.js'

const digestBytes = 9

/** `query` is what the token must agree with, spelled in one canonical way; `position` is where the next page starts. */
export const pageToken = (query: string, position: string): string =>
  Buffer.concat([digest(query, position), Buffer.from(position, 'utf8')]).toString('base64url')

/** The position of a token, if this query made it. */
export function readPageToken(query: string, token: string): Either<AnnalsError, string> {
  const bytes = Buffer.from(token, 'base64url')
  // Decoding skips what is not base64: only a token that encodes back to itself is one that we made.
  if (bytes.length < digestBytes || bytes.toString('base64url') !== token) return refused('it is damaged')
  const position = bytes.toString('utf8', digestBytes)
  if (!digest(query, position).equals(bytes.subarray(0, digestBytes))) return refused('it belongs to another query')
  return right(position)
}

const digest = (query: string, position: string): Buffer =>
  createHash('sha256').update(`${query.length}:`).update(query).update(position).digest().subarray(0, digestBytes)

const refused = (problem: string): Either<AnnalsError, never> =>
  left(
    annalsError('InvalidInput', {
      what: 'page token',
      problem: `${problem}; use it unchanged and with the query that it came from, or start from the first page`,
    }),
  )
