import assert from 'node:assert/strict'
import type { ItemChange, PointerStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { manualClock } from '../clock.js'
import { item } from './items.js'
import type { MakePointerStore } from './pointer-store.js'
import { type ContractPromise, refusal } from './promise.js'

const pk = 'C#t'
const put = (sk: string, expected: number, n = 0): ItemChange => ({ kind: 'put', item: item(pk, sk, { n }), expected })
const seqOf = async (pointers: PointerStore): Promise<unknown> =>
  (await run(pointers.get('H#t#0', 'head')))?.attributes.seq
const head = (seq: number) => item('H#t#0', 'head', { seq, hash: `hash of ${seq}` })

export const pointerChangeContract: ReadonlyArray<ContractPromise<MakePointerStore>> = [
  {
    promise: 'putAll writes every item, thousands too, and a repetition changes nothing',
    check: async (make) => {
      const pointers = await make(manualClock())
      for (const count of [1, 17, 101, 2500]) {
        const items = Array.from({ length: count }, (_, i) => item(`V#${count}`, String(i).padStart(6, '0'), { i }))
        await run(pointers.putAll(items))
        await run(pointers.putAll(items))
        assert.deepEqual((await run(pointers.query({ pk: `V#${count}`, limit: 10_000 }))).items, items)
      }
      await run(pointers.putAll([]))
    },
  },
  {
    promise: 'putAll replaces what is there, and calls at the same time do not hinder each other',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.putAll([item(pk, 'a', { old: true })]))
      await run(pointers.putAll([item(pk, 'a', { n: 1 })]))
      assert.deepEqual(await run(pointers.get(pk, 'a')), item(pk, 'a', { n: 1 }))
      const batch = (b: number) => Array.from({ length: 150 }, (_, i) => item(`V#${b}`, String(i), { b }))
      await Promise.all(Array.from({ length: 10 }, (_, b) => run(pointers.putAll(batch(b)))))
      assert.equal((await run(pointers.scan({ pkPrefixes: ['V#'], limit: 5000 }))).items.length, 1500)
    },
  },
  {
    promise: 'what a caller does to an item afterwards changes nothing that is stored',
    check: async (make) => {
      const pointers = await make(manualClock())
      const attributes: Record<string, number> = { n: 1 }
      await run(pointers.putAll([item(pk, 'a', attributes)]))
      attributes.n = 2
      assert.equal((await run(pointers.get(pk, 'a')))?.attributes.n, 1)
    },
  },
  {
    promise: 'compareAndSet writes over the rev that the caller knows, and counts from 1',
    check: async (make) => {
      const pointers = await make(manualClock())
      assert.deepEqual(await run(pointers.compareAndSet(item(pk, 'a', { n: 0 }), 1)), { done: false })
      // Also told who is refused: what has a name that a store uses for itself.
      const attributes = { n: 1, rev: 7, _rev: 8, _write: 'w' }
      const first = { ...item(pk, 'a', attributes), rev: 1 }
      assert.deepEqual(await run(pointers.compareAndSet(item(pk, 'a', attributes), 0)), { done: true, item: first })
      assert.deepEqual(await run(pointers.compareAndSet(item(pk, 'a', { n: 9 }), 0)), { done: false, actual: first })
      const second = { ...item(pk, 'a', { n: 2 }), rev: 2 }
      assert.deepEqual(await run(pointers.compareAndSet(item(pk, 'a', { n: 2 }), 1)), { done: true, item: second })
      assert.deepEqual(await run(pointers.compareAndSet(item(pk, 'a', { n: 9 }), 1)), { done: false, actual: second })
      assert.deepEqual(await run(pointers.get(pk, 'a')), second)
    },
  },
  {
    promise: 'an item that putAll wrote is not absent and has no rev: compareAndSet leaves it',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.putAll([item(pk, 'a', { n: 1 })]))
      for (const expected of [0, 1]) {
        const swapped = await run(pointers.compareAndSet(item(pk, 'a', { n: 2 }), expected))
        assert.deepEqual(swapped, { done: false, actual: item(pk, 'a', { n: 1 }) })
      }
    },
  },
  {
    promise: 'of 32 concurrent swaps from one rev exactly one is made',
    check: async (make) => {
      const pointers = await make(manualClock())
      for (let rev = 0; rev < 10; rev++) {
        const swaps = await Promise.all(
          Array.from({ length: 32 }, (_, n) => run(pointers.compareAndSet(item(pk, 'a', { n }), rev))),
        )
        const winners = swaps.flatMap((swap, n) => (swap.done ? [n] : []))
        assert.equal(winners.length, 1)
        assert.deepEqual(await run(pointers.get(pk, 'a')), {
          ...item(pk, 'a', { n: winners[0] as number }),
          rev: rev + 1,
        })
      }
    },
  },
  {
    promise: 'advance moves an item forward, never back, and never creates it',
    check: async (make) => {
      const pointers = await make(manualClock())
      assert.equal(await run(pointers.advance(head(5))), 'missing')
      assert.equal(await run(pointers.get('H#t#0', 'head')), undefined)
      await run(pointers.putAll([head(5)]))
      assert.equal(await run(pointers.advance(head(5))), 'ahead')
      assert.equal(await run(pointers.advance(head(4))), 'ahead')
      assert.equal(await run(pointers.advance(head(6))), 'advanced')
      assert.equal(await run(pointers.advance(head(10))), 'advanced')
      assert.equal(await run(pointers.advance(head(9))), 'ahead')
      assert.deepEqual(await run(pointers.get('H#t#0', 'head')), head(10))
    },
  },
  {
    promise: 'of advances at the same time, in any order, the highest stays',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.putAll([head(0)]))
      const order = Array.from({ length: 64 }, (_, i) => ((i * 29) % 64) + 1)
      const answers = await Promise.all(order.map((seq) => run(pointers.advance(head(seq)))))
      assert.equal(await seqOf(pointers), 64)
      assert.equal(answers[order.indexOf(64)], 'advanced')
    },
  },
  {
    promise: 'advance compares numbers, not their digits, and wants one',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.putAll([head(9)]))
      assert.equal(await run(pointers.advance(head(10))), 'advanced')
      assert.equal(await run(pointers.advance(head(4_000_000_000_000))), 'advanced')
      await refusal(pointers.advance(item('H#t#0', 'head', { seq: '99' })), 'InvalidInput')
      await refusal(pointers.advance(item('H#t#0', 'head')), 'InvalidInput')
    },
  },
  {
    promise: 'putNewer creates what is absent, replaces what is behind, and leaves the rest, in thousands too',
    check: async (make) => {
      const pointers = await make(manualClock())
      const of = (sk: string, seq: number) => item(pk, sk, { seq, from: `write of ${seq}` })
      await run(pointers.putAll([of('behind', 4), of('even', 5), of('ahead', 10)]))
      await run(pointers.compareAndSet(of('swapped', 4), 0))
      const asked = ['absent', 'behind', 'even', 'ahead', 'swapped'].map((sk) => of(sk, 5))
      for (const repeated of [asked, asked, asked.map(({ sk }) => of(sk, 3))]) await run(pointers.putNewer(repeated))
      assert.deepEqual((await run(pointers.query({ pk, limit: 10 }))).items, [
        of('absent', 5),
        of('ahead', 10),
        of('behind', 5),
        of('even', 5),
        of('swapped', 5),
      ])
      const many = (seq: number) =>
        Array.from({ length: 700 }, (_, i) => item('V#many', `${1000 + i}`, { seq: seq + i }))
      await run(pointers.putNewer(many(1)))
      await run(pointers.putNewer([...many(0), ...many(2)]))
      assert.deepEqual((await run(pointers.query({ pk: 'V#many', limit: 1_000 }))).items, many(2))
      await run(pointers.putNewer([]))
    },
  },
  {
    promise: 'of items that putNewer writes at the same time, in any order, the highest stays',
    check: async (make) => {
      const pointers = await make(manualClock())
      const order = Array.from({ length: 64 }, (_, i) => ((i * 29) % 64) + 1)
      await Promise.all(order.map((seq) => run(pointers.putNewer([head(seq), item(pk, `${seq}`, { seq })]))))
      assert.equal(await seqOf(pointers), 64)
      assert.equal((await run(pointers.query({ pk, limit: 100 }))).items.length, 64)
    },
  },
  {
    promise: 'putNewer compares numbers, wants one, and writes nothing when it does not get it',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.putNewer([head(9)]))
      await run(pointers.putNewer([head(10)]))
      assert.equal(await seqOf(pointers), 10)
      await refusal(pointers.putNewer([item(pk, 'a', { seq: 1 }), item(pk, 'b', { seq: '99' })]), 'InvalidInput')
      await refusal(pointers.putNewer([item(pk, 'a', { seq: 1 }), item(pk, 'b')]), 'InvalidInput')
      assert.deepEqual(await run(pointers.query({ pk, limit: 10 })), { items: [] })
    },
  },
  {
    promise: 'a transaction is made whole, and each item that it puts has the next rev',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.compareAndSet(item(pk, 'a'), 0))
      await run(pointers.compareAndSet(item(pk, 'b'), 0))
      const changes: ItemChange[] = [
        put('a', 1, 7),
        { kind: 'delete', pk, sk: 'b', expected: 1 },
        put('c', 0, 8),
        { kind: 'check', pk, sk: 'd', expected: 0 },
      ]
      assert.deepEqual(await run(pointers.transact(changes)), { done: true })
      assert.deepEqual(await run(pointers.get(pk, 'a')), { ...item(pk, 'a', { n: 7 }), rev: 2 })
      assert.equal(await run(pointers.get(pk, 'b')), undefined)
      assert.deepEqual(await run(pointers.get(pk, 'c')), { ...item(pk, 'c', { n: 8 }), rev: 1 })
      assert.equal(await run(pointers.get(pk, 'd')), undefined)
    },
  },
  {
    promise: 'a transaction of which one condition fails changes nothing and names every failed one',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.compareAndSet(item(pk, 'a', { n: 1 }), 0))
      const changes: ItemChange[] = [
        put('new', 0),
        put('a', 0),
        { kind: 'delete', pk, sk: 'a2', expected: 1 },
        { kind: 'check', pk, sk: 'a3', expected: 0 },
        { kind: 'check', pk, sk: 'a4', expected: 2 },
      ]
      assert.deepEqual(await run(pointers.transact(changes)), { done: false, failed: [1, 2, 4] })
      assert.equal(await run(pointers.get(pk, 'new')), undefined)
      assert.deepEqual(await run(pointers.get(pk, 'a')), { ...item(pk, 'a', { n: 1 }), rev: 1 })
      assert.deepEqual(await run(pointers.transact([])), { done: true })
    },
  },
  {
    promise: 'of transactions that share an item one is made, and no part of another',
    check: async (make) => {
      const pointers = await make(manualClock())
      const results = await Promise.all(
        Array.from({ length: 16 }, (_, n) => run(pointers.transact([put(`own ${n}`, 0, n), put('shared', 0, n)]))),
      )
      const winners = results.flatMap((result, n) => (result.done ? [n] : []))
      assert.equal(winners.length, 1)
      const { items } = await run(pointers.query({ pk, limit: 100 }))
      assert.deepEqual(
        items.map((each) => each.sk),
        [`own ${winners[0]}`, 'shared'],
      )
    },
  },
  {
    promise: 'a transaction has at most 100 changes, each of another item',
    check: async (make) => {
      const pointers = await make(manualClock())
      const many = (count: number) => Array.from({ length: count }, (_, i) => put(`many ${i}`, 0))
      await refusal(pointers.transact(many(101)), 'LimitExceeded')
      await refusal(pointers.transact([put('a', 0), { kind: 'check', pk, sk: 'a', expected: 0 }]), 'InvalidInput')
      assert.deepEqual(await run(pointers.query({ pk, limit: 1 })), { items: [] })
      assert.deepEqual(await run(pointers.transact(many(100))), { done: true })
      assert.equal((await run(pointers.query({ pk, limit: 200 }))).items.length, 100)
    },
  },
]
