/** However much is submitted or exported, little of it is in memory at a time. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { program } from '../program.js'

const mebibyte = 1024 * 1024
const source = new URL('./memory-child.ts', import.meta.url)

test('a submission of 64 MiB and an export of it hold less than 44 MiB', async () => {
  const root = mkdtempSync(join(tmpdir(), 'annals-bulk-memory-'))
  try {
    const lines = 64 * 128
    const [file, store] = [join(root, 'basic.ndjson'), join(root, 'store')]
    const text = 'x'.repeat(8_140)
    const line = (n: number): string => `{"resourceType":"Basic","id":"b${n}","x":"${text}"}\n`
    writeFileSync(file, Array.from({ length: lines }, (_, n) => line(n)).join(''))
    for (const what of ['submit', 'export']) {
      const argv = ['--expose-gc', program(source), what, store, file]
      const { stdout } = await promisify(execFile)(process.execPath, argv)
      const { done, steps, most } = JSON.parse(stdout) as Record<string, number>
      expect(done, what).toBe(lines)
      expect(steps, what).toBeGreaterThan(10)
      expect(most, what).toBeLessThan(44 * mebibyte)
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
