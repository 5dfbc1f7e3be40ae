import assert from 'node:assert/strict'
import { run } from '../../../domain/task.js'
import type { MakeBlobStore } from './blob-store.js'
import { bytesOf, type ContractPromise, refusal, textOf } from './promise.js'

const logKey = 't/log/0/00000000000000000001.ndjson'

export const blobReadContract: ReadonlyArray<ContractPromise<MakeBlobStore>> = [
  {
    promise: 'an object that was never written is absent, and its neighbours do not stand for it',
    check: async (make) => {
      const blobs = await make()
      await run(blobs.createIfAbsent('t/a/b', bytesOf('x')))
      for (const key of ['t/a/bc', 't/a/c', 't/ab', 'u', 't', 't/a', 't/a/b/c']) {
        assert.equal(await run(blobs.get(key)), undefined, key)
        assert.equal(await run(blobs.head(key)), undefined, key)
      }
    },
  },
  {
    promise: 'an object is read back byte for byte, every byte value and the empty object included',
    check: async (make) => {
      const blobs = await make()
      const every = Uint8Array.from({ length: 1024 }, (_, i) => i & 0xff)
      await run(blobs.createIfAbsent(logKey, every))
      await run(blobs.put('t/empty', new Uint8Array(0)))
      assert.deepEqual(Uint8Array.from((await run(blobs.get(logKey)))?.bytes ?? []), every)
      assert.equal((await run(blobs.get('t/empty')))?.bytes.length, 0)
      assert.equal((await run(blobs.head('t/empty')))?.size, 0)
    },
  },
  {
    promise: 'an object of several megabytes is read back whole',
    check: async (make) => {
      const blobs = await make()
      const large = new Uint8Array(5 * 1024 * 1024 + 17)
      for (let i = 0; i < large.length; i++) large[i] = (i * 31 + (i >> 13)) & 0xff
      await run(blobs.createIfAbsent('t/blobs/large', large))
      await run(blobs.put('t/large', large))
      for (const key of ['t/blobs/large', 't/large']) {
        const found = await run(blobs.get(key))
        assert.ok(found !== undefined && Buffer.compare(found.bytes, large) === 0, key)
        const tail = await run(blobs.get(key, { start: large.length - 200_000, end: large.length }))
        assert.ok(tail !== undefined && Buffer.compare(tail.bytes, large.subarray(-200_000)) === 0, key)
      }
    },
  },
  {
    promise: 'a range is its bytes: cut where it passes the end, empty where it starts past it',
    check: async (make) => {
      const blobs = await make()
      for (const key of [logKey, 't/mutable']) {
        await run(blobs.createIfAbsent(key, bytesOf('0123456789')))
        const range = async (start: number, end: number) => textOf((await run(blobs.get(key, { start, end })))?.bytes)
        assert.equal(await range(0, 10), '0123456789')
        assert.equal(await range(2, 5), '234')
        assert.equal(await range(9, 10), '9')
        assert.equal(await range(7, 100), '789')
        assert.equal(await range(10, 20), '')
        assert.equal(await range(50, 60), '')
        assert.equal(await range(4, 4), '')
      }
      await run(blobs.put('t/empty', new Uint8Array(0)))
      assert.equal((await run(blobs.get('t/empty', { start: 0, end: 4 })))?.bytes.length, 0)
    },
  },
  {
    promise: 'a range of an absent object is absent, and one that is no range is refused',
    check: async (make) => {
      const blobs = await make()
      assert.equal(await run(blobs.get('t/absent', { start: 0, end: 1 })), undefined)
      for (const [start, end] of [
        [-1, 2],
        [3, 2],
        [0.5, 2],
        [0, Number.NaN],
      ] as const) {
        await refusal(blobs.get('t/absent', { start, end }), 'InvalidInput')
      }
    },
  },
  {
    promise: 'get and head agree on the etag, which stays while the object does',
    check: async (make) => {
      const blobs = await make()
      for (const key of [logKey, 't/mutable']) {
        await run(blobs.createIfAbsent(key, bytesOf('one')))
        const first = await run(blobs.head(key))
        assert.equal(first?.size, 3)
        assert.equal((await run(blobs.get(key)))?.etag, first.etag)
        assert.equal((await run(blobs.get(key, { start: 1, end: 2 })))?.etag, first.etag)
        assert.equal(await run(blobs.createIfAbsent(key, bytesOf('two'))), 'exists')
        assert.equal((await run(blobs.head(key)))?.etag, first.etag)
      }
    },
  },
  {
    promise: 'many reads at once, of more objects than any cache holds, each get their own object',
    check: async (make) => {
      const blobs = await make()
      const keys = Array.from({ length: 400 }, (_, i) => `t/log/0/${String(i).padStart(20, '0')}.ndjson`)
      for (const key of keys) await run(blobs.createIfAbsent(key, bytesOf(key.repeat(20))))
      for (let round = 0; round < 3; round++) {
        const found = await Promise.all(keys.map((key) => run(blobs.get(key))))
        keys.forEach((key, i) => {
          assert.equal(textOf(found[i]?.bytes), key.repeat(20))
        })
      }
    },
  },
  {
    promise: 'what a caller does to the bytes that it was handed changes nothing',
    check: async (make) => {
      const blobs = await make()
      for (const key of [logKey, 't/mutable']) {
        await run(blobs.createIfAbsent(key, bytesOf('stored')))
        ;(await run(blobs.get(key)))?.bytes.fill(0)
        ;(await run(blobs.get(key, { start: 0, end: 3 })))?.bytes.fill(0)
        assert.equal(textOf((await run(blobs.get(key)))?.bytes), 'stored')
      }
    },
  },
  {
    promise: 'a key with an empty segment, a dot segment or a NUL is refused by every call',
    check: async (make) => {
      const blobs = await make()
      for (const key of ['', '/a', 'a/', 'a//b', '.', '..', 'a/../b', './a', 'a/.', 'a\0b', 'a/\ud800']) {
        await refusal(blobs.get(key), 'InvalidInput')
        await refusal(blobs.head(key), 'InvalidInput')
        await refusal(blobs.createIfAbsent(key, bytesOf('x')), 'InvalidInput')
        await refusal(blobs.replaceIfMatch(key, bytesOf('x'), 'etag'), 'InvalidInput')
        await refusal(blobs.put(key, bytesOf('x')), 'InvalidInput')
        await refusal(blobs.delete([key]), 'InvalidInput')
      }
    },
  },
]
