/** What can be said about the servers of the tests without any of them: that they are pinned, and that they end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { catalog } from './catalog.js'

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const read = (file: string): string => readFileSync(here(file), 'utf8')

test('moto and s3rver are locked in the versions that they are kept under', () => {
  expect(read('moto/requirements.txt')).toContain(`\n${catalog.moto.release.replace('-', '==')} \\\n    --hash=sha256:`)
  const { packages } = JSON.parse(read('s3rver/package-lock.json'))
  expect(`s3rver-${packages['node_modules/s3rver'].version}`).toBe(catalog.s3rver.release)
  for (const [place, { integrity }] of Object.entries<{ integrity?: string }>(packages))
    if (place !== '') expect(integrity, place).toMatch(/^sha512-/)
})

/** A supervised server that says when it is there, and nothing else. */
async function superviseOne() {
  const data = mkdtempSync(join(tmpdir(), 'annals-supervised-'))
  writeFileSync(join(data, 'object'), 'content')
  const program = 'console.log(process.pid); setInterval(() => undefined, 1000)'
  const supervisor = spawn(process.execPath, [here('supervise.mjs'), data, process.execPath, '-e', program])
  const exited = once(supervisor, 'exit')
  const [line] = await once(supervisor.stdout, 'data')
  return { data, supervisor, exited, pid: Number(line) }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test.each([
  ['its input ends, as it does with the process that started it', 'input'],
  ['it is told to stop', 'signal'],
])('a server ends and its data is removed when %s', async (_, how) => {
  const { data, supervisor, exited, pid } = await superviseOne()
  expect(isAlive(pid)).toBe(true)
  if (how === 'input') supervisor.stdin.end()
  else supervisor.kill('SIGTERM')
  await exited
  expect(isAlive(pid)).toBe(false)
  expect(existsSync(data)).toBe(false)
})
