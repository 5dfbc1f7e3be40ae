/** Transactions that a function decides: on one head, and written only if that is still true of what it read. */
import { describe, expect, test } from 'vitest'
import type { DecisionState } from '../../src/index.js'
import type { Tenant } from '../../src/store.js'
import { contents, failure, makeWorld, outcome } from './world.js'

const numberOf = async (state: DecisionState, id: string): Promise<number> =>
  (await state.read('Note', id))?.json<{ n: number }>().n ?? 0

const put = (id: string, n: number) => ({ op: 'update', type: 'Note', id, body: JSON.stringify({ n }) }) as const

/** Adds one: as wrong as can be if anything is decided on an old state. */
const increment = (tenant: Tenant, id = 'a', request?: string) =>
  tenant.transact(async (state) => [put(id, (await numberOf(state, id)) + 1)], request === undefined ? {} : { request })

describe('a decision', () => {
  test('is written as one transaction', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.transact([put('from', 10), put('to', 0)])
    const { results } = await tenant.transact(async (state) => [
      put('from', (await numberOf(state, 'from')) - 3),
      put('to', (await numberOf(state, 'to')) + 3),
    ])
    expect(results.map(({ id, version }) => `${id}@${version}`)).toEqual(['from@2', 'to@2'])
  })

  test('of nothing writes nothing', async () => {
    const { tenant } = await makeWorld().enter()
    expect(await tenant.transact(() => [])).toEqual({ replayed: false, results: [] })
    expect((await tenant.head()).seq).toBe(0)
  })

  test('is made again when what it read has changed, so that no increment is lost, within a store and among several', async () => {
    const world = makeWorld()
    const tenants = [(await world.enter()).tenant, (await world.enter()).tenant, (await world.enter()).tenant]
    await Promise.all(tenants.flatMap((tenant) => Array.from({ length: 12 }, () => increment(tenant))))
    expect((await tenants[0]?.read('Note', 'a'))?.json()).toEqual({ n: 36 })
  })

  test('is made again when what it only read has changed', async () => {
    const world = makeWorld()
    const [{ tenant }, other] = [await world.enter(), await world.enter()]
    const seen: number[] = []
    await tenant.transact(async (state) => {
      seen.push(await numberOf(state, 'switch'))
      if (seen.length === 1) await other.tenant.update('Note', 'switch', '{"n":1}')
      return [put('light', seen.at(-1) as number)]
    })
    expect(seen).toEqual([0, 1])
    expect((await tenant.read('Note', 'light'))?.json()).toEqual({ n: 1 })
  })

  test('reads one head, whatever is written meanwhile', async () => {
    const world = makeWorld()
    const [{ tenant }, other] = [await world.enter(), await world.enter()]
    await tenant.transact([put('a', 1), put('b', 1)])
    const sums: number[] = []
    await tenant.transact(async (state) => {
      const a = await numberOf(state, 'a')
      if (sums.length === 0) await other.tenant.transact([put('a', 5), put('b', -3)])
      sums.push(a + (await numberOf(state, 'b')))
      return [put('sum', sums.at(-1) as number)]
    })
    expect(sums).toEqual([2, 2])
  })

  test('that throws writes nothing, and its own error is what the caller gets', async () => {
    const { tenant } = await makeWorld().enter()
    const broke = new RangeError('the account is empty')
    await expect(
      tenant.transact(() => {
        throw broke
      }),
    ).rejects.toBe(broke)
    expect((await tenant.head()).seq).toBe(0)
  })

  test('gives up when the time is over, says that a later try may succeed, and has written nothing', async () => {
    const world = makeWorld()
    const [{ tenant }, other] = [await world.enter(), await world.enter()]
    const error = await failure(
      tenant.transact(
        async (state) => {
          await other.tenant.update('Note', 'a', JSON.stringify({ n: (await numberOf(state, 'a')) + 1 }))
          world.clock.move(40)
          return [put('b', 1)]
        },
        { timeoutMs: 100 },
      ),
    )
    expect(error).toMatchObject({ _tag: 'Contended', retryable: true })
    expect(await tenant.read('Note', 'b')).toBeUndefined()
  })

  test('with a request key is made once, also if the state would now lead to another', async () => {
    const { tenant } = await makeWorld().enter()
    const first = await increment(tenant, 'a', 'r')
    expect(await increment(tenant, 'a', 'r')).toEqual({ ...first, replayed: true })
    expect(await contents(tenant)).toHaveLength(1)
    expect(await outcome(tenant.transact([put('a', 9)], { request: 'r' }))).toBe('RequestKeyReused')
  })
})

describe('a check', () => {
  test('lets the others happen, or names what is not as expected', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.transact([put('a', 1)])
    const guarded = (expect: number) => tenant.transact([{ op: 'check', type: 'Note', id: 'a', expect }, put('b', 1)])
    const error = await failure(guarded(2))
    expect(error).toMatchObject({ _tag: 'Conflict', data: { conflicts: [{ operation: 0, expected: 2, actual: 1 }] } })
    expect(await tenant.read('Note', 'b')).toBeUndefined()
    expect((await guarded(1)).results.map(({ changed }) => changed)).toEqual([false, true])
  })

  test('without an expectation is refused', async () => {
    const { tenant } = await makeWorld().enter()
    const input = { op: 'check', type: 'Note', id: 'a' } as never
    expect((await failure(tenant.transact([input]))).message).toContain('a check says what it expects')
  })
})

test('a transaction says what it is part of and what brought it about, and the log keeps it', async () => {
  const { tenant } = await makeWorld().enter()
  await tenant.transact([put('a', 1)], { correlation: 'saga 7', causation: 'message 12' })
  for await (const { transactions } of tenant.commits())
    expect(transactions[0]).toMatchObject({ correlation: 'saga 7', causation: 'message 12' })
})
