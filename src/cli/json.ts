/** JSON for programs, beside what the library writes itself. */
import type { TransactionResult } from '../index.js'

/** What became of a transaction. */
export function transactionJson({ id: transaction, at, replayed, results }: TransactionResult): string {
  const shown = results.map(({ type, id, version, changed, op, restores }) => ({
    type,
    id,
    version,
    changed,
    op,
    restores,
  }))
  return JSON.stringify({ transaction, at, replayed, results: shown })
}

export const comma = Buffer.from(',')
