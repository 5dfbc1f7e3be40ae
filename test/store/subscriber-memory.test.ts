/** However far behind a slow subscriber is, little waits for it in memory. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { program } from '../program.js'
import { makeLogIn } from './made-log.js'

const mebibyte = 1024 * 1024
const source = new URL('./subscriber-child.ts', import.meta.url)

test('a slow subscriber that is 200,000 events behind holds less than 24 MiB', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'annals-memory-'))
  try {
    const events = 200_000
    await makeLogIn(folder, { events, perCommit: 500, bodyBytes: 400 })
    const argv = ['--expose-gc', program(source), folder, String(events)]
    const { stdout } = await promisify(execFile)(process.execPath, argv)
    const { told, most } = JSON.parse(stdout) as { told: number; most: number }
    expect(told).toBe(events)
    expect(most).toBeLessThan(24 * mebibyte)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
