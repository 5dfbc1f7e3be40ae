import assert from 'node:assert/strict'
import type { BlobStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import type { MakeBlobStore } from './blob-store.js'
import { bytesOf, type ContractPromise, refusal } from './promise.js'

/** Every key with a prefix, page by page. */
async function keysOf(blobs: BlobStore, prefix: string, limit = 1000, start?: string): Promise<string[]> {
  const keys: string[] = []
  for (let after = start; ; after = keys.at(-1)) {
    const page = await run(blobs.list(prefix, { limit, ...(after !== undefined && { after }) }))
    assert.ok(page.entries.length <= limit, 'a page is longer than its limit')
    assert.ok(page.entries.length > 0 || !page.more, 'a page without entries says that more follow')
    keys.push(...page.entries.map((entry) => entry.key))
    if (!page.more) return keys
  }
}

async function fill(blobs: BlobStore, keys: ReadonlyArray<string>): Promise<void> {
  for (const key of keys) await run(blobs.put(key, bytesOf(key)))
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

export const blobListContract: ReadonlyArray<ContractPromise<MakeBlobStore>> = [
  {
    promise: 'an empty store lists nothing',
    check: async (make) => {
      const blobs = await make()
      assert.deepEqual(await run(blobs.list('', { limit: 1 })), { entries: [], more: false })
      assert.deepEqual(await run(blobs.list('t/log/', { limit: 1 })), { entries: [], more: false })
    },
  },
  {
    promise: 'keys come in ascending byte order, whatever lies before or after a slash',
    check: async (make) => {
      const blobs = await make()
      const keys = [
        'a/b/c',
        'a/b-c',
        'a/b0',
        'a-b',
        'a.b',
        'a/B',
        'a/b/d/e',
        'a0',
        'b',
        'a/b%2F',
        'A/z',
        'a/b/c-1',
        'a/~',
      ]
      await fill(blobs, keys)
      assert.deepEqual(await keysOf(blobs, ''), [...keys].sort(byBytes))
      assert.deepEqual(await keysOf(blobs, '', 2), [...keys].sort(byBytes))
    },
  },
  {
    promise: 'keys beyond ASCII come in the order of their UTF-8 bytes',
    check: async (make) => {
      const blobs = await make()
      const keys = ['t/é', 't/z', 't/ｚ', 't/𝒳', 't/\uffff', 't/ä', 't/€/x']
      await fill(blobs, keys)
      const sorted = [...keys].sort(byBytes)
      assert.notDeepEqual(sorted, [...keys].sort())
      assert.deepEqual(await keysOf(blobs, 't/', 3), sorted)
      for (const [i, key] of sorted.entries()) assert.deepEqual(await keysOf(blobs, 't/', 10, key), sorted.slice(i + 1))
    },
  },
  {
    promise: 'a prefix is text: it ends anywhere, and with a slash it keeps a from ab',
    check: async (make) => {
      const blobs = await make()
      await fill(blobs, ['a/1', 'a/2', 'ab/1', 'abc'])
      assert.deepEqual(await keysOf(blobs, 'a/'), ['a/1', 'a/2'])
      assert.deepEqual(await keysOf(blobs, 'a'), ['a/1', 'a/2', 'ab/1', 'abc'])
      assert.deepEqual(await keysOf(blobs, 'ab'), ['ab/1', 'abc'])
      assert.deepEqual(await keysOf(blobs, 'a/2'), ['a/2'])
      assert.deepEqual(await keysOf(blobs, 'a/2/'), [])
      assert.deepEqual(await keysOf(blobs, 'x'), [])
    },
  },
  {
    promise: 'a page starts after `after`, which need not exist, and more says exactly whether others follow',
    check: async (make) => {
      const blobs = await make()
      await fill(blobs, ['t/1', 't/2/a', 't/2/b', 't/3'])
      const page = async (after: string | undefined, limit: number) => {
        const found = await run(blobs.list('t/', { limit, ...(after !== undefined && { after }) }))
        return [found.entries.map((entry) => entry.key), found.more]
      }
      assert.deepEqual(await page(undefined, 4), [['t/1', 't/2/a', 't/2/b', 't/3'], false])
      assert.deepEqual(await page(undefined, 3), [['t/1', 't/2/a', 't/2/b'], true])
      assert.deepEqual(await page('t/1', 1), [['t/2/a'], true])
      assert.deepEqual(await page('t/2', 1), [['t/2/a'], true])
      assert.deepEqual(await page('t/2/a', 5), [['t/2/b', 't/3'], false])
      assert.deepEqual(await page('t/2/z', 5), [['t/3'], false])
      assert.deepEqual(await page('t/3', 5), [[], false])
      assert.deepEqual(await page('z', 5), [[], false])
      assert.deepEqual(await page('a', 5), [['t/1', 't/2/a', 't/2/b', 't/3'], false])
    },
  },
  {
    promise: 'a listing shows every object whose write has returned, with its size, and none that was deleted',
    check: async (make) => {
      const blobs = await make()
      for (let i = 0; i < 30; i++) {
        await run(blobs.createIfAbsent(`t/log/0/${String(i).padStart(4, '0')}`, new Uint8Array(i)))
        const { entries } = await run(blobs.list('t/log/0/', { limit: 100 }))
        assert.equal(entries.length, i + 1)
        assert.equal(entries[i]?.size, i)
      }
      await run(blobs.put('t/x', bytesOf('x')))
      await run(blobs.delete(['t/x']))
      assert.deepEqual(await keysOf(blobs, 't/x'), [])
    },
  },
  {
    promise: 'paging through 1500 keys of one folder shows each once, while others are written before and after',
    check: async (make) => {
      const blobs = await make()
      const keys = Array.from({ length: 1500 }, (_, i) => `t/many/${String(i * 2).padStart(6, '0')}`)
      for (let i = 0; i < keys.length; i += 50) {
        await Promise.all(keys.slice(i, i + 50).map((key) => run(blobs.put(key, bytesOf('x')))))
      }
      const seen: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await run(blobs.list('t/many/', { limit: 400, ...(after !== undefined && { after }) }))
        seen.push(...page.entries.map((entry) => entry.key))
        if (!page.more) break
        after = seen.at(-1) as string
        await run(blobs.put(`t/many/000001-${seen.length}`, bytesOf('x')))
        await run(blobs.put(`t/many/9-${seen.length}`, bytesOf('x')))
      }
      assert.deepEqual(
        seen.filter((key) => !key.startsWith('t/many/9-')),
        keys,
      )
      assert.deepEqual(
        seen.filter((key) => key.startsWith('t/many/9-')),
        ['t/many/9-1200', 't/many/9-400', 't/many/9-800'],
      )
    },
  },
  {
    promise: 'a limit below one, or a prefix that leaves the store, is refused',
    check: async (make) => {
      const blobs = await make()
      for (const limit of [0, -1, 1.5, Number.NaN]) await refusal(blobs.list('', { limit }), 'InvalidInput')
      for (const prefix of ['../', '/', 'a//', 'a/../b'])
        await refusal(blobs.list(prefix, { limit: 1 }), 'InvalidInput')
    },
  },
]
