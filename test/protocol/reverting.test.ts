/** Reverts and restores: history grows, and the state is the one from before. */
import { describe, expect, test } from 'vitest'
import type { Tenant } from '../../src/store.js'
import { contents, failure, makeWorld, outcome } from './world.js'

const put = (id: string, n: number) => ({ op: 'update', type: 'Note', id, body: JSON.stringify({ n }) }) as const
const remove = (id: string) => ({ op: 'delete', type: 'Note', id }) as const

const numberAt = async (tenant: Tenant, id: string): Promise<number | undefined> => {
  const found = await tenant.read('Note', id)
  return found === undefined || found.deleted ? undefined : found.json<{ n: number }>().n
}
const numbers = async (tenant: Tenant, ...ids: string[]) => Promise.all(ids.map((id) => numberAt(tenant, id)))

/** a was 1 and is 2, b was 1 and is gone, c is new: by the transaction that is returned. */
async function changed(tenant: Tenant, request?: string): Promise<string> {
  await tenant.transact([put('a', 1), put('b', 1)])
  const said = request === undefined ? {} : { request }
  return (await tenant.transact([put('a', 2), remove('b'), put('c', 1)], said)).id as string
}

describe('a revert', () => {
  test('answers a create with a deletion, and an update and a deletion with the body from before', async () => {
    const { tenant } = await makeWorld().enter()
    const { results } = await tenant.revert(await changed(tenant), { actor: 'Ann', reason: 'wrong file' })
    expect(results.map(({ id, op, version, restores }) => `${op} ${id}@${version} as ${restores}`)).toEqual([
      'delete c@2 as 0',
      'create b@3 as 1',
      'update a@3 as 1',
    ])
    expect(await numbers(tenant, 'a', 'b', 'c')).toEqual([1, 1, undefined])
  })

  test('is shown by the history: what it answers, whose state it brings back, who did it and why', async () => {
    const { tenant } = await makeWorld().enter()
    const transaction = await changed(tenant)
    await tenant.revert(transaction, { actor: 'Ann', reason: 'wrong file' })
    const { entries } = await tenant.history({ type: 'Note', id: 'a' })
    expect(entries[0]).toMatchObject({ compensates: transaction, restores: 1, actor: 'Ann', reason: 'wrong file' })
    expect(entries[1]).not.toHaveProperty('compensates')
    for await (const { transactions } of tenant.commits({ from: 3 }))
      expect(transactions[0]).toMatchObject({ compensates: transaction })
  })

  test('can be reverted', async () => {
    const { tenant } = await makeWorld().enter()
    const reverted = await tenant.revert(await changed(tenant))
    await tenant.revert(reverted.id as string)
    expect(await numbers(tenant, 'a', 'b', 'c')).toEqual([2, undefined, 1])
  })

  test('of one transaction after the other, the last first, brings back every state on the way', async () => {
    const { tenant } = await makeWorld().enter()
    const ids: string[] = []
    for (const n of [1, 2, 3]) ids.push((await tenant.transact([put('a', n), put(`b${n}`, n)])).id as string)
    for (const expected of [2, 1, undefined]) {
      await tenant.revert(ids.pop() as string)
      expect(await numberAt(tenant, 'a')).toBe(expected)
    }
    expect(await numbers(tenant, 'b1', 'b2', 'b3')).toEqual([undefined, undefined, undefined])
  })

  test('of what was taken back already, and written again since, is a conflict', async () => {
    const { tenant } = await makeWorld().enter()
    const [first, second] = [(await tenant.transact([put('a', 1)])).id, (await tenant.transact([put('a', 2)])).id]
    await tenant.revert(second as string)
    expect(await outcome(tenant.revert(second as string))).toBe('Conflict')
    await tenant.transact([put('a', 1)])
    expect(await outcome(tenant.revert(first as string))).toBe('Conflict')
    expect(await numberAt(tenant, 'a')).toBe(1)
  })

  test('of what others have changed since is a conflict that lists them all, and writes nothing', async () => {
    const { tenant } = await makeWorld().enter()
    const transaction = await changed(tenant)
    await tenant.transact([put('a', 7), put('c', 8)])
    const error = await failure(tenant.revert(transaction))
    expect(error).toMatchObject({
      _tag: 'Conflict',
      data: {
        conflicts: [
          { id: 'c', expected: 1, actual: 2 },
          { id: 'a', expected: 2, actual: 3 },
        ],
      },
    })
    expect(await numbers(tenant, 'a', 'b', 'c')).toEqual([7, undefined, 8])
  })

  test('skips what others have changed since, where it is told to', async () => {
    const { tenant } = await makeWorld().enter()
    const transaction = await changed(tenant)
    await tenant.transact([put('a', 7)])
    const { results } = await tenant.revert(transaction, { onConflict: 'skip' })
    expect(results.map(({ id, changed }) => `${id} ${changed}`)).toEqual(['c true', 'b true', 'a false'])
    expect(await numbers(tenant, 'a', 'b', 'c')).toEqual([7, 1, undefined])
  })

  test('takes back what others have changed since, where it is forced to', async () => {
    const { tenant } = await makeWorld().enter()
    const transaction = await changed(tenant)
    await tenant.transact([put('a', 7)])
    await tenant.revert(transaction, { onConflict: 'force' })
    expect(await numbers(tenant, 'a', 'b', 'c')).toEqual([1, 1, undefined])
    expect(await tenant.read('Note', 'a')).toMatchObject({ version: 4, restores: 1 })
  })

  test('is planned anew when others come first: a conflict that arises then is a conflict', async () => {
    const world = makeWorld()
    const [{ tenant, pointers }, other] = [await world.enter(), await world.enter()]
    const transaction = await changed(tenant)
    const looking = pointers.on('query', /^V#t#Note\/c/).holdAnswer()
    const reverting = outcome(tenant.revert(transaction))
    await looking.arrived
    await other.tenant.transact([put('c', 9)])
    looking.release()
    expect(await reverting).toBe('Conflict')
    expect(await numbers(tenant, 'a', 'b', 'c')).toEqual([2, undefined, 9])
  })

  test('of several commits is one transaction', async () => {
    const { tenant } = await makeWorld().enter()
    for (const n of [1, 2, 3, 4]) await tenant.transact([put('a', n), put(`b${n}`, n)])
    const { id } = await tenant.revert({ from: 3 })
    expect(id).toBe('5-0')
    expect(await numbers(tenant, 'a', 'b2', 'b3', 'b4')).toEqual([2, 2, undefined, undefined])
  })

  test('of several transactions is one, in whatever order they are named; what lies between them is a conflict', async () => {
    const { tenant } = await makeWorld().enter()
    const ids: string[] = []
    for (const n of [1, 2, 3]) ids.push((await tenant.transact([put('a', n), put(`b${n}`, n)])).id as string)
    const [first, second, third] = ids as [string, string, string]
    expect(await failure(tenant.revert({ transactions: [third, first] }))).toMatchObject({
      data: { conflicts: [{ id: 'a', expected: 1, actual: 3 }] },
    })
    expect(await tenant.revert({ transactions: [third, second, third] })).toMatchObject({ id: '4-0' })
    expect(await numbers(tenant, 'a', 'b1', 'b2', 'b3')).toEqual([1, 1, undefined, undefined])
    await tenant.revert({ transactions: [first] })
    expect((await tenant.history({ type: 'Note', id: 'a' })).entries[0]).toMatchObject({ compensates: first })
  })

  test('of a correlation takes back all that shares it, and nothing else', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.transact([put('a', 1)], { correlation: 'load 1' })
    await tenant.transact([put('b', 1)], { correlation: 'load 2' })
    await tenant.transact([put('a', 2), put('c', 1)], { correlation: 'load 1' })
    await tenant.revert({ correlation: 'load 1' })
    expect(await numbers(tenant, 'a', 'b', 'c')).toEqual([undefined, 1, undefined])
  })

  test('of a correlation into which others have written is a conflict from their version on', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.transact([put('a', 1)], { correlation: 'mine' })
    await tenant.transact([put('a', 2)])
    await tenant.transact([put('a', 3)], { correlation: 'mine' })
    expect(await failure(tenant.revert({ correlation: 'mine' }))).toMatchObject({
      data: { conflicts: [{ id: 'a', expected: 1, actual: 3 }] },
    })
  })

  test('finds a transaction by its request key', async () => {
    const { tenant } = await makeWorld().enter()
    await changed(tenant, 'the load of Monday')
    await tenant.revert({ request: 'the load of Monday' })
    expect(await numbers(tenant, 'a', 'b', 'c')).toEqual([1, 1, undefined])
  })

  test('with a request key of its own is made once, whatever happened since', async () => {
    const { tenant } = await makeWorld().enter()
    const transaction = await changed(tenant)
    const first = await tenant.revert(transaction, { request: 'undo' })
    expect(await outcome(tenant.revert('1-0', { request: 'undo', onConflict: 'skip' }))).toBe('RequestKeyReused')
    await tenant.transact([put('a', 9)])
    expect(await tenant.revert(transaction, { request: 'undo' })).toEqual({ ...first, replayed: true })
    expect(await numberAt(tenant, 'a')).toBe(9)
  })

  test('of nothing that is left to take back writes nothing', async () => {
    const { tenant } = await makeWorld().enter()
    const { id } = await tenant.transact([put('a', 1), remove('a')])
    expect(await tenant.revert(id as string)).toMatchObject({ results: [{ changed: false }] })
    expect((await tenant.head()).seq).toBe(1)
  })

  test.each<[string, (tenant: Tenant) => Promise<unknown>]>([
    ['a transaction that is not there', (tenant) => tenant.revert('7-0')],
    ['one beside those of its commit', (tenant) => tenant.revert('1-1')],
    ['what is no transaction', (tenant) => tenant.revert('first')],
    ['no transactions', (tenant) => tenant.revert({ transactions: [] })],
    ['several, of which one is not there', (tenant) => tenant.revert({ transactions: ['2-0', '7-0'] })],
    ['a request key that nobody used', (tenant) => tenant.revert({ request: 'none' })],
    ['a range that ends before it begins', (tenant) => tenant.revert({ from: 2, to: 1 })],
    ['a policy that does not exist', (tenant) => tenant.revert('1-0', { onConflict: 'ignore' as never })],
  ])('of %s is refused', async (_, ask) => {
    const { tenant } = await makeWorld().enter()
    await changed(tenant)
    expect(await outcome(ask(tenant))).toBe('InvalidInput')
  })

  test('of more than one transaction can hold is refused', async () => {
    const { tenant } = await makeWorld().enter({ limits: { maxTransactionOperations: 3 } })
    for (const n of [1, 2]) await tenant.transact([put(`a${n}`, n), put(`b${n}`, n)])
    expect(await outcome(tenant.revert({ from: 1 }))).toBe('LimitExceeded')
    expect(await outcome(tenant.revert({ transactions: ['1-0', '2-0'] }))).toBe('LimitExceeded')
    expect(await outcome(tenant.revert({ transactions: ['1-0', '2-0', '3-0', '4-0'] }))).toBe('LimitExceeded')
  })
})

describe('a plan', () => {
  test('says what a revert would write, with its conflicts, and writes nothing', async () => {
    const { tenant } = await makeWorld().enter()
    const transaction = await changed(tenant)
    await tenant.transact([put('a', 7)])
    const before = await contents(tenant)
    const { seq, changes } = await tenant.planRevert(transaction)
    expect(seq).toBe(3)
    expect(changes.map(({ id, action, restores, conflict }) => [id, action, restores, conflict?.actual])).toEqual([
      ['c', 'delete', 0, undefined],
      ['b', 'restore', 1, undefined],
      ['a', 'leave', 1, 3],
    ])
    expect(await contents(tenant)).toEqual(before)
  })
})

describe('a restore', () => {
  test('brings the tenant back as it was at an instant or a position', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter()
    await changed(tenant)
    const { at } = await tenant.head()
    const [position] = (await tenant.transact([put('c', 5), put('d', 5)])).results
    world.clock.move(1000)
    await tenant.transact([put('a', 9), put('b', 9), remove('c')])
    await tenant.restore({}, { partition: 0, seq: position?.position?.seq as number, index: 0 })
    expect(await numbers(tenant, 'a', 'b', 'c', 'd')).toEqual([2, undefined, 5, 5])
    await tenant.restore({}, at)
    expect(await numbers(tenant, 'a', 'b', 'c', 'd')).toEqual([2, undefined, 1, undefined])
  })

  test('brings back one type, or one resource, and leaves the others', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.transact([put('a', 1), put('b', 1), { ...put('x', 1), type: 'Task' }])
    const { at } = await tenant.head()
    await tenant.transact([put('a', 2), put('b', 2), { ...put('x', 2), type: 'Task' }])
    await tenant.restore({ type: 'Note', id: 'a' }, at)
    expect(await numbers(tenant, 'a', 'b')).toEqual([1, 2])
    await tenant.restore({ type: 'Note' }, at)
    expect(await numbers(tenant, 'a', 'b')).toEqual([1, 1])
    expect((await tenant.read('Task', 'x'))?.version).toBe(2)
  })

  test('brings back a version of a resource, and not what else its commit holds', async () => {
    const { tenant } = await makeWorld().enter()
    const both = [tenant.transact([put('a', 1)]), tenant.transact([put('a', 2)])]
    const [one, two] = await Promise.all(both)
    expect([one?.results[0]?.version, two?.results[0]?.version]).toEqual([1, 2])
    await tenant.transact([put('a', 3), remove('a')])
    expect(await tenant.planRestore({ type: 'Note', id: 'a' }, { version: 1 })).toMatchObject({
      changes: [{ version: 4, restores: 1, action: 'restore' }],
    })
    for (const [version, expected] of [
      [1, 1],
      [2, 2],
      [4, undefined],
    ] as const) {
      await tenant.restore({ type: 'Note', id: 'a' }, { version })
      expect(await numberAt(tenant, 'a')).toBe(expected)
    }
  })

  test.each([
    [{ type: 'Note', id: 'a' }, 9],
    [{ type: 'Note', id: 'a' }, 0],
    [{ type: 'Note', id: 'never' }, 1],
    [{ type: 'Note' }, 1],
    [{}, 1],
  ])('of %j to a version that is not there, or of no resource, is refused', async (scope, version) => {
    const { tenant } = await makeWorld().enter()
    await changed(tenant)
    expect(await outcome(tenant.restore(scope, { version }))).toBe('InvalidInput')
  })

  test('to the time before everything deletes everything', async () => {
    const { tenant } = await makeWorld().enter()
    await changed(tenant)
    await tenant.restore({}, { partition: 0, seq: 0, index: 0 })
    expect(await numbers(tenant, 'a', 'b', 'c')).toEqual([undefined, undefined, undefined])
  })

  test('to what is now writes nothing', async () => {
    const { tenant } = await makeWorld().enter()
    await changed(tenant)
    const { seq, at } = await tenant.head()
    expect(await tenant.restore({}, at)).toEqual({ replayed: false, results: [] })
    expect(await tenant.restore({ type: 'Note', id: 'never' }, at)).toEqual({ replayed: false, results: [] })
    expect((await tenant.head()).seq).toBe(seq)
  })

  test('of an id without its type is refused', async () => {
    const { tenant } = await makeWorld().enter()
    expect(await outcome(tenant.restore({ id: 'a' }, '2026-01-01'))).toBe('InvalidInput')
  })
})
