/** Histories for tests of projections: given by hand, or generated from a seed. */
import { formatInstant } from '../../../domain/instant.js'
import type { Kind } from '../../../domain/resource.js'
import type { BodyInput, OperationInput } from '../../api.js'
import type { Random } from './random.js'

/** One commit: an operation, several of them, or either with who did it, why, and at which instant. */
export type GivenTransaction = OperationInput | ReadonlyArray<OperationInput> | SignedTransaction

export interface SignedTransaction {
  readonly operations: ReadonlyArray<OperationInput>
  readonly actor?: string
  readonly reason?: string
  /** Default: a second after the one before. The first is at the beginning of 2026. */
  readonly at?: string
}

/** Oldest first. */
export type History = ReadonlyArray<GivenTransaction>

export interface HistoryShape {
  readonly kind: Kind
  readonly types: ReadonlyArray<string>
  /** A body; `n` is a small number that chance has drawn. */
  readonly body: (type: string, id: string, n: number) => BodyInput
}

export function signed(transaction: GivenTransaction): SignedTransaction {
  if ('operations' in transaction) return transaction
  return { operations: 'op' in transaction ? [transaction] : transaction }
}

const ids = ['a', 'b', 'c', 'd']
const actors = [undefined, 'ada', 'alan']
const reasons = [undefined, 'moved', 'corrected']
/** Some histories are of one instant only, some of many months. */
const pausesMs = [0, 1_000, 86_400_000, 32 * 86_400_000]

export function generateHistory(random: Random, shape: HistoryShape): ReadonlyArray<SignedTransaction> {
  let at = Date.UTC(2026, 0, 1) * 1000
  return Array.from({ length: 1 + random.below(8) }, () => {
    at += 1 + random.pick(pausesMs) * 1000
    const [actor, reason] = [random.pick(actors), random.pick(reasons)]
    return {
      operations: Array.from({ length: 1 + random.below(4) }, () => generateOperation(random, shape)),
      at: formatInstant(at),
      ...(actor === undefined ? undefined : { actor }),
      ...(reason === undefined ? undefined : { reason }),
    }
  })
}

function generateOperation(random: Random, { types, body }: HistoryShape): OperationInput {
  const [type, id] = [random.pick(types), random.pick(ids)]
  if (random.below(4) === 0) return { op: 'delete', type, id }
  return { op: 'update', type, id, body: body(type, id, random.below(5)) }
}

/** For a message: one line a transaction. */
export const describeHistory = (history: History): string =>
  history
    .map(signed)
    .map(({ operations, ...rest }, i) => {
      const all = operations.map((each) => {
        const body = 'body' in each ? ` ${describeBody(each.body)}` : ''
        return `${each.op} ${each.type}/${each.id ?? '(new)'}${body}`
      })
      return `  ${i + 1}. ${all.join('; ')}  ${JSON.stringify(rest)}`
    })
    .join('\n')

function describeBody(body: BodyInput): string {
  if (typeof body === 'string') return body
  return body instanceof Uint8Array ? Buffer.from(body).toString('utf8') : JSON.stringify(body)
}
