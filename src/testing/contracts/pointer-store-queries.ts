import assert from 'node:assert/strict'
import { run } from '../../../domain/task.js'
import { manualClock } from '../clock.js'
import { allPages, item, skOf } from './items.js'
import type { MakePointerStore } from './pointer-store.js'
import { type ContractPromise, refusal } from './promise.js'

const pk = 'V#t#Patient/1'
const numbered = (count: number, of = pk) =>
  Array.from({ length: count }, (_, i) => item(of, String(i).padStart(4, '0')))

export const pointerQueryContract: ReadonlyArray<ContractPromise<MakePointerStore>> = [
  {
    promise: 'an item is read back as it was written, and an absent one is absent',
    check: async (make) => {
      const pointers = await make(manualClock())
      const attributes = {
        op: 'update',
        seq: 9_007_199_254_740_991,
        part: -0.5,
        deleted: false,
        ok: true,
        text: 'é𝒳"\n',
        empty: '',
      }
      await run(pointers.putAll([item(pk, '1', attributes), item(pk, '2')]))
      assert.deepEqual(await run(pointers.get(pk, '1')), item(pk, '1', attributes))
      assert.deepEqual(await run(pointers.get(pk, '2')), item(pk, '2'))
      for (const [p, s] of [
        [pk, '3'],
        [pk, '11'],
        ['V#t#Patient/11', '1'],
        ['V#t#Patient/', '1'],
      ] as const) {
        assert.equal(await run(pointers.get(p, s)), undefined)
      }
    },
  },
  {
    promise: 'an attribute has any name, also one that a store uses for itself',
    check: async (make) => {
      const pointers = await make(manualClock())
      const names = [
        'pk',
        'sk',
        'rev',
        '_rev',
        '__rev',
        '_write',
        'expires_at',
        '_expires_at',
        'expiresAt',
        'attributes',
      ]
      const attributes = Object.fromEntries([...names, 'size', '#x', 'a b', 'é', '1'].map((name, i) => [name, i]))
      await run(pointers.putAll([item(pk, '1', attributes)]))
      assert.deepEqual(await run(pointers.get(pk, '1')), item(pk, '1', attributes))
      const swapped = { ...item(pk, '2', attributes), rev: 1 }
      assert.deepEqual(await run(pointers.compareAndSet(item(pk, '2', attributes), 0)), { done: true, item: swapped })
      assert.deepEqual(await run(pointers.get(pk, '2')), swapped)
    },
  },
  {
    promise: 'a query sees every item of its partition and none of a partition with a longer or shorter name',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.putAll(['V#a', 'V#ab', 'V#', 'V#a#', 'V#b'].flatMap((each) => numbered(3, each))))
      for (const each of ['V#a', 'V#ab', 'V#', 'V#a#', 'V#b']) {
        for (const descending of [false, true]) {
          const page = await run(pointers.query({ pk: each, descending, limit: 100 }))
          assert.equal(page.items.length, 3)
          assert.ok(page.items.every((found) => found.pk === each))
          assert.equal(page.token, undefined)
        }
      }
      assert.deepEqual(await run(pointers.query({ pk: 'V#abc', limit: 10 })), { items: [] })
    },
  },
  {
    promise: 'sort keys are ordered by their UTF-8 bytes, in both directions',
    check: async (make) => {
      const pointers = await make(manualClock())
      const keys = ['a', 'Z', 'ab', 'é', '10', '9', '\uffee', '𝒳', 'a#', 'a/', '\u0001', '~', '€', '𝒳a']
      await run(pointers.putAll(keys.map((sk) => item(pk, sk))))
      const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      assert.notDeepEqual(sorted, [...keys].sort())
      assert.deepEqual(skOf(await run(pointers.query({ pk, limit: 100 }))), sorted)
      assert.deepEqual(skOf(await run(pointers.query({ pk, limit: 100, descending: true }))), sorted.toReversed())
    },
  },
  {
    promise: 'bounds are included, need not exist, and hold in both directions',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.putAll(['b', 'd', 'f', 'h'].map((sk) => item(pk, sk))))
      const between = async (from?: string, to?: string, descending = false) => {
        const bounds = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
        return skOf(await run(pointers.query({ pk, descending, limit: 10, ...bounds }))).join('')
      }
      assert.equal(await between('d', 'f'), 'df')
      assert.equal(await between('d', 'f', true), 'fd')
      assert.equal(await between('c', 'g'), 'df')
      assert.equal(await between('c', 'g', true), 'fd')
      assert.equal(await between('d'), 'dfh')
      assert.equal(await between('d', undefined, true), 'hfd')
      assert.equal(await between(undefined, 'd'), 'bd')
      assert.equal(await between(undefined, 'd', true), 'db')
      assert.equal(await between('d', 'd'), 'd')
      assert.equal(await between('e', 'e'), '')
      assert.equal(await between('f', 'd'), '')
      assert.equal(await between('f', 'd', true), '')
      assert.equal(await between('i'), '')
      assert.equal(await between(undefined, 'a', true), '')
    },
  },
  {
    promise: 'a page holds as many items as its limit allows, and has a token only if others follow',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.putAll(numbered(10)))
      for (const descending of [false, true]) {
        for (const limit of [1, 3, 5, 9, 10, 11]) {
          const pages = await allPages(pointers, { query: { pk, limit, descending } })
          assert.equal(pages.length, Math.ceil(10 / limit))
          for (const page of pages.slice(0, -1)) assert.equal(page.items.length, limit)
          const found = pages.flatMap(skOf)
          const expected = numbered(10).map((each) => each.sk)
          assert.deepEqual(found, descending ? expected.reverse() : expected)
        }
      }
    },
  },
  {
    promise: 'pages stay inside the bounds of their query',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.putAll(numbered(20)))
      for (const descending of [false, true]) {
        const pages = await allPages(pointers, { query: { pk, from: '0003', to: '0016', limit: 4, descending } })
        const found = pages.flatMap(skOf).sort()
        assert.deepEqual(
          found,
          numbered(20)
            .map((each) => each.sk)
            .slice(3, 17),
        )
      }
    },
  },
  {
    promise: 'a page neither repeats nor skips an item while others are written and deleted',
    check: async (make) => {
      const pointers = await make(manualClock())
      for (const descending of [false, true]) {
        await run(pointers.deleteByPrefix(['V#']))
        await run(pointers.putAll(['b', 'd', 'f', 'h', 'j'].map((sk) => ({ ...item(pk, sk), rev: 1 }))))
        const query = { pk, limit: 2, descending }
        const first = await run(pointers.query(query))
        // The item on which the page ended goes, and others come right beside it, before and after.
        const last = first.items[1]?.sk ?? ''
        await run(pointers.transact([{ kind: 'delete', pk, sk: last, expected: 1 }]))
        await run(pointers.putAll(['a', `${last}0`, 'k'].map((sk) => item(pk, sk))))
        assert.ok(first.token !== undefined)
        const rest = await allPages(pointers, { query: { ...query, token: first.token } })
        const found = [...first.items.map((each) => each.sk), ...rest.flatMap(skOf)]
        assert.deepEqual(found, descending ? ['j', 'h', 'f', 'd', 'b', 'a'] : ['b', 'd', 'd0', 'f', 'h', 'j', 'k'])
      }
    },
  },
  {
    promise: 'a token is refused by every query but its own, and so is one that was made up or damaged',
    check: async (make) => {
      const pointers = await make(manualClock())
      await run(pointers.putAll([...numbered(5), ...numbered(5, 'V#t#Patient/2')]))
      const query = { pk, from: '0001', to: '0004', limit: 1 }
      const { token } = await run(pointers.query(query))
      assert.ok(token !== undefined)
      for (const other of [
        { ...query, pk: 'V#t#Patient/2' },
        { ...query, from: '0000' },
        { ...query, to: '0003' },
        { pk, limit: 1 },
        { ...query, descending: true },
      ]) {
        await refusal(pointers.query({ ...other, token }), 'InvalidInput')
      }
      const flipped = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')
      for (const damaged of ['', 'x', token.slice(1), `${token}AAAA`, `${token} `, flipped, '!'.repeat(20)]) {
        await refusal(pointers.query({ ...query, token: damaged }), 'InvalidInput')
        await refusal(pointers.scan({ pkPrefixes: ['V#'], limit: 1, token: damaged }), 'InvalidInput')
      }
      await refusal(pointers.scan({ pkPrefixes: [pk], limit: 1, token }), 'InvalidInput')
      assert.deepEqual(skOf(await run(pointers.query({ ...query, limit: 2, token }))), ['0002', '0003'])
    },
  },
  {
    promise: 'a limit below one is refused, and so is a key that is empty, holds a NUL or is too long',
    check: async (make) => {
      const pointers = await make(manualClock())
      for (const limit of [0, -1, 0.5, Number.NaN]) {
        await refusal(pointers.query({ pk, limit }), 'InvalidInput')
        await refusal(pointers.scan({ pkPrefixes: ['V'], limit }), 'InvalidInput')
      }
      for (const [p, s] of [
        ['', 's'],
        ['p', ''],
        ['p\0q', 's'],
        ['p', 's\0'],
        ['p', '\ud800'],
        ['p', 'é'.repeat(1500)],
        ['p', 'é'.repeat(513)],
      ] as const) {
        await refusal(pointers.get(p, s), 'InvalidInput')
        await refusal(
          pointers.getAll([
            { pk, sk: '1' },
            { pk: p, sk: s },
          ]),
          'InvalidInput',
        )
        await refusal(pointers.putAll([item('p', 's'), item(p, s)]), 'InvalidInput')
        await refusal(pointers.compareAndSet(item(p, s), 0), 'InvalidInput')
        await refusal(pointers.advance(item(p, s, { seq: 1 })), 'InvalidInput')
        await refusal(pointers.transact([{ kind: 'put', item: item(p, s), expected: 0 }]), 'InvalidInput')
      }
      assert.equal(await run(pointers.get('p', 's')), undefined)
      const longest = item('p'.repeat(896), 's'.repeat(1024), { seq: 1 })
      await run(pointers.putAll([longest]))
      assert.deepEqual(await run(pointers.get(longest.pk, longest.sk)), longest)
    },
  },
]
