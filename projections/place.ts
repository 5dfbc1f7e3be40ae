/** Places in a log: their order, and their text for projections that keep their place themselves. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { origin } from '../domain/commit.js'
import { type AnnalsError, annalsError } from '../domain/error.js'
import type { Position } from '../domain/position.js'
import type { Place } from './projection.js'

export const beginning: Place = { ...origin, done: 0 }

export const comparePlaces = (a: Place, b: Place): number => a.seq - b.seq || a.done - b.done

/** Whether the event at a position is done. */
export const passes = ({ seq, done }: Place, position: Position): boolean =>
  seq >= position.seq || (seq === position.seq - 1 && done > position.index)

const isCount = (u: unknown): u is number => typeof u === 'number' && Number.isSafeInteger(u) && u >= 0
const Count = new t.Type<number>('Count', isCount, (u, c) => (isCount(u) ? t.success(u) : t.failure(u, c)), t.identity)

const PlaceCodec = t.type({ seq: Count, hash: t.string, at: Count, done: Count })

export const encodePlace = ({ seq, hash, at, done }: Place): string => JSON.stringify({ seq, hash, at, done })

export function decodePlace(text: string): E.Either<AnnalsError, Place> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    parsed = undefined
  }
  const decoded = PlaceCodec.decode(parsed)
  if (E.isRight(decoded)) return decoded
  return E.left(
    annalsError('InvalidInput', {
      what: 'checkpoint',
      problem: 'it was not made by this store; keep it as it was given',
    }),
  )
}
