import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import type { EmbeddedAdapters } from '../../adapters/embedded/index.js'
import { run } from '../../domain/task.js'
import { manualClock } from '../../src/testing/clock.js'
import { makeFolders } from './embedded-folder.js'

const folders = makeFolders()
afterAll(folders.removeAll)

const item = { pk: 'C#t', sk: 'x', attributes: { n: 1 } }
const markersOf = (path: string): string[] => fs.readdirSync(join(path, 'pointers/open'))
const has = async (store: EmbeddedAdapters): Promise<boolean> =>
  (await run(store.pointers.get('C#t', 'x'))) !== undefined

describe('pointers and crashes of the machine', () => {
  test('pointers that an earlier boot left open are lost, the objects are not', async () => {
    const path = folders.folder()
    const crashed = await folders.openStore(path, { boot: 'first' })
    await run(crashed.pointers.putAll([item]))
    await run(crashed.blobs.put('t/state', Buffer.from('x')))
    assert.equal(crashed.pointersLost, false)
    const after = await folders.openStore(path, { boot: 'second' })
    assert.equal(after.pointersLost, true)
    assert.equal(await has(after), false)
    assert.ok((await run(after.blobs.get('t/state'))) !== undefined)
    assert.equal(fs.existsSync(join(path, 'pointers.lost')), false)
    await run(after.pointers.putAll([item]))
    await after.close()
    const again = await folders.openStore(path, { boot: 'third' })
    // The tenants that nobody has opened since are still to be rebuilt, whoever opens them.
    assert.equal(again.pointersLost, true)
    assert.equal(await has(again), true)
  })

  test('pointers that were closed survive a boot', async () => {
    const path = folders.folder()
    const store = await folders.openStore(path, { boot: 'first' })
    await run(store.pointers.putAll([item]))
    await store.close()
    assert.deepEqual(markersOf(path), [])
    const after = await folders.openStore(path, { boot: 'second' })
    assert.equal(after.pointersLost, false)
    assert.equal(await has(after), true)
  })

  test('one of two stores that is still open makes the pointers lost, in the same boot it does not', async () => {
    const path = folders.folder()
    const [one] = [await folders.openStore(path, { boot: 'first' }), await folders.openStore(path, { boot: 'first' })]
    await run(one.pointers.putAll([item]))
    await one.close()
    assert.equal(markersOf(path).length, 1)
    const same = await folders.openStore(path, { boot: 'first' })
    assert.equal(same.pointersLost, false)
    assert.equal(await has(same), true)
    await same.close()
    const next = await folders.openStore(path, { boot: 'second' })
    assert.equal(next.pointersLost, true)
  })

  test('markers of dead processes go with a clean close, and a damaged marker is not trusted', async () => {
    const path = folders.folder()
    const store = await folders.openStore(path, { boot: 'first' })
    const [own = ''] = markersOf(path)
    const [namespace] = own.split('.')
    // No process has this number: it is above the limit of every system.
    fs.writeFileSync(join(path, 'pointers/open', `${namespace}.99999999.dead`), 'first')
    fs.writeFileSync(join(path, 'pointers/open', 'elsewhere.99999999.unknown'), 'first')
    await store.close()
    assert.deepEqual(markersOf(path), ['elsewhere.99999999.unknown'])
    fs.writeFileSync(join(path, 'pointers/open', 'elsewhere.99999999.unknown'), '')
    assert.equal((await folders.openStore(path, { boot: 'first' })).pointersLost, true)
  })

  test('where boots have no id, their times are compared with some tolerance', async () => {
    const path = folders.folder()
    await folders.openStore(path, { boot: 't1700000000' })
    assert.equal((await folders.openStore(path, { boot: 't1700000003' })).pointersLost, false)
    assert.equal((await folders.openStore(path, { boot: 't1700009000' })).pointersLost, true)
  })
})

describe('expired items', () => {
  test('are removed on the occasion of writes, and others are not', async () => {
    const clock = manualClock()
    const { pointers } = await folders.openStore(undefined, { clock })
    const now = (): number => Math.floor(clock.now() / 1_000_000)
    const batch = (name: string, count: number, expiresAt: number) =>
      Array.from({ length: count }, (_, i) => ({ pk: 'Q#t', sk: `${name} ${i}`, attributes: {}, expiresAt }))
    await run(pointers.putAll(batch('first', 100, now() + 10)))
    for (const each of batch('single', 20, now() + 10)) await run(pointers.putAll([each]))
    clock.advance(20_000)
    await run(pointers.putAll(batch('second', 100, now() + 1000)))
    for (const each of batch('third', 10, now() + 1000)) await run(pointers.putAll([each]))
    assert.equal(await run(pointers.deleteByPrefix(['Q#'])), 110)
  })
})
