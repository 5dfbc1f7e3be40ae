/** Where a version event stands: which log, which commit, which event of it. */
import * as E from 'fp-ts/lib/Either.js'
import { type AnnalsError, annalsError } from './error.js'

export interface Position {
  readonly partition: number
  /** The commit's number, from 1. */
  readonly seq: number
  /** The event's index in the commit, over all its transactions, from 0. */
  readonly index: number
}

/** `0-17-3`: partition, commit, event. */
export const formatPosition = (p: Position): string => `${p.partition}-${p.seq}-${p.index}`

export function parsePosition(text: string): E.Either<AnnalsError, Position> {
  const match = /^(\d{1,4})-(\d{1,15})-(\d{1,8})$/.exec(text)
  if (match === null)
    return E.left(
      annalsError('InvalidInput', {
        what: 'position',
        problem: `'${text.slice(0, 64)}' is no position; write {partition}-{commit}-{event}, such as 0-17-3`,
      }),
    )
  return E.right({ partition: Number(match[1]), seq: Number(match[2]), index: Number(match[3]) })
}
