/** Secrets in memory and in a folder: the contract, and what only a folder has to keep. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Disk } from '../../adapters/embedded/disk.js'
import { privateDisk } from '../../adapters/embedded/private-files.js'
import { embeddedSecrets } from '../../adapters/embedded/secrets.js'
import { memorySecrets } from '../../adapters/memory/index.js'
import type { Secrets } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { refusal } from '../../src/testing/contracts/promise.js'
import { secretsContract } from '../../src/testing/index.js'
import { program } from '../program.js'

const root = fs.mkdtempSync(join(os.tmpdir(), 'annals-secrets-'))
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

let count = 0
const newPath = (): string => join(root, String(++count))
const open = (path: string, passphrase?: string): Promise<Secrets> => run(embeddedSecrets(path, { passphrase }))

const name = { tenant: 'acme', name: 'database' }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value)
const fileIn = (path: string, key = 'acme/database'): string => join(path, 'accounts', key)
const everyFile = (path: string): string[] =>
  fs.readdirSync(path, { recursive: true, encoding: 'utf8' }).map((each) => join(path, each))

async function made(passphrase?: string): Promise<{ path: string; secrets: Secrets }> {
  const path = newPath()
  const secrets = await open(path, passphrase)
  await run(secrets.put(name, bytes('hunter2')))
  return { path, secrets }
}

describe('secrets in memory', () => {
  for (const { promise, check } of secretsContract) test(promise, () => check(async () => memorySecrets()))
})

describe('secrets in a folder', () => {
  for (const { promise, check } of secretsContract) test(promise, () => check(() => open(newPath())))
})

describe('a folder of secrets', () => {
  test('holds no value in the clear, and the same value never twice in the same form', async () => {
    for (const passphrase of [undefined, 'correct horse']) {
      const { path, secrets } = await made(passphrase)
      const first = fs.readFileSync(fileIn(path))
      await run(secrets.put(name, bytes('hunter2')))
      expect(fs.readFileSync(fileIn(path)).equals(first)).toBe(false)
      for (const file of everyFile(path))
        if (fs.statSync(file).isFile()) expect(fs.readFileSync(file, 'latin1')).not.toMatch(/hunter2|correct horse/)
    }
  })

  test('is for its owner alone, whatever the umask', async () => {
    const before = process.umask(0)
    try {
      const { path } = await made()
      for (const each of [path, ...everyFile(path)]) {
        const stats = fs.statSync(each)
        expect([each, (stats.mode & 0o777).toString(8)]).toEqual([each, stats.isDirectory() ? '700' : '600'])
      }
    } finally {
      process.umask(before)
    }
  })

  test('is refused when others may use it, its key or a secret, and says what to do', async () => {
    const { path, secrets } = await made()
    for (const mode of [0o640, 0o604, 0o620]) {
      fs.chmodSync(fileIn(path), mode)
      expect((await refusal(secrets.get(name), 'StorageRefused')).message).toMatch(/chmod it to 600/)
    }
    fs.chmodSync(fileIn(path), 0o600)
    expect(text(await run(secrets.get(name)))).toBe('hunter2')
    fs.chmodSync(join(path, 'key.json'), 0o644)
    expect((await refusal(embeddedSecrets(path), 'StorageRefused')).message).toMatch(/key\.json.*chmod it to 600/)
    fs.chmodSync(join(path, 'key.json'), 0o600)
    fs.chmodSync(path, 0o750)
    expect((await refusal(embeddedSecrets(path), 'StorageRefused')).message).toMatch(/chmod it to 700/)
  })

  test('is opened again with its key or its passphrase, however that was typed', async () => {
    const { path } = await made()
    expect(text(await run((await open(path)).get(name)))).toBe('hunter2')
    const other = await made('caf\u00e9')
    expect(text(await run((await open(other.path, 'cafe\u0301')).get(name)))).toBe('hunter2')
  })

  test('is not opened by a wrong passphrase, by none, or by one where none belongs; nothing names it', async () => {
    const { path } = await made('correct horse')
    for (const passphrase of ['battery staple', '', undefined]) {
      const error = await refusal(embeddedSecrets(path, { passphrase }), 'InvalidInput')
      expect(error.message).toMatch(/^passphrase: /)
      expect(JSON.stringify(error)).not.toMatch(/battery|horse|hunter2/)
    }
    await refusal(embeddedSecrets((await made()).path, { passphrase: 'correct horse' }), 'InvalidInput')
  })

  test('tells a secret of another key from a damaged one', async () => {
    const [mine, theirs] = [await made(), await made()]
    fs.copyFileSync(join(theirs.path, 'key.json'), join(mine.path, 'key.json'))
    const secrets = await open(mine.path)
    expect((await refusal(secrets.get(name), 'StorageRefused')).message).toMatch(/another key/)
  })

  test('never makes a new key where secrets of a lost one are', async () => {
    const { path } = await made()
    fs.rmSync(join(path, 'key.json'))
    expect((await refusal(embeddedSecrets(path), 'StorageRefused')).message).toMatch(/key\.json.*restore it/)
    expect(fs.existsSync(join(path, 'key.json'))).toBe(false)
  })

  test('finds every changed bit and every cut, and takes no secret for another', async () => {
    const { path, secrets } = await made()
    const whole = fs.readFileSync(fileIn(path))
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] as number) ^ 1
      fs.writeFileSync(fileIn(path), changed)
      const isOfKey = at >= 16 && at < 24
      const error = await refusal(secrets.get(name), isOfKey ? 'StorageRefused' : 'Corrupt')
      expect(JSON.stringify(error)).not.toMatch(/hunter2/)
      fs.writeFileSync(fileIn(path), whole.subarray(0, at))
      await refusal(secrets.get(name), 'Corrupt')
    }
    fs.writeFileSync(fileIn(path), whole)
    await run(secrets.put({ tenant: 'acme', name: 'other' }, bytes('x')))
    fs.copyFileSync(fileIn(path), fileIn(path, 'acme/other'))
    await refusal(secrets.get({ tenant: 'acme', name: 'other' }), 'Corrupt')
    expect(text(await run(secrets.get(name)))).toBe('hunter2')
  })

  test('refuses a damaged key file without telling what it holds', async () => {
    const { path } = await made()
    const strange = { N: 2 ** 30, r: 8, p: 1, salt: 'c2FsdA==' }
    const odd = [
      { format: 'annals-secrets-1', key: 'c2hvcnQ=' },
      { format: 'annals-secrets-1', scrypt: strange, keyId: '' },
    ]
    for (const content of ['', '{"key":"hunter2', '[]', ...odd.map((each) => JSON.stringify(each))]) {
      fs.writeFileSync(join(path, 'key.json'), content)
      const passphrase = content.includes('scrypt') ? 'any' : undefined
      const error = await refusal(embeddedSecrets(path, { passphrase }), 'Corrupt')
      expect(JSON.stringify(error)).not.toMatch(/hunter2|c2hvcnQ/)
    }
  })

  test('is never a folder of other things, nor a file', async () => {
    const path = newPath()
    fs.mkdirSync(path, { mode: 0o700 })
    fs.writeFileSync(join(path, 'annals.json'), '{}')
    expect((await refusal(embeddedSecrets(path), 'InvalidInput')).message).toMatch(/annals\.json/)
    await refusal(embeddedSecrets(join(path, 'annals.json')), 'InvalidInput')
  })

  test('that was removed is an error, never an absent secret', async () => {
    const { path, secrets } = await made()
    fs.rmSync(path, { recursive: true })
    await refusal(secrets.get(name), 'Unavailable')
    await refusal(secrets.put(name, bytes('x')), 'Unavailable')
    await refusal(secrets.delete(name), 'Unavailable')
    await refusal(secrets.list('acme'), 'Unavailable')
  })
})

describe('a replacement', () => {
  /** A disk of which one call fails once: the `skip`-th of its kind. Keeps what was called on which file. */
  function faultyDisk() {
    const state: { fault?: { call: keyof Disk; skip: number } | undefined; calls: string[] } = { calls: [] }
    const paths = new Map<number, string>()
    const wrapped = Object.entries(privateDisk).map(([call, body]) => [
      call,
      (...args: unknown[]) => {
        const where = typeof args[0] === 'number' ? paths.get(args[0]) : String(args.at(call === 'rename' ? 1 : 0))
        state.calls.push(
          `${call} ${where
            ?.split('/')
            .slice(-2)
            .join('/')
            .replace(/^tmp\/.*/, 'temp')}`,
        )
        if (state.fault?.call === call && state.fault.skip-- === 0) {
          state.fault = undefined
          throw Object.assign(new Error('injected'), { code: 'ENOSPC' })
        }
        const result = (body as (...all: unknown[]) => unknown)(...args)
        if (call === 'open') paths.set(result as number, String(args[0]))
        return result
      },
    ])
    return { disk: Object.fromEntries(wrapped) as Disk, state }
  }

  test('syncs the file before it takes its place, and the folder after that', async () => {
    const { disk, state } = faultyDisk()
    const secrets = await run(embeddedSecrets(newPath(), { disk }))
    state.calls.length = 0
    await run(secrets.put(name, bytes('x')))
    const order = ['fsync temp', 'rename acme/database', 'fsync accounts/acme'].map((call) => state.calls.indexOf(call))
    expect(order[0]).toBeGreaterThan(state.calls.indexOf('write temp'))
    expect(order).toEqual([...order].sort((a, b) => a - b))
    state.calls.length = 0
    await run(secrets.delete(name))
    expect(state.calls.indexOf('fsync accounts/acme')).toBeGreaterThan(state.calls.indexOf('unlink acme/database'))
  })

  test('that fails at any call leaves the old value or the new one, no rest, and an error that holds neither', async () => {
    for (const call of ['open', 'write', 'fsync', 'rename'] as const)
      for (let skip = 0; skip < 3; skip++) {
        const { disk, state } = faultyDisk()
        const path = newPath()
        const secrets = await run(embeddedSecrets(path, { disk }))
        await run(secrets.put(name, bytes('old one')))
        state.fault = { call, skip }
        const result = await secrets.put(name, bytes('new one'))()
        const found = text(await run((await open(path)).get(name)))
        if (result._tag === 'Right') expect(found).toBe('new one')
        else {
          if (result.left._tag === 'StorageRefused') expect(found).toBe('old one')
          expect(JSON.stringify(result.left)).not.toMatch(/old one|new one/)
        }
        expect(['old one', 'new one']).toContain(found)
        expect(fs.readdirSync(join(path, 'tmp'))).toEqual([])
      }
  })
})

describe('several processes', () => {
  const script = program(new URL('./secrets-child.ts', import.meta.url))
  const start = (...args: string[]) =>
    spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })

  test('that open a new folder at once share one key', async () => {
    const path = newPath()
    const names = ['a', 'b', 'c', 'd']
    const children = names.map((each) => start('put', path, each))
    const codes = await Promise.all(children.map((child) => new Promise((resolve) => child.on('close', resolve))))
    assert.deepEqual(codes, [0, 0, 0, 0])
    const secrets = await open(path)
    expect(await run(secrets.list('acme'))).toEqual(names)
    for (const each of names) expect(text(await run(secrets.get({ tenant: 'acme', name: each })))).toBe(each)
  })

  test('that replace a secret until they are killed never show a part of one, and leave nothing behind', async () => {
    const path = newPath()
    const child = start('replace', path)
    let puts = 0
    child.stdout.on('data', (chunk) => {
      puts += String(chunk).split('\n').length - 1
    })
    await expect.poll(() => puts, { timeout: 30_000 }).toBeGreaterThan(0)
    const secrets = await open(path)
    const seen = new Set<string>()
    while (puts < 60) {
      const value = text(await run(secrets.get({ tenant: 'acme', name: 'shared' }))) ?? ''
      assert.match(value, /^(.)\1*$/)
      seen.add(value.slice(0, 1))
      await new Promise(setImmediate)
    }
    expect(seen.size).toBeGreaterThan(1)
    child.kill('SIGKILL')
    await new Promise((resolve) => child.on('close', resolve))
    const again = await open(path)
    assert.match(text(await run(again.get({ tenant: 'acme', name: 'shared' }))) ?? '', /^(.)\1*$/)
    expect(fs.readdirSync(join(path, 'tmp'))).toEqual([])
    expect(fs.readdirSync(dirname(fileIn(path)))).toEqual(['shared'])
  })
})
