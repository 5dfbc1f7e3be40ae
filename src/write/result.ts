/** What a caller hears of a write. */
import * as E from 'fp-ts/lib/Either.js'
import type { Decision, Effect } from '../../domain/decide.js'
import { type AnnalsError, annalsError } from '../../domain/error.js'
import type { Op } from '../../domain/header.js'
import { formatInstant } from '../../domain/instant.js'
import type { Position } from '../../domain/position.js'

export interface TransactionResult {
  /** `{seq}-{index}` of the transaction in its log; absent when nothing had to be written. */
  readonly id?: string
  /** The commit's instant; absent when nothing had to be written. */
  readonly at?: string
  /** The answer of an earlier call with the same request key. */
  readonly replayed: boolean
  /** One for each operation, in the order of the call. */
  readonly results: ReadonlyArray<WriteResult>
}

export interface WriteResult {
  readonly type: string
  readonly id: string
  /** The resource's version after the operation; 0 when it does not exist. */
  readonly version: number
  /** Whether this operation wrote a version event. */
  readonly changed: boolean
  readonly op?: Op
  /** Of a compensating event: the version whose state it brought back (0: none). */
  readonly restores?: number
  /** When and where that version was written; absent when the resource does not exist. */
  readonly at?: string
  readonly position?: Position
}

/** The answer to a transaction decided for the commit at `commit`. `place`: its index there, if it has events. */
export function resultOf(
  decision: Decision,
  commit: { readonly seq: number; readonly at: number },
  partition: number,
  place: number | undefined,
): E.Either<AnnalsError, TransactionResult> {
  if (decision.kind !== 'accepted') return E.left(refusal(decision))
  const at = formatInstant(commit.at)
  const results = decision.effects.map((effect) => effectResult(effect, commit.seq, at, partition))
  return E.right(
    place === undefined ? { replayed: false, results } : { id: `${commit.seq}-${place}`, at, replayed: false, results },
  )
}

/** Why nothing was written. */
export const refusal = (decision: Exclude<Decision, { kind: 'accepted' }>): AnnalsError =>
  decision.kind === 'rejected'
    ? annalsError('Conflict', { conflicts: decision.conflicts })
    : annalsError('Contended', { what: 'the transaction', plans: 1 })

function effectResult(effect: Effect, seq: number, at: string, partition: number): WriteResult {
  if (effect.changed) {
    const { type, id, version, op, restores } = effect.event
    const position = { partition, seq, index: effect.index }
    return {
      type,
      id,
      version,
      changed: true,
      op,
      at,
      position,
      ...(restores === undefined ? undefined : { restores }),
    }
  }
  const { type, id, current } = effect
  if (current === undefined) return { type, id, version: 0, changed: false }
  const position = { partition, seq: current.seq, index: current.index }
  return { type, id, version: current.version, changed: false, at: formatInstant(current.at), position }
}
