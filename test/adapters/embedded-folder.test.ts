import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { openEmbedded } from '../../adapters/embedded/index.js'
import { maxOpenObjects } from '../../adapters/embedded/object-reads.js'
import { run } from '../../domain/task.js'
import { refusal } from '../../src/testing/contracts/promise.js'
import { makeFolders } from './embedded-folder.js'

const folders = makeFolders()
afterAll(folders.removeAll)

const body = Buffer.from('the body')

describe('the folder of an embedded store', () => {
  test('is created only when asked for', async () => {
    const path = join(folders.folder(), 'deep/er')
    assert.match((await refusal(openEmbedded(path), 'NotAStore')).message, /does not exist/)
    assert.equal(fs.existsSync(path), false)
    await folders.open(path, { create: true })
    assert.equal(fs.statSync(path).isDirectory(), true)
  })

  test('is not an empty one, unless asked for', async () => {
    const path = folders.folder()
    fs.mkdirSync(path)
    await refusal(openEmbedded(path), 'NotAStore')
    assert.deepEqual(fs.readdirSync(path), [])
    // A fresh volume is empty all the same.
    fs.mkdirSync(join(path, 'lost+found'))
    await folders.open(path)
  })

  test('is no file, and not inside one', async () => {
    const path = folders.folder()
    fs.writeFileSync(path, 'x')
    for (const create of [false, true]) {
      await refusal(openEmbedded(path, { create }), 'NotAStore')
      await refusal(openEmbedded(join(path, 'store'), { create }), 'NotAStore')
    }
  })

  test('is none that holds other files, which stay as they are', async () => {
    const path = folders.folder()
    fs.mkdirSync(path)
    fs.writeFileSync(join(path, 'letter.txt'), 'x')
    for (const create of [false, true]) {
      assert.match((await refusal(openEmbedded(path, { create }), 'NotAStore')).message, /letter\.txt/)
    }
    assert.deepEqual(fs.readdirSync(path), ['letter.txt'])
  })

  test('a creation that was interrupted is taken up again, but objects without a manifest are not touched', async () => {
    const path = folders.folder()
    const interrupted = await folders.open(path)
    await interrupted.close()
    await refusal(openEmbedded(path), 'NotAStore')
    const store = await folders.open(path)
    await run(store.blobs.put('t/state', body))
    await store.close()
    assert.match((await refusal(openEmbedded(path, { create: true }), 'NotAStore')).message, /annals\.json is missing/)
  })

  test('a place where nothing can be made is an error with its reason', async () => {
    const result = await openEmbedded('/proc/annals', { create: true })()
    assert.ok(result._tag === 'Left')
    assert.ok(['StorageRefused', 'Unavailable'].includes(result.left._tag))
  })

  test('shows its manifest to a person, and lists it among the objects', async () => {
    const path = folders.folder()
    const { blobs } = await folders.openStore(path)
    await run(blobs.put('t/state', body))
    await run(blobs.put('a', body))
    assert.equal(fs.readFileSync(join(path, 'annals.json'), 'utf8'), '{}')
    const { entries } = await run(blobs.list('', { limit: 10 }))
    assert.deepEqual(entries, [
      { key: 'a', size: 8 },
      { key: 'annals.json', size: 2 },
      { key: 't/state', size: 8 },
    ])
  })

  test('that vanishes under an open store is an error, never "no such object", and is not made anew', async () => {
    for (const isReplaced of [false, true]) {
      const path = folders.folder()
      const { blobs, pointers } = await folders.openStore(path)
      const head = { pk: 'H#t#0', sk: 'head', attributes: { seq: 1 } }
      await run(pointers.putAll([head]))
      await run(blobs.createIfAbsent('t/log/0/1', body))
      fs.rmSync(path, { recursive: true })
      if (isReplaced) await folders.openStore(path)
      for (const step of [
        blobs.get('t/log/0/2'),
        blobs.get('t/state'),
        blobs.head('t/log/0/2'),
        blobs.createIfAbsent('t/log/0/2', body),
        blobs.put('t/state', body),
        blobs.replaceIfMatch('t/state', body, 'x'),
        blobs.delete(['t/state']),
        blobs.list('', { limit: 1 }),
        pointers.advance({ ...head, attributes: { seq: 2 } }),
        pointers.compareAndSet(head, 0),
        pointers.putAll([head]),
      ]) {
        assert.match((await refusal<unknown>(step, 'Unavailable')).message, /removed or replaced/)
      }
      assert.equal(fs.existsSync(path), isReplaced)
    }
  })

  test('pointers that are removed or replaced under an open store are noticed before a head advances', async () => {
    const path = folders.folder()
    const { pointers } = await folders.openStore(path)
    await run(pointers.putAll([{ pk: 'H#t#0', sk: 'head', attributes: { seq: 1 } }]))
    fs.rmSync(join(path, 'pointers'), { recursive: true })
    const gone = await refusal(pointers.advance({ pk: 'H#t#0', sk: 'head', attributes: { seq: 2 } }), 'Unavailable')
    assert.match(gone.message, /the pointers folder was removed or replaced while the store was open; reopen the store/)
  })

  test('pointers that are no LMDB, or lack their end, are an error that says what to do', async () => {
    const path = folders.folder()
    const file = join(path, 'pointers/data.mdb')
    for (const damage of ['garbage', 'zeros', 'short', 'truncated']) {
      const store = await folders.openStore(path)
      const items = Array.from({ length: 3000 }, (_, i) => ({ pk: 'V#t', sk: String(i), attributes: { i } }))
      await run(store.pointers.putAll(items))
      await store.close()
      if (damage === 'garbage') fs.writeFileSync(file, Buffer.alloc(64 * 1024, 'garbage '))
      if (damage === 'zeros') fs.writeFileSync(file, Buffer.alloc(64 * 1024))
      if (damage === 'short') fs.truncateSync(file, 100)
      if (damage === 'truncated') fs.truncateSync(file, 8192)
      const error = await refusal(openEmbedded(path), 'NeedsRecovery')
      assert.match(error.message, /delete this folder.*annals recover/)
      fs.rmSync(join(path, 'pointers'), { recursive: true })
    }
    await folders.open(path)
  })
})

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
