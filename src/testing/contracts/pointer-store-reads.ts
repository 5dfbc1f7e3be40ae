import assert from 'node:assert/strict'
import { run } from '../../../domain/task.js'
import { manualClock } from '../clock.js'
import { item } from './items.js'
import type { MakePointerStore } from './pointer-store.js'
import type { ContractPromise } from './promise.js'

const numbered = (count: number, of: string) =>
  Array.from({ length: count }, (_, n) => item(of, String(n).padStart(6, '0'), { n, of }))

/** Of many items at once. */
export const pointerReadContract: ReadonlyArray<ContractPromise<MakePointerStore>> = [
  {
    promise: 'getAll answers in the order of the keys, hundreds too, with nothing where there is no item',
    check: async (make) => {
      const pointers = await make(manualClock())
      const items = [...numbered(150, 'V#a'), ...numbered(150, 'V#b')]
      await run(pointers.putAll(items))
      for (const count of [1, 99, 100, 101, 300]) {
        // 7 has no divisor in common with 300, so that each comes once, and not in the order of the keys.
        const asked = Array.from({ length: count }, (_, i) => items[(i * 7) % items.length] as (typeof items)[number])
        assert.deepEqual(await run(pointers.getAll(asked)), asked)
        const absent = asked.map(({ pk, sk }) => ({ pk, sk: `${sk}~` }))
        const between = asked.flatMap((each, i) => [each, absent[i] as (typeof absent)[number]])
        assert.deepEqual(
          await run(pointers.getAll(between)),
          asked.flatMap((each) => [each, undefined]),
        )
      }
      assert.deepEqual(await run(pointers.getAll([])), [])
    },
  },
  {
    promise: 'getAll answers a key as often as it was asked',
    check: async (make) => {
      const pointers = await make(manualClock())
      const [a, b] = numbered(2, 'V#a')
      assert.ok(a !== undefined && b !== undefined)
      await run(pointers.putAll([a, b]))
      const absent = { pk: 'V#a', sk: 'none' }
      assert.deepEqual(await run(pointers.getAll([b, a, absent, b, b, absent])), [b, a, undefined, b, b, undefined])
      const often = Array.from({ length: 250 }, (_, n) => (n % 2 === 0 ? a : b))
      assert.deepEqual(await run(pointers.getAll(often)), often)
    },
  },
  {
    promise: 'getAll sees what was written before it, with its rev, and none that has expired',
    check: async (make) => {
      const clock = manualClock()
      const pointers = await make(clock)
      const expiresAt = Math.floor(clock.now() / 1_000_000) + 10
      const keys = ['a', 'b', 'c'].map((sk) => ({ pk: 'C#t', sk }))
      for (let rev = 1; rev <= 5; rev++) {
        const swapped = await run(pointers.compareAndSet(item('C#t', 'a', { n: rev }), rev - 1))
        assert.ok(swapped.done)
        assert.deepEqual(await run(pointers.getAll(keys)), [
          { ...item('C#t', 'a', { n: rev }), rev },
          undefined,
          undefined,
        ])
      }
      const passing = { ...item('C#t', 'b'), expiresAt }
      await run(pointers.putAll([passing, { ...item('C#t', 'c'), expiresAt: expiresAt + 1 }]))
      assert.deepEqual((await run(pointers.getAll(keys)))[1], passing)
      clock.advance(10_000)
      const [a, b, c] = await run(pointers.getAll(keys))
      assert.deepEqual([a?.rev, b, c?.expiresAt], [5, undefined, expiresAt + 1])
    },
  },
]
