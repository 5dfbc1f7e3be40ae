import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { maxOpenObjects } from '../../adapters/embedded/object-reads.js'
import { run } from '../../domain/task.js'
import { refusal } from '../../src/testing/contracts/promise.js'
import { makeFolders } from './embedded-folder.js'

const folders = makeFolders()
afterAll(folders.removeAll)

const body = Buffer.from('the body')

describe('the objects of an embedded store', () => {
  test('are files that a person finds by their key', async () => {
    const path = folders.folder()
    const { blobs } = await folders.openStore(path)
    await run(blobs.createIfAbsent('t/log/0/00000000000000000001.ndjson', body))
    assert.deepEqual(fs.readFileSync(join(path, 'objects/t/log/0/00000000000000000001.ndjson')), body)
  })

  test('a key cannot be an object and hold others', async () => {
    const { blobs } = await folders.openStore()
    await run(blobs.put('t/a', body))
    await run(blobs.put('t/folder/a', body))
    for (const key of ['t/a/b', 't/folder']) {
      await refusal(blobs.createIfAbsent(key, body), 'InvalidInput')
      await refusal(blobs.put(key, body), 'InvalidInput')
    }
    await run(blobs.delete(['t/folder', 't/a/b']))
    assert.equal((await run(blobs.list('t/', { limit: 9 }))).entries.length, 2)
  })

  test('a segment that is too long for a file name is refused', async () => {
    const { blobs } = await folders.openStore()
    await refusal(blobs.createIfAbsent(`t/${'x'.repeat(256)}`, body), 'InvalidInput')
  })

  test('open descriptors stay bounded while every read gets its own object', async () => {
    const { blobs } = await folders.openStore()
    const count = maxOpenObjects * 2
    const bodyOf = (i: number) => Buffer.alloc(i % 3 === 0 ? 70_000 : 100, `${i} `)
    for (let i = 0; i < count; i++) await run(blobs.createIfAbsent(`t/blobs/${i}`, bodyOf(i)))
    const openFiles = (): number => fs.readdirSync('/proc/self/fd').length
    const before = openFiles()
    for (let round = 0; round < 4; round++) {
      const order = Array.from({ length: count }, (_, i) => (i * 7 + round) % count)
      await Promise.all(
        order.map(async (i) =>
          assert.deepEqual(Buffer.from((await run(blobs.get(`t/blobs/${i}`)))?.bytes ?? []), bodyOf(i)),
        ),
      )
    }
    assert.ok(openFiles() - before <= maxOpenObjects + 8, `${openFiles() - before} more open files`)
  })

  test('an object that was replaced or removed by hand is not served from an open descriptor', async () => {
    const path = folders.folder()
    const { blobs } = await folders.openStore(path)
    const file = join(path, 'objects/t/log/0/1')
    await run(blobs.createIfAbsent('t/log/0/1', body))
    await run(blobs.get('t/log/0/1'))
    fs.writeFileSync(`${file}.new`, 'redacted')
    fs.renameSync(`${file}.new`, file)
    assert.equal(Buffer.from((await run(blobs.get('t/log/0/1')))?.bytes ?? []).toString(), 'redacted')
    fs.rmSync(file)
    assert.equal(await run(blobs.get('t/log/0/1')), undefined)
  })

  test('a large folder, whose names are kept between pages, shows what was written since', async () => {
    const path = folders.folder()
    const { blobs } = await folders.openStore(path)
    const folder = join(path, 'objects/t/many')
    fs.mkdirSync(folder, { recursive: true })
    for (let i = 0; i < 1200; i++) fs.writeFileSync(join(folder, String(i).padStart(5, '0')), 'x')
    const past = Date.now() / 1000 - 100
    fs.utimesSync(folder, past, past)
    const count = async () => (await run(blobs.list('t/many/', { limit: 5000 }))).entries.length
    assert.equal(await count(), 1200)
    assert.equal(await count(), 1200)
    await run(blobs.put('t/many/0', body))
    assert.equal(await count(), 1201)
    await run(blobs.delete(['t/many/0', 't/many/00001']))
    assert.equal(await count(), 1199)
  })

  test('old temp files are swept on opening, and those of the living stay', async () => {
    const path = folders.folder()
    const store = await folders.openStore(path)
    const [old, alive] = ['unknown.1.aaaa.1', 'unknown.2.aaaa.1'].map((name) => join(path, 'tmp', name)) as [
      string,
      string,
    ]
    for (const each of [old, alive]) fs.writeFileSync(each, 'x')
    const past = Date.now() / 1000 - 3700
    fs.utimesSync(old, past, past)
    await folders.openStore(path)
    assert.equal(fs.existsSync(old), false)
    assert.equal(fs.existsSync(alive), true)
    await store.close()
  })
})

describe('closing an embedded store', () => {
  test('waits for calls in flight, refuses later ones, and may be repeated', async () => {
    const path = folders.folder()
    const store = await folders.openStore(path)
    const writing = Array.from({ length: 20 }, (_, i) => store.blobs.createIfAbsent(`t/log/0/${i}`, body)())
    const many = Array.from({ length: 500 }, (_, i) => ({ pk: 'V#t', sk: String(i), attributes: {} }))
    const putting = store.pointers.putAll(many)()
    await Promise.all([store.close(), store.close()])
    await store.close()
    for (const result of await Promise.all(writing)) assert.equal(result._tag, 'Right')
    assert.equal((await putting)._tag, 'Right')
    await refusal(store.blobs.get('t/log/0/1'), 'Cancelled')
    await refusal(store.blobs.createIfAbsent('t/log/0/99', body), 'Cancelled')
    await refusal(store.pointers.get('V#t', '1'), 'Cancelled')
    await refusal(store.pointers.putAll(many), 'Cancelled')
    store.doorbell.ring('t/0', 1)
    const again = await folders.openStore(path)
    assert.equal((await run(again.pointers.query({ pk: 'V#t', limit: 1000 }))).items.length, 500)
  })

  test('of one of two stores on a folder leaves the other working', async () => {
    const path = folders.folder()
    const [one, two] = [await folders.openStore(path), await folders.openStore(path)]
    await run(one.pointers.putAll([{ pk: 'V#t', sk: '1', attributes: {} }]))
    await one.close()
    assert.equal((await run(two.pointers.query({ pk: 'V#t', limit: 10 }))).items.length, 1)
    await run(two.pointers.compareAndSet({ pk: 'V#t', sk: '2', attributes: {} }, 0))
    await run(two.blobs.put('t/state', body))
    assert.equal((await run(two.pointers.query({ pk: 'V#t', limit: 10 }))).items.length, 2)
  })
})
