import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { openEmbedded } from '../../adapters/embedded/index.js'
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
