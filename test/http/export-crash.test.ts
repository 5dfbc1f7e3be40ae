/** A server is killed while it exports: another one that listens brings the export to its end, and answers for it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { annals } from '../program.js'
import { namesIn, wantsAsync } from './exports.js'
import { running } from './server.js'

const perTransaction = 1_000
const transactions = 20

const ends: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

async function filled(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'annals-export-'))
  ends.push(() => rm(folder, { recursive: true, force: true }))
  const store = await openStore(`file:${folder}`)
  const tenant = await store.tenant('default')
  const text = 'x'.repeat(1_000)
  for (let t = 0; t < transactions; t++)
    await tenant.transact(
      Array.from({ length: perTransaction }, (_, n) => {
        const id = `b${t}-${n}`
        return { type: 'Basic', id, op: 'update' as const, body: { resourceType: 'Basic', id, text } }
      }),
    )
  await store.close()
  return `file:${folder}`
}

async function started(url: string): Promise<{ readonly base: string; readonly process: ChildProcess }> {
  const flags = ['serve', '--store', url, '--port', '0', '--json', '--log-level', 'silent']
  const child = spawn(process.execPath, [annals(), ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
  ends.push(async () => child.kill('SIGKILL'))
  const [line] = await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')
  return { base: JSON.parse(line).url, process: child }
}

test('a server that is killed in the middle leaves its export to another one, which leaves nothing out', async () => {
  const url = await filled()
  const first = await started(url)
  const began = await fetch(`${first.base}/$export?_type=Basic`, { headers: wantsAsync })
  const id = began.headers.get('content-location')?.split('/').at(-1)
  first.process.kill('SIGKILL')
  await once(first.process, 'close')
  const server = await running({}, url)
  const poll = () => server.ask('GET', `$export/${id}`)
  // It was in the middle of it.
  expect((await poll()).status).toBe(202)
  const { exports } = await server.store.tenant('default')
  const state = async () => (await exports.status(id ?? ''))?.state
  await expect.poll(state, { timeout: 60_000, interval: 200 }).toBe('complete')
  const { body } = await poll()
  const names = await namesIn(server, body.output)
  expect([names.length, new Set(names).size]).toEqual([transactions * perTransaction, transactions * perTransaction])
}, 120_000)
