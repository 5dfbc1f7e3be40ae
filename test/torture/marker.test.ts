import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, test, vi } from 'vitest'
import { openEmbedded } from '../../adapters/embedded/index.js'
import { run } from '../../domain/task.js'

const folder = fs.mkdtempSync(join(os.tmpdir(), 'annals-marker-'))
const opened: Array<{ close(): Promise<void> }> = []

const open = async () => {
  const store = await run(openEmbedded(join(folder, 'store'), { create: true }))
  opened.push(store)
  return store
}

afterEach(async () => {
  vi.restoreAllMocks()
  for (const store of opened) await store.close()
  fs.rmSync(folder, { recursive: true })
})

describe('a process that dies while it opens a store', () => {
  test('between making its marker and filling it, costs nobody the pointers', async () => {
    const living = await open()
    vi.spyOn(fs, 'writeFileSync').mockImplementationOnce((path) => {
      fs.closeSync(fs.openSync(path as string, 'w'))
      throw new Error('killed')
    })
    await assert.rejects(open(), /killed/)
    const next = await open()
    assert.equal(next.pointersLost, false)
    await run(living.pointers.putAll([{ pk: 'C#t', sk: 'here', attributes: {} }]))
    assert.ok(await run(next.pointers.get('C#t', 'here')))
  })
})
