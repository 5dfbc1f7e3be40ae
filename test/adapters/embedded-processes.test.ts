import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { run } from '../../domain/task.js'
import { makeFolders } from './embedded-folder.js'
import { runChildSync, startChild, until } from './processes.js'

const folders = makeFolders()
afterAll(folders.removeAll)

const processes = 4

describe('an embedded store shared by processes', () => {
  test('each of 200 keys that four processes create at once has exactly one creator, whose bytes it holds', async () => {
    const path = folders.folder()
    const children = Array.from({ length: processes }, () => startChild('create', path, '200'))
    const answers = (await Promise.all(children.map((child) => child.ended))).flat() as Array<{
      pid: number
      won: number[]
    }>
    const winners = answers.flatMap(({ pid, won }) => won.map((i) => [i, pid] as const))
    assert.equal(winners.length, 200)
    assert.equal(new Map(winners).size, 200)
    const { blobs } = await folders.openStore(path)
    for (const [i, pid] of winners) {
      const found = await run(blobs.get(`t/log/0/${i}`))
      assert.equal(Buffer.from(found?.bytes ?? []).toString(), `${pid} `.repeat(200))
    }
  })

  test('no count is lost when four processes raise one counter by etag and one by rev', async () => {
    const path = folders.folder()
    const store = await folders.openStore(path)
    await run(store.blobs.put('t/counter', Buffer.from('0')))
    await run(store.pointers.putAll([{ pk: 'H#t#0', sk: 'head', attributes: { seq: 0 } }]))
    await Promise.all(Array.from({ length: processes }, () => startChild('count', path, '25').ended))
    assert.equal(Buffer.from((await run(store.blobs.get('t/counter')))?.bytes ?? []).toString(), '100')
    assert.deepEqual((await run(store.pointers.get('C#t', 'n')))?.attributes, { n: 100 })
    assert.equal((await run(store.pointers.get('C#t', 'n')))?.rev, 100)
    assert.deepEqual((await run(store.pointers.get('H#t#0', 'head')))?.attributes, { seq: 100 })
  })

  test('nothing that was written is lost while other processes open and close the store', async () => {
    const path = folders.folder()
    const { pointers } = await folders.openStore(path)
    const item = (n: number, i: number) => ({ pk: `V#t#${n}`, sk: String(i), attributes: { n } })
    const children = [1, 2].map(() => startChild('reopen', path, '200'))
    let isOver = false
    const ended = Promise.all(children.map((child) => child.ended)).finally(() => {
      isOver = true
    })
    let written = 0
    for (; !isOver; written++) {
      // A few at once go another way than many.
      const items = Array.from({ length: written % 10 === 0 ? 40 : 2 }, (_, i) => item(written, i))
      await run(pointers.putAll(items))
      if (written % 50 === 0) await new Promise(setImmediate)
    }
    await ended
    const lost: number[] = []
    for (let n = 0; n < written; n++) if ((await run(pointers.get(`V#t#${n}`, '1'))) === undefined) lost.push(n)
    assert.deepEqual(lost, [])
  })

  test('what another process wrote is read at once, in the same turn of the event loop', async () => {
    const path = folders.folder()
    const { pointers } = await folders.openStore(path)
    assert.equal(await run(pointers.get('C#t', 'said')), undefined)
    runChildSync('put', path, 'one')
    assert.equal((await run(pointers.get('C#t', 'said')))?.attributes.by, 'one')
    assert.equal((await run(pointers.query({ pk: 'C#t', limit: 5 }))).items.length, 1)
    runChildSync('put', path, 'two')
    assert.equal((await run(pointers.query({ pk: 'C#t', limit: 5 }))).items[0]?.attributes.by, 'two')
    runChildSync('put', path, 'three')
    assert.equal((await run(pointers.scan({ pkPrefixes: ['C#'], limit: 5 }))).items[0]?.attributes.by, 'three')
    runChildSync('put', path, 'four')
    assert.equal((await run(pointers.getAll([{ pk: 'C#t', sk: 'said' }])))[0]?.attributes.by, 'four')
  })

  test('a process killed while it writes leaves whole objects only, and its temp files are swept', async () => {
    const path = folders.folder()
    let whole = 0
    for (let round = 0; round < 4; round++) {
      const child = startChild('crash', path)
      await until(() => child.said.length > 3 + round * 4)
      child.process.kill('SIGKILL')
      await child.ended.catch(() => undefined)
      // A writer that dies between two steps: half an object under a name of its own.
      const [namespace] = fs.existsSync('/proc/self/ns/pid')
        ? [fs.readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')]
        : ['host']
      fs.writeFileSync(join(path, 'tmp', `${namespace}.${child.process.pid}.aaaa.1`), 'half an obj')

      const store = await folders.openStore(path)
      assert.equal(store.pointersLost, false)
      assert.equal((await run(store.pointers.get('C#t', 'said')))?.attributes.by, 'the one that crashed')
      assert.deepEqual(fs.readdirSync(join(path, 'tmp')), [])
      const { entries } = await run(store.blobs.list('t/', { limit: 10_000 }))
      assert.ok(entries.length > child.said.length)
      for (const { key } of entries) {
        const bytes = Buffer.from((await run(store.blobs.get(key)))?.bytes ?? [])
        assert.equal(createHash('sha256').update(bytes.subarray(64)).digest('hex'), bytes.toString('utf8', 0, 64), key)
        whole++
      }
      for (const i of child.said) {
        assert.ok(entries.some(({ key }) => key === `t/log/0/${String(i).padStart(6, '0')}`))
      }
      await store.close()
    }
    assert.ok(whole > 20)
  })

  test('a bell rung by another process is heard here', async () => {
    const path = folders.folder()
    const { doorbell } = await folders.openStore(path)
    const heard: string[] = []
    const subscription = doorbell.listen().subscribe((ring) => heard.push(ring.log))
    const child = startChild('ring', path)
    await until(() => heard.length > 0)
    subscription.unsubscribe()
    await child.ended
    assert.ok(heard.every((log) => log === '*'))
  })

  test('an open store and its listener do not keep a process alive', async () => {
    await startChild('listen', folders.folder()).ended
  })
})
