import assert from 'node:assert/strict'
import { run } from '../../../domain/task.js'
import type { MakeBlobStore } from './blob-store.js'
import { bytesOf, type ContractPromise, refusal, textOf } from './promise.js'

const key = 't/state.json'
const racers = 64

export const blobWriteContract: ReadonlyArray<ContractPromise<MakeBlobStore>> = [
  {
    promise: 'the first create wins, and a later one changes nothing',
    check: async (make) => {
      const blobs = await make()
      assert.equal(await run(blobs.createIfAbsent('t/log/0/1', bytesOf('first'))), 'created')
      assert.equal(await run(blobs.createIfAbsent('t/log/0/1', bytesOf('second'))), 'exists')
      assert.equal(textOf((await run(blobs.get('t/log/0/1')))?.bytes), 'first')
    },
  },
  {
    promise: 'of 64 concurrent creates of one key exactly one is told created, and the object is that one, whole',
    check: async (make) => {
      const blobs = await make()
      for (let round = 0; round < 5; round++) {
        const contested = `t/log/0/${round}`
        const bodies = Array.from({ length: racers }, (_, i) => bytesOf(`racer ${i} `.repeat(100 + i)))
        const answers = await Promise.all(bodies.map((body) => run(blobs.createIfAbsent(contested, body))))
        assert.equal(answers.filter((answer) => answer === 'created').length, 1)
        assert.equal(answers.filter((answer) => answer === 'exists').length, racers - 1)
        const winner = bodies[answers.indexOf('created')]
        assert.equal(textOf((await run(blobs.get(contested)))?.bytes), textOf(winner))
      }
    },
  },
  {
    promise: 'no reader sees a part of an object while it is created, put or replaced',
    check: async (make) => {
      const blobs = await make()
      const body = (i: number): Uint8Array => bytesOf(String.fromCharCode(97 + i).repeat(300_000))
      let isDone = false
      const reading = (async () => {
        while (!isDone) {
          for (const each of ['t/log/0/whole', key]) {
            const text = textOf((await run(blobs.get(each)))?.bytes)
            if (text === undefined) continue
            assert.equal(text.length, 300_000)
            assert.equal(text[0], text.at(-1))
          }
          await new Promise((resolve) => setImmediate(resolve))
        }
      })()
      try {
        await run(blobs.createIfAbsent('t/log/0/whole', body(0)))
        for (let i = 0; i < 8; i++) await run(blobs.put(key, body(i)))
      } finally {
        isDone = true
      }
      await reading
    },
  },
  {
    promise: 'put creates and replaces, and the etag changes with the content',
    check: async (make) => {
      const blobs = await make()
      const etags = new Set<string>()
      for (const text of ['1', '2', '3', '4', '5', '6', '7', '8']) {
        await run(blobs.put(key, bytesOf(text)))
        assert.equal(textOf((await run(blobs.get(key)))?.bytes), text)
        etags.add((await run(blobs.head(key)))?.etag ?? '')
      }
      assert.equal(etags.size, 8)
    },
  },
  {
    promise: 'an object is replaced only by who knows its etag',
    check: async (make) => {
      const blobs = await make()
      await run(blobs.createIfAbsent(key, bytesOf('1')))
      const first = (await run(blobs.head(key)))?.etag ?? ''
      assert.equal(await run(blobs.replaceIfMatch(key, bytesOf('2'), first)), 'replaced')
      assert.equal(await run(blobs.replaceIfMatch(key, bytesOf('3'), first)), 'mismatch')
      assert.equal(textOf((await run(blobs.get(key)))?.bytes), '2')
      const second = (await run(blobs.get(key)))?.etag ?? ''
      assert.notEqual(second, first)
      assert.equal(await run(blobs.replaceIfMatch(key, bytesOf('3'), second)), 'replaced')
    },
  },
  {
    promise: 'replacing an absent object is a mismatch and creates nothing, deleted ones included',
    check: async (make) => {
      const blobs = await make()
      assert.equal(await run(blobs.replaceIfMatch(key, bytesOf('x'), '"none"')), 'mismatch')
      await run(blobs.put(key, bytesOf('1')))
      const etag = (await run(blobs.head(key)))?.etag ?? ''
      await run(blobs.delete([key]))
      assert.equal(await run(blobs.replaceIfMatch(key, bytesOf('x'), etag)), 'mismatch')
      assert.equal(await run(blobs.get(key)), undefined)
    },
  },
  {
    promise: 'an object that is deleted and written anew is another one, as quickly as it may happen',
    check: async (make) => {
      const blobs = await make()
      const etags = new Set<string>()
      for (let i = 0; i < 20; i++) {
        await run(blobs.put(key, bytesOf(String(100 + i))))
        etags.add((await run(blobs.head(key)))?.etag ?? '')
        await run(blobs.delete([key]))
      }
      assert.equal(etags.size, 20)
    },
  },
  {
    promise: 'of 32 concurrent replacements with one etag exactly one is made',
    check: async (make) => {
      const blobs = await make()
      for (let round = 0; round < 5; round++) {
        await run(blobs.put(key, bytesOf(`start ${round}`)))
        const etag = (await run(blobs.head(key)))?.etag ?? ''
        const answers = await Promise.all(
          Array.from({ length: 32 }, (_, i) => run(blobs.replaceIfMatch(key, bytesOf(`racer ${i}`), etag))),
        )
        assert.equal(answers.filter((answer) => answer === 'replaced').length, 1)
        assert.equal(textOf((await run(blobs.get(key)))?.bytes), `racer ${answers.indexOf('replaced')}`)
      }
    },
  },
  {
    promise: 'a counter that 8 callers raise through etags loses no count',
    check: async (make) => {
      const blobs = await make()
      await run(blobs.put(key, bytesOf('0')))
      const raise = async (): Promise<void> => {
        for (let done = 0; done < 8; ) {
          const current = await run(blobs.get(key))
          assert.ok(current !== undefined)
          const next = bytesOf(String(Number(textOf(current.bytes)) + 1))
          if ((await run(blobs.replaceIfMatch(key, next, current.etag))) === 'replaced') done++
        }
      }
      await Promise.all(Array.from({ length: 8 }, raise))
      assert.equal(textOf((await run(blobs.get(key)))?.bytes), '64')
    },
  },
  {
    promise: 'a delete removes what is there, and absent keys are no error',
    check: async (make) => {
      const blobs = await make()
      for (const each of ['t/a/1', 't/a/2', 't/b']) await run(blobs.put(each, bytesOf('x')))
      await run(blobs.delete(['t/a/1', 't/absent', 't/a/absent', 't/b/absent', 't/b']))
      await run(blobs.delete(['t/a/1']))
      await run(blobs.delete([]))
      assert.equal(await run(blobs.get('t/a/1')), undefined)
      assert.equal(await run(blobs.head('t/b')), undefined)
      assert.equal(textOf((await run(blobs.get('t/a/2')))?.bytes), 'x')
      assert.equal(await run(blobs.createIfAbsent('t/a/1', bytesOf('y'))), 'created')
    },
  },
  {
    promise: 'more than a thousand keys are deleted in one call',
    check: async (make) => {
      const blobs = await make()
      const keys = Array.from({ length: 1100 }, (_, i) => `t/part/${i}`)
      for (let i = 0; i < keys.length; i += 50) {
        await Promise.all(keys.slice(i, i + 50).map((each) => run(blobs.put(each, bytesOf('x')))))
      }
      await run(blobs.delete(keys))
      assert.deepEqual(await run(blobs.list('t/', { limit: 10 })), { entries: [], more: false })
    },
  },
  {
    promise: 'commits and large bodies are never deleted, and a call that names one deletes nothing',
    check: async (make) => {
      const blobs = await make()
      for (const each of ['t/log/0/1', 't/blobs/abc', 't/other']) await run(blobs.createIfAbsent(each, bytesOf('x')))
      await refusal(blobs.delete(['t/other', 't/log/0/1']), 'InvalidInput')
      await refusal(blobs.delete(['t/blobs/abc']), 'InvalidInput')
      for (const each of ['t/log/0/1', 't/blobs/abc', 't/other']) {
        assert.equal(textOf((await run(blobs.get(each)))?.bytes), 'x')
      }
    },
  },
  {
    promise: 'a buffer may be reused as soon as the write has returned',
    check: async (make) => {
      const blobs = await make()
      const buffer = bytesOf('stored')
      await run(blobs.createIfAbsent('t/log/0/1', buffer))
      await run(blobs.put(key, buffer))
      buffer.fill(0)
      assert.equal(textOf((await run(blobs.get('t/log/0/1')))?.bytes), 'stored')
      assert.equal(textOf((await run(blobs.get(key)))?.bytes), 'stored')
    },
  },
]
