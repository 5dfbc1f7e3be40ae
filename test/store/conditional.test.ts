/** Conditional creates that race on one machine. */
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import { openStore } from '../../src/index.js'
import { expectOneCreated } from './conditional.js'

test('64 concurrent conditional creates from 4 processes make one resource', async () => {
  const root = fs.mkdtempSync(join(os.tmpdir(), 'annals-conditional-'))
  const url = `file:${join(root, 'store')}`
  const store = await openStore(url)
  try {
    await expectOneCreated(url, store)
  } finally {
    await store.close()
    fs.rmSync(root, { recursive: true, force: true })
  }
})
