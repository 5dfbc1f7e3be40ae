import assert from 'node:assert/strict'
import type { Clock, Item } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { manualClock } from '../clock.js'
import { allPages, item, skOf } from './items.js'
import type { MakePointerStore } from './pointer-store.js'
import type { ContractPromise } from './promise.js'

const pk = 'Q#t'
const secondsFrom = (clock: Clock, seconds: number): number => Math.floor(clock.now() / 1_000_000) + seconds
const expiring = (sk: string, expiresAt: number, seq = 1): Item => ({ ...item(pk, sk, { seq }), expiresAt })

export const pointerExpiryContract: ReadonlyArray<ContractPromise<MakePointerStore>> = [
  {
    promise: 'an item is there until its second comes, and absent from then on',
    check: async (make) => {
      const clock = manualClock()
      const pointers = await make(clock)
      const stored = expiring('a', secondsFrom(clock, 10))
      await run(pointers.putAll([stored, item(pk, 'for ever')]))
      clock.advance(9_999)
      assert.deepEqual(await run(pointers.get(pk, 'a')), stored)
      clock.advance(1)
      assert.equal(await run(pointers.get(pk, 'a')), undefined)
      assert.deepEqual(await run(pointers.get(pk, 'for ever')), item(pk, 'for ever'))
    },
  },
  {
    promise: 'expired items are in no page, take no place in one, and make no token',
    check: async (make) => {
      const clock = manualClock()
      const pointers = await make(clock)
      const at = secondsFrom(clock, 10)
      await run(
        pointers.putAll(Array.from({ length: 40 }, (_, i) => expiring(`a${100 + i}`, i % 4 === 0 ? at + 60 : at))),
      )
      clock.advance(10_000)
      const left = Array.from({ length: 10 }, (_, i) => `a${100 + i * 4}`)
      for (const limit of [3, 5, 10]) {
        const queried = await allPages(pointers, { query: { pk, limit } })
        assert.equal(queried.length, Math.ceil(10 / limit))
        assert.deepEqual(queried.flatMap(skOf), left)
        const scanned = await allPages(pointers, { scan: { pkPrefixes: ['Q#'], limit } })
        assert.deepEqual([...scanned.flatMap(skOf)].sort(), left)
      }
      assert.deepEqual(skOf(await run(pointers.query({ pk, limit: 1, descending: true }))), ['a136'])
    },
  },
  {
    promise: 'for every condition an expired item is absent',
    check: async (make) => {
      const clock = manualClock()
      const pointers = await make(clock)
      const at = secondsFrom(clock, 10)
      for (const sk of ['swap', 'put', 'check']) await run(pointers.compareAndSet(expiring(sk, at), 0))
      await run(pointers.putAll([expiring('advance', at), expiring('newer', at, 9)]))
      clock.advance(10_000)
      await run(pointers.putNewer([item(pk, 'newer', { seq: 5 })]))
      assert.deepEqual(await run(pointers.get(pk, 'newer')), item(pk, 'newer', { seq: 5 }))
      assert.equal(await run(pointers.advance(item(pk, 'advance', { seq: 5 }))), 'missing')
      assert.deepEqual(await run(pointers.compareAndSet(item(pk, 'swap'), 1)), { done: false })
      assert.deepEqual(await run(pointers.compareAndSet(item(pk, 'swap'), 0)), {
        done: true,
        item: { ...item(pk, 'swap'), rev: 1 },
      })
      const stale = await run(
        pointers.transact([
          { kind: 'put', item: item(pk, 'put'), expected: 1 },
          { kind: 'check', pk, sk: 'check', expected: 1 },
        ]),
      )
      assert.deepEqual(stale, { done: false, failed: [0, 1] })
      const fresh = await run(
        pointers.transact([
          { kind: 'put', item: item(pk, 'put'), expected: 0 },
          { kind: 'check', pk, sk: 'check', expected: 0 },
        ]),
      )
      assert.deepEqual(fresh, { done: true })
      assert.deepEqual(await run(pointers.get(pk, 'put')), { ...item(pk, 'put'), rev: 1 })
    },
  },
  {
    promise: 'an item written anew outlives the expiry of the one that it replaced',
    check: async (make) => {
      const clock = manualClock()
      const pointers = await make(clock)
      const at = secondsFrom(clock, 10)
      await run(pointers.putAll(['later', 'never', 'advanced'].map((sk) => expiring(sk, at))))
      await run(pointers.putAll([expiring('later', at + 100), item(pk, 'never')]))
      assert.equal(await run(pointers.advance(expiring('advanced', at + 100, 2))), 'advanced')
      clock.advance(50_000)
      // Other writes, on whose occasion a store may clear up.
      const others = Array.from({ length: 50 }, (_, i) => expiring(`other ${i}`, at + 500))
      for (const other of others) await run(pointers.putAll([other]))
      await run(pointers.putAll(others))
      for (const sk of ['later', 'never', 'advanced']) assert.ok((await run(pointers.get(pk, sk))) !== undefined, sk)
      clock.advance(100_000)
      assert.equal(await run(pointers.get(pk, 'later')), undefined)
      assert.ok((await run(pointers.get(pk, 'never'))) !== undefined)
    },
  },
]
