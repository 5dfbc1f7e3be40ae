import assert from 'node:assert/strict'
import { maxPrefixes, type PointerStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { manualClock } from '../clock.js'
import { allPages, item } from './items.js'
import type { MakePointerStore } from './pointer-store.js'
import { type ContractPromise, refusal } from './promise.js'

const numbered = (count: number, of: string) =>
  Array.from({ length: count }, (_, i) => item(of, String(i).padStart(4, '0')))
const names = (items: ReadonlyArray<{ pk: string; sk: string }>) => items.map(({ pk, sk }) => `${pk} ${sk}`).sort()
const left = async (pointers: PointerStore) =>
  names((await run(pointers.scan({ pkPrefixes: [''], limit: 10_000 }))).items)

export const pointerPrefixContract: ReadonlyArray<ContractPromise<MakePointerStore>> = [
  {
    promise: 'a scan finds every item whose partition key starts with the prefix, once, and no other',
    check: async (make) => {
      const pointers = await make(manualClock())
      const inside = ['V#a#1', 'V#a#2', 'V#a#é', 'V#a#'].flatMap((each) => numbered(7, each))
      await run(pointers.putAll([...inside, ...numbered(3, 'V#ab#1'), ...numbered(3, 'V#a'), ...numbered(3, 'W')]))
      const names = (items: ReadonlyArray<{ pk: string; sk: string }>) =>
        items.map(({ pk, sk }) => `${pk} ${sk}`).sort()
      for (const limit of [1, 4, 7, 28, 100]) {
        const pages = await allPages(pointers, { scan: { pkPrefixes: ['V#a#'], limit } })
        assert.ok(pages.every((page) => page.items.length <= limit))
        assert.deepEqual(names(pages.flatMap((page) => page.items)), names(inside))
      }
      assert.equal((await run(pointers.scan({ pkPrefixes: [''], limit: 1000 }))).items.length, 37)
      assert.deepEqual(await run(pointers.scan({ pkPrefixes: ['X'], limit: 5 })), { items: [] })
      const { token } = await run(pointers.scan({ pkPrefixes: ['V#a#'], limit: 1 }))
      assert.ok(token !== undefined)
      await refusal(pointers.scan({ pkPrefixes: ['V#'], limit: 1, token }), 'InvalidInput')
    },
  },
  {
    promise: 'a scan of several prefixes finds the items of each, once, however the prefixes overlap',
    check: async (make) => {
      const pointers = await make(manualClock())
      const inside = ['Q#a#1', 'V#a#1', 'V#a#2', 'V#a#\uffee', 'V#a#𝒳'].flatMap((each) => numbered(5, each))
      await run(pointers.putAll([...inside, ...['H#a', 'T#a#1', 'V#a', 'V#b#1'].flatMap((each) => numbered(5, each))]))
      for (const pkPrefixes of [
        ['V#a#', 'Q#a#'],
        ['X', 'Q#', 'V#a#2', 'V#a#', 'V#a#', 'V#a#𝒳'],
      ]) {
        for (const limit of [1, 5, 7, 24, 25, 26]) {
          const pages = await allPages(pointers, { scan: { pkPrefixes, limit } })
          assert.equal(pages.length, Math.ceil(25 / limit))
          assert.deepEqual(names(pages.flatMap((page) => page.items)), names(inside))
        }
      }
      assert.deepEqual(await run(pointers.scan({ pkPrefixes: [], limit: 5 })), { items: [] })
      assert.equal((await run(pointers.scan({ pkPrefixes: ['V#a#', ''], limit: 100 }))).items.length, 45)
    },
  },
  {
    promise: 'a token of a scan is bound to all of its prefixes, and there are at most 100 of them',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.putAll(['V#a', 'V#b'].flatMap((each) => numbered(3, each))))
      const { token } = await run(pointers.scan({ pkPrefixes: ['V#a', 'V#b'], limit: 1 }))
      assert.ok(token !== undefined)
      for (const pkPrefixes of [['V#a'], ['V#a', 'V#c'], ['V#a', 'V#b', 'V#c'], []])
        await refusal(pointers.scan({ pkPrefixes, limit: 1, token }), 'InvalidInput')
      const many = Array.from({ length: maxPrefixes }, (_, i) => `V#${i}`)
      assert.deepEqual(await run(pointers.scan({ pkPrefixes: many, limit: 1 })), { items: [] })
      await refusal(pointers.scan({ pkPrefixes: [...many, 'V#'], limit: 1 }), 'LimitExceeded')
      await refusal(pointers.deleteByPrefix([...many, 'V#']), 'LimitExceeded')
      assert.equal((await left(pointers)).length, 6)
    },
  },
  {
    promise: 'deleteByPrefix deletes what has the prefix, says how many, and leaves the rest',
    check: async (make) => {
      const pointers = await make(manualClock())
      const items = (of: string, count: number) =>
        Array.from({ length: count }, (_, i) => item(of, String(i), { seq: 1 }))
      await run(pointers.putAll([...items('V#a#1', 1500), ...items('V#a#2', 700)]))
      await run(pointers.putAll([...items('V#ab#1', 2), ...items('V#a', 2), ...items('W', 2)]))
      assert.equal(await run(pointers.deleteByPrefix(['V#a#'])), 2200)
      assert.equal(await run(pointers.deleteByPrefix(['V#a#'])), 0)
      assert.equal((await run(pointers.scan({ pkPrefixes: ['V#a#'], limit: 10 }))).items.length, 0)
      assert.equal((await run(pointers.scan({ pkPrefixes: ['V#a'], limit: 10 }))).items.length, 4)
      assert.equal((await run(pointers.query({ pk: 'W', limit: 10 }))).items.length, 2)
      assert.equal(await run(pointers.advance(item('V#a#1', '0', { seq: 9 }))), 'missing')
    },
  },
  {
    promise: 'deleteByPrefix of several prefixes deletes the items of each, counts each once, and of none deletes none',
    check: async (make) => {
      const pointers = await make(manualClock())
      const kept = ['H#a#0', 'V#ab#1', 'V#b#1'].flatMap((each) => numbered(2, each))
      await run(pointers.putAll([...kept, ...['Q#a#1', 'V#a#1', 'V#a#2'].flatMap((each) => numbered(600, each))]))
      assert.equal(await run(pointers.deleteByPrefix([])), 0)
      assert.equal((await left(pointers)).length, 1806)
      assert.equal(await run(pointers.deleteByPrefix(['V#a#', 'X', 'Q#a#', 'V#a#2'])), 1800)
      assert.deepEqual(await left(pointers), names(kept))
      assert.equal(await run(pointers.deleteByPrefix(['V', ''])), 6)
      assert.deepEqual(await left(pointers), [])
    },
  },
]
