/** Histories to copy: request keys, large bodies that commits share, deletions, and names that have to be encoded. */
import fc from 'fast-check'
import type { OperationInput } from '../../src/index.js'
import type { Tenant } from '../../src/store.js'

const operation: fc.Arbitrary<OperationInput> = fc
  .record({
    op: fc.constantFrom('update' as const, 'update' as const, 'update' as const, 'delete' as const),
    type: fc.constantFrom('Note', 'Task'),
    id: fc.constantFrom('a', 'b', 'c/d', '..'),
    n: fc.nat(9),
  })
  .map(({ op, type, id, n }) =>
    op === 'delete' ? { op, type, id } : { op, type, id, body: JSON.stringify({ n, text: 'x'.repeat(n * 12) }) },
  )

export type History = ReadonlyArray<ReadonlyArray<OperationInput>>

export const history: fc.Arbitrary<History> = fc.array(fc.array(operation, { minLength: 1, maxLength: 6 }), {
  maxLength: 9,
})

export async function live(tenant: Tenant, transactions: History, prefix = 'r'): Promise<void> {
  for (const [n, operations] of transactions.entries())
    await tenant.transact(operations, { request: `${prefix}${n}`, actor: 'Ann', reason: 'because' })
}

export const large = `{"text":"${'x'.repeat(80)}"}`

/** Six commits: creates, updates, a deletion, a transaction of three, a large body twice, request keys. */
export const tale: History = [
  [{ op: 'create', type: 'Note', id: 'a', body: '{"n":1}' }],
  [{ op: 'update', type: 'Note', id: 'b', body: large }],
  [
    { op: 'create', type: 'Task', id: 'c/d', body: '{"n":2}' },
    { op: 'update', type: 'Note', id: 'a', body: '{"n":3}' },
    { op: 'create', type: 'Task', id: '..', body: '{"n":4}' },
  ],
  [{ op: 'delete', type: 'Note', id: 'a' }],
  [{ op: 'update', type: 'Note', id: 'c', body: large }],
  [{ op: 'update', type: 'Note', id: 'a', body: '{"n":5}' }],
]

/** Changes that anything may be followed by. */
export const changes = (count: number): History =>
  Array.from({ length: count }, (_, n) => [{ op: 'update', type: 'Note', id: 'd', body: `{"n":${n}}` }])
