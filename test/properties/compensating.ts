/** What holds for transactions and what takes them back, over generated histories, wherever they are kept. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OperationInput } from '../../src/index.js'
import type { Tenant } from '../../src/store.js'
import { outcome } from '../protocol/world.js'

type Transaction = ReadonlyArray<OperationInput>

export interface Tale {
  readonly history: ReadonlyArray<Transaction>
  readonly transaction: Transaction
  readonly later: ReadonlyArray<Transaction>
  /** At which writes of the storage which fault comes. */
  readonly faults: ReadonlyArray<{ readonly kind: 'fail' | 'lose'; readonly at: number }>
}

const types = ['Note', 'Task']
const operation: fc.Arbitrary<OperationInput> = fc.oneof(
  fc.record({
    op: fc.constant('update' as const),
    type: fc.constantFrom(...types),
    id: fc.constantFrom('a', 'b', 'c'),
    body: fc.nat(99).map((n) => `{"n":${n}.50}`),
  }),
  fc.record({
    op: fc.constant('delete' as const),
    type: fc.constantFrom(...types),
    id: fc.constantFrom('a', 'b', 'c'),
  }),
)
const transaction = fc.array(operation, { minLength: 1, maxLength: 6 })
const fault = fc.record({
  kind: fc.constantFrom('fail' as const, 'lose' as const),
  at: fc.nat(2),
})
const tales: fc.Arbitrary<Tale> = fc.record({
  history: fc.array(transaction, { maxLength: 5 }),
  transaction,
  later: fc.array(transaction, { maxLength: 2 }),
  faults: fc.array(fault, { maxLength: 8 }),
})

export interface Place {
  readonly tenant: Tenant
  /** Faults come while the next writes are made. */
  disturb(): void
  end(): Promise<void>
}

/** The state, without versions: what is there, byte for byte. */
async function state(tenant: Tenant): Promise<string[]> {
  const found: string[] = []
  for (const type of types)
    for (const id of ['a', 'b', 'c']) {
      const version = await tenant.read(type, id)
      if (version !== undefined && !version.deleted) found.push(`${type}/${id} ${version.text()}`)
    }
  return found
}

/** Every version that ever was, in log order. */
async function versions(tenant: Tenant): Promise<string[]> {
  const found: string[] = []
  for await (const { seq, hash, transactions } of tenant.commits())
    for (const { events } of transactions)
      for (const each of events)
        found.push(`${seq} ${hash} ${each.type}/${each.id}@${each.version} ${each.deleted ? '-' : each.text()}`)
  return found
}

function expectDense(found: ReadonlyArray<string>): void {
  const last = new Map<string, number>()
  for (const line of found) {
    const [ref = '', version] = (line.split(' ')[2] as string).split('@')
    expect(Number(version), ref).toBe((last.get(ref) ?? 0) + 1)
    last.set(ref, Number(version))
  }
}

const write = async (tenant: Tenant, transactions: ReadonlyArray<Transaction>): Promise<void> => {
  for (const each of transactions) await tenant.transact(each)
}

const check = (
  make: (tale: Tale) => Promise<Place>,
  judge: (place: Place, tale: Tale) => Promise<void>,
  runs: number,
) =>
  fc.assert(
    fc.asyncProperty(tales, async (tale) => {
      const place = await make(tale)
      try {
        await write(place.tenant, tale.history)
        await judge(place, tale)
      } finally {
        await place.end()
      }
    }),
    { numRuns: runs },
  )

export function testCompensating(make: (tale: Tale) => Promise<Place>, runs: number): void {
  test('the state after a transaction and its revert equals the state before', () =>
    check(
      make,
      async ({ tenant, disturb }, tale) => {
        const before = await state(tenant)
        const { id } = await tenant.transact(tale.transaction)
        disturb()
        if (id !== undefined) await tenant.revert(id)
        expect(await state(tenant)).toEqual(before)
      },
      runs,
    ))

  test('a reverted revert equals the original', () =>
    check(
      make,
      async ({ tenant, disturb }, tale) => {
        const { id } = await tenant.transact(tale.transaction)
        const after = await state(tenant)
        disturb()
        const reverted = id === undefined ? undefined : await tenant.revert(id)
        if (reverted?.id !== undefined) await tenant.revert(reverted.id)
        expect(await state(tenant)).toEqual(after)
      },
      runs,
    ))

  test('versions stay dense and no event ever changes, whatever is reverted or restored', () =>
    check(
      make,
      async ({ tenant, disturb }, tale) => {
        const { id } = await tenant.transact(tale.transaction)
        const { at } = await tenant.head()
        await write(tenant, tale.later)
        const written = await versions(tenant)
        disturb()
        if (id !== undefined) await tenant.revert(id, { onConflict: 'force' })
        if (tale.history.length > 0) await tenant.restore({}, at)
        const all = await versions(tenant)
        expect(all.slice(0, written.length)).toEqual(written)
        expectDense(all)
      },
      runs,
    ))

  test('a restore equals the state of its instant, for a resource, a type and the tenant', () =>
    check(
      make,
      async ({ tenant, disturb }, tale) => {
        await tenant.transact(tale.transaction)
        const { at, seq } = await tenant.head()
        const then = await state(tenant)
        await write(tenant, tale.later)
        disturb()
        if (seq === 0) return
        await tenant.restore({ type: 'Note', id: 'a' }, at)
        await tenant.restore({ type: 'Note' }, at)
        expect((await state(tenant)).filter((line) => line.startsWith('Note'))).toEqual(
          then.filter((line) => line.startsWith('Note')),
        )
        await tenant.restore({}, at)
        expect(await state(tenant)).toEqual(then)
      },
      runs,
    ))

  test('a revert is all or nothing: a conflict leaves every resource as it is, and is one exactly where others wrote', () =>
    check(
      make,
      async ({ tenant, disturb }, tale) => {
        const { id, results } = await tenant.transact(tale.transaction)
        const own = new Map(
          results.filter(({ changed }) => changed).map((each) => [`${each.type}/${each.id}`, each.version]),
        )
        await write(tenant, tale.later)
        const before = await versions(tenant)
        const movedOn = (
          await Promise.all(
            [...own].map(async ([ref, version]) => {
              const [type = '', id = ''] = ref.split('/')
              return (await tenant.read(type, id))?.version !== version
            }),
          )
        ).some(Boolean)
        if (id === undefined) return
        disturb()
        const answer = await outcome(tenant.revert(id))
        expect(answer === 'Conflict').toBe(movedOn)
        if (movedOn) expect(await versions(tenant)).toEqual(before)
      },
      runs,
    ))
}
