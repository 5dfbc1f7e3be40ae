/** The name of a transaction in its log: `{commit}-{index}`, such as `12-0`. */
import * as E from 'fp-ts/lib/Either.js'
import { type AnnalsError, annalsError } from './error.js'
import type { TransactionRef } from './header.js'

export const formatTransactionId = ({ seq, transaction }: TransactionRef): string => `${seq}-${transaction}`

export function parseTransactionId(text: string): E.Either<AnnalsError, TransactionRef> {
  const match = /^(\d{1,15})-(\d{1,8})$/.exec(text)
  if (match !== null) return E.right({ seq: Number(match[1]), transaction: Number(match[2]) })
  const problem = `'${text.slice(0, 64)}' is no transaction; write {commit}-{index}, such as 12-0, as the history shows it`
  return E.left(annalsError('InvalidInput', { what: 'transaction', problem }))
}
