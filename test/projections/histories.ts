/** Generated histories for projections: transactions over a few resources, some of them large. */
import fc from 'fast-check'
import type { OperationInput } from '../../src/index.js'
import type { Tenant } from '../../src/store.js'

export const types = ['Note', 'Task'] as const

const operation: fc.Arbitrary<OperationInput> = fc
  .record({
    kind: fc.constantFrom('update', 'update', 'update', 'delete'),
    type: fc.constantFrom(...types),
    id: fc.constantFrom('a', 'b', 'c/d', '..'),
    n: fc.nat(9),
  })
  .map(({ kind, type, id, n }) =>
    kind === 'delete'
      ? { op: 'delete' as const, type, id }
      : { op: 'update' as const, type, id, body: JSON.stringify({ n, text: 'x'.repeat(n * 9) }) },
  )

export const transaction = fc.array(operation, { minLength: 1, maxLength: 6 })
export const history = (maxLength: number) => fc.array(transaction, { minLength: 1, maxLength })

export async function write(tenant: Tenant, transactions: ReadonlyArray<ReadonlyArray<OperationInput>>): Promise<void> {
  for (const operations of transactions) await tenant.transact(operations)
}

/** What a clean fold of the log comes to: each event once, in log order. */
export async function eventsOf(tenant: Tenant): Promise<string[]> {
  const found: string[] = []
  for await (const commit of tenant.commits())
    for (const { events } of commit.transactions)
      for (const { type, id, version, body, position } of events)
        found.push(
          `${position.seq}-${position.index} ${type}/${id}@${version} ${body === undefined ? 'deleted' : Buffer.from(body).toString()}`,
        )
  return found
}
