import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { type Disk, nodeDisk } from '../../adapters/embedded/disk.js'
import { openEmbedded } from '../../adapters/embedded/index.js'
import { run } from '../../domain/task.js'
import { refusal } from '../../src/testing/contracts/promise.js'
import { makeFolders } from './embedded-folder.js'

const folders = makeFolders()
afterAll(folders.removeAll)

const errno = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code })

type Fault = { call: keyof Disk; code: string; skip: number } | undefined

/** A disk of which one call fails once: the `skip`-th from now of its kind. */
function faultyDisk() {
  const state: { fault: Fault; calls: Array<keyof Disk> } = { fault: undefined, calls: [] }
  const disk = Object.fromEntries(
    (Object.keys(nodeDisk) as Array<keyof Disk>).map((name) => [
      name,
      (...args: unknown[]) => {
        state.calls.push(name)
        const { fault } = state
        if (fault?.call === name && fault.skip-- === 0) {
          state.fault = undefined
          if (name === 'fsync') return Promise.reject(errno(fault.code))
          throw errno(fault.code)
        }
        return (nodeDisk[name] as (...all: unknown[]) => unknown)(...args)
      },
    ]),
  ) as unknown as Disk
  return { disk, state }
}

const tempsOf = (path: string): string[] => fs.readdirSync(join(path, 'tmp'))
const body = Buffer.from('the body')
const key = 't/log/0/1'

describe('when a call of the disk fails', () => {
  test('every failure of every call of a create leaves no part of an object, and a repetition settles it', async () => {
    for (const code of ['ENOSPC', 'EIO']) {
      for (const call of ['open', 'write', 'fsync', 'link', 'mkdir'] as const) {
        for (let skip = 0; skip < 4; skip++) {
          const { disk, state } = faultyDisk()
          const path = folders.folder()
          const store = await folders.openStore(path, { disk })
          state.fault = { call, code, skip }
          const result = await store.blobs.createIfAbsent(key, body)()
          const found = await run(store.blobs.get(key))
          const where = `${code} at ${call} ${skip}`
          if (state.fault !== undefined) {
            assert.deepEqual(result, { _tag: 'Right', right: 'created' }, where)
          } else {
            assert.ok(result._tag === 'Left', where)
            if (result.left._tag === 'StorageRefused') assert.equal(found, undefined, where)
            else assert.equal(result.left._tag, 'Unavailable', where)
            assert.deepEqual(
              await run(store.blobs.createIfAbsent(key, body)),
              found === undefined ? 'created' : 'exists',
            )
          }
          state.fault = undefined
          assert.deepEqual(Buffer.from((await run(store.blobs.get(key)))?.bytes ?? []), body, where)
          assert.deepEqual(tempsOf(path), [], where)
        }
      }
    }
  })

  test('a full disk before the link is refused for certain, and an unsynced directory after it is in doubt', async () => {
    const { disk, state } = faultyDisk()
    const store = await folders.openStore(undefined, { disk })
    await run(store.blobs.createIfAbsent('t/log/0/0', body))
    state.fault = { call: 'fsync', code: 'ENOSPC', skip: 0 }
    const refused = await refusal(store.blobs.createIfAbsent(key, body), 'StorageRefused')
    assert.match(refused.message, /the disk is full.*ENOSPC/)
    assert.equal(await run(store.blobs.get(key)), undefined)
    state.fault = { call: 'fsync', code: 'ENOSPC', skip: 1 }
    const doubtful = await refusal(store.blobs.createIfAbsent(key, body), 'Unavailable')
    assert.equal(doubtful.retryable, true)
    assert.equal(await run(store.blobs.createIfAbsent(key, body)), 'exists')
  })

  test('a create syncs the file before the link and the directory after it, and so does one that lost', async () => {
    const { disk, state } = faultyDisk()
    const store = await folders.openStore(undefined, { disk })
    await run(store.blobs.createIfAbsent('t/log/0/0', body))
    for (const answer of ['created', 'exists']) {
      state.calls = []
      assert.equal(await run(store.blobs.createIfAbsent(key, body)), answer)
      const order = state.calls.filter((call) => call === 'fsync' || call === 'link')
      assert.deepEqual(order, ['fsync', 'link', 'fsync'])
    }
  })

  test('a create in new folders syncs every folder of the way, even if another process made them', async () => {
    const path = folders.folder()
    const { disk, state } = faultyDisk()
    const store = await folders.openStore(path, { disk })
    state.calls = []
    await run(store.blobs.createIfAbsent('u/log/0/0', body))
    assert.equal(state.calls.filter((call) => call === 'fsync').length, 3 + 2)
    const other = faultyDisk()
    const second = await folders.openStore(path, { disk: other.disk })
    other.state.calls = []
    await run(second.blobs.createIfAbsent('u/log/0/1', body))
    assert.equal(other.state.calls.filter((call) => call === 'fsync').length, 3 + 2)
    other.state.calls = []
    await run(second.blobs.createIfAbsent('u/log/0/2', body))
    assert.equal(other.state.calls.filter((call) => call === 'fsync').length, 2)
  })

  test('a young object is made durable before it is read, once', async () => {
    const path = folders.folder()
    const writer = await folders.openStore(path)
    await run(writer.blobs.createIfAbsent(key, body))
    const { disk, state } = faultyDisk()
    const reader = await folders.openStore(path, { disk })
    state.calls = []
    await run(reader.blobs.get(key))
    await run(reader.blobs.get(key))
    await run(reader.blobs.head(key))
    assert.equal(state.calls.filter((call) => call === 'fsync').length, 1)
    await run(writer.blobs.createIfAbsent('t/log/0/2', body))
    state.fault = { call: 'fsync', code: 'EIO', skip: 0 }
    await refusal(reader.blobs.get('t/log/0/2'), 'Unavailable')
    assert.deepEqual(Buffer.from((await run(reader.blobs.get('t/log/0/2')))?.bytes ?? []), body)
  })

  test('a failing replacement leaves the earlier object or the new one, whole', async () => {
    for (const call of ['open', 'write', 'fsync', 'rename'] as const) {
      for (let skip = 0; skip < 2; skip++) {
        const { disk, state } = faultyDisk()
        const path = folders.folder()
        const store = await folders.openStore(path, { disk })
        await run(store.blobs.put('t/state', Buffer.from('old')))
        const etag = (await run(store.blobs.head('t/state')))?.etag ?? ''
        state.fault = { call, code: 'ENOSPC', skip }
        const result = await store.blobs.replaceIfMatch('t/state', Buffer.from('new'), etag)()
        const hasFailed = state.fault === undefined
        state.fault = undefined
        const text = Buffer.from((await run(store.blobs.get('t/state')))?.bytes ?? []).toString()
        assert.equal(result._tag, hasFailed ? 'Left' : 'Right')
        if (result._tag === 'Right') assert.equal(text, 'new')
        else if (result.left._tag === 'StorageRefused') assert.equal(text, 'old')
        else assert.equal(text, 'new')
        assert.deepEqual(tempsOf(path), [])
      }
    }
  })
})

/** A file system of its own, where the machine lets us mount one. */
function mount(options: string): string | undefined {
  const path = folders.folder()
  fs.mkdirSync(path, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', path], { stdio: 'ignore' })
    return path
  } catch {
    return undefined
  }
}

const probe = mount('size=1m')
if (probe !== undefined) execFileSync('umount', [probe])

describe.skipIf(probe === undefined)('on a real small file system', () => {
  test('a full disk refuses, changes nothing, and takes writes again when there is room', async () => {
    const path = mount('size=4m') as string
    try {
      const store = await folders.openStore(path)
      const large = Buffer.alloc(300_000, 'x')
      let refused: number | undefined
      for (let i = 0; i < 40 && refused === undefined; i++) {
        const result = await store.blobs.createIfAbsent(`t/blobs/${i}`, large)()
        if (result._tag === 'Right') continue
        assert.equal(result.left._tag, 'StorageRefused')
        assert.match(result.left.message, /the disk is full/)
        refused = i
      }
      assert.ok(refused !== undefined && refused > 2)
      assert.equal(await run(store.blobs.get(`t/blobs/${refused}`)), undefined)
      assert.deepEqual(tempsOf(path), [])
      await run(store.blobs.createIfAbsent('t/state', Buffer.alloc(10)))
      fs.rmSync(join(path, 'objects/t/blobs/0'))
      assert.equal(await run(store.blobs.createIfAbsent(`t/blobs/${refused}`, large)), 'created')
      await store.close()
    } finally {
      execFileSync('umount', ['-l', path])
    }
  })

  test('where writes are faster than the ticks of the clock, no object has the etag of an earlier one', async () => {
    const path = mount('size=4m') as string
    try {
      const { blobs, close } = await folders.openStore(path)
      const etags = new Set<string>()
      const writes = 300
      for (let i = 0; i < writes; i++) {
        await run(blobs.put('t/state', Buffer.from(String(1000 + i))))
        etags.add((await run(blobs.head('t/state')))?.etag ?? '')
        if (i % 3 === 0) await run(blobs.delete(['t/state']))
      }
      assert.equal(etags.size, writes)
      await close()
    } finally {
      execFileSync('umount', ['-l', path])
    }
  })

  test('a read-only file system is refused with a sentence that says so', async () => {
    const path = mount('size=4m') as string
    try {
      const store = await folders.openStore(path)
      await run(store.blobs.put('t/state', body))
      await store.close()
      execFileSync('mount', ['-o', 'remount,ro', path])
      const refused = await refusal(openEmbedded(path), 'StorageRefused')
      assert.match(refused.message, /read-only/)
    } finally {
      execFileSync('umount', ['-l', path])
    }
  })
})

test('only what the log cannot rebuild is synced', async () => {
  const { disk, state } = faultyDisk()
  const { blobs } = await folders.openStore(folders.folder(), { disk })
  state.calls.length = 0
  for (const key of ['t/resources/Note/a/current.json', 't/history/system/x.json']) {
    await run(blobs.createIfAbsent(key, body))
    const { etag } = (await run(blobs.head(key))) ?? { etag: '' }
    await run(blobs.replaceIfMatch(key, Buffer.from('another'), etag))
    await run(blobs.put(key, body))
  }
  assert.ok(!state.calls.includes('fsync'))
  await run(blobs.put('t/tenant.json', body))
  assert.ok(state.calls.includes('fsync'))
})

test('every failure of every call of a projected write leaves no part of an object', async () => {
  const projected = 't/resources/Note/a/current.json'
  for (const call of ['open', 'write', 'link', 'mkdir'] as const)
    for (let skip = 0; skip < 4; skip++) {
      const { disk, state } = faultyDisk()
      const path = folders.folder()
      const { blobs } = await folders.openStore(path, { disk })
      state.fault = { call, code: 'ENOSPC', skip }
      const result = await blobs.createIfAbsent(projected, body)()
      const isHit = state.fault === undefined
      state.fault = undefined
      assert.equal(result._tag, isHit ? 'Left' : 'Right', `${call} ${skip}`)
      assert.equal((await run(blobs.get(projected)))?.bytes.toString(), isHit ? undefined : body.toString())
      assert.deepEqual(tempsOf(path), [])
      await run(blobs.createIfAbsent(projected, body))
      assert.equal((await run(blobs.get(projected)))?.bytes.toString(), body.toString())
    }
})
