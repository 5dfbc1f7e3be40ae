/** Exit codes, and what the user hears: one sentence with what to do, or one line of JSON; never a stack. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { exitCodeOf } from '../../src/cli/exit.js'
import { runCli } from '../../src/cli/run.js'
import { atStore, file, lines, newStore, patient, run, tempFolder } from './harness.js'

async function filledStore() {
  const store = newStore()
  const annals = atStore(store)
  await annals('put Patient/p1 -', { stdin: patient('p1') })
  await annals('put Patient/p1 -', { stdin: patient('p1', { n: 2 }) })
  return { annals, folder: store.slice('file:'.length) }
}

describe('usage', () => {
  const wrong: ReadonlyArray<[string, RegExp]> = [
    ['', /a command is needed/],
    ['gte Patient/p1', /unknown command 'gte'.*get/],
    ['get', /missing required argument/],
    ['get Patient/p1 --nope', /unknown option '--nope'/],
    ['get Patient', /names no resource; write Type\/id/],
    ['get Patient/p1 --version x', /--version is a whole number from 1/],
    ['get Patient/p1 --version 0', /--version is a whole number from 1/],
    ['get Patient/p1 --at yesterday', /is no date and no instant/],
    ['get Patient/p1 --at 2026-02-30', /is no date and no instant/],
    ['get patient/p1', /is no FHIR resource type/],
    ['get Patient/../x', /is no FHIR id/],
    ['put Patient/p1 --if-version -1', /--if-version/],
    ['put Patient/p1 --create --if-version 1', /cannot be used with/],
    ['put Patient/p1 /nowhere/at/all.json', /cannot be read/],
    ['history --cursor rubbish', /cursor: it was not made by this store/],
    ['history --count 0', /--count/],
    ['history --follow --at 2026-01-01', /--follow/],
    ['history --follow --oldest-first', /--follow/],
    ['log --from 99', /the log has no commit 98 yet/],
    ['load', /missing required argument/],
    ['load /nowhere/at/all', /cannot be read/],
    ['load - -', /can be read once only/],
    ['load - --kind xml', /kind/],
  ]

  test.each(wrong)('annals %s', async (line, sentence) => {
    const { annals } = await filledStore()
    const words = line === '' ? [] : line.split(' ')
    const { code, stdout, stderr } = line === '' ? await run([]) : await annals(words)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(sentence)
    expect(stderr).not.toMatch(/ {4}at /)
  })

  test('with --json is JSON too', async () => {
    const { stdout, stderr, code } = await run(['get', '--json'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(JSON.parse(stderr)).toMatchObject({ tag: 'Usage', code: 'ANNALS_USAGE', retryable: false })
  })

  test('every command explains itself with examples', async () => {
    const commands = [
      'load',
      'put',
      'get',
      'delete',
      'history',
      'diff',
      'log',
      'stats',
      'verify',
      'recover',
      'copy',
      'doctor',
    ]
    for (const command of commands) {
      const { code, stdout, stderr } = await run([command, '--help'])
      expect({ code, stderr }, command).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(
        new RegExp(`Usage: annals ${command}[\\s\\S]*--store[\\s\\S]*Examples:\n {2}annals ${command}`),
      )
    }
    expect((await run(['--help'])).stdout).toMatch(/Exit codes/)
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('bodies that are not acceptable', () => {
  const bodies: ReadonlyArray<[string, string | Buffer, RegExp]> = [
    ['empty', '', /line 1, column 1.*it is empty/],
    ['malformed', '{"resourceType":"Patient",\n "id":x}', /line 2, column 7/],
    ['duplicate members', '{"resourceType":"Patient","a":1,"a":1}', /occurs twice/],
    ['a byte-order mark', `\ufeff${patient('p1')}`, /byte-order mark/],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
    ['a lone surrogate', '{"resourceType":"Patient","a":"\\ud800"}', /surrogate/],
    ['another type', '{"resourceType":"Group"}', /'Group', but it was sent as Patient/],
    ['another id', patient('p2'), /'p2', but it was sent as Patient\/p1/],
    [
      'over-large',
      Buffer.concat([
        Buffer.from('{"resourceType":"Patient","a":"'),
        Buffer.alloc(64 * 1024 * 1024, 0x78),
        Buffer.from('"}'),
      ]),
      /over its limit: \d+ bytes, at most 67108864/,
    ],
  ]

  test.each(bodies)('%s', async (_, stdin, sentence) => {
    const { annals } = await filledStore()
    const { code, stdout, stderr } = await annals('put Patient/p1', { stdin })
    expect({ code, stdout, lines: lines(stderr).length }).toEqual({ code: 2, stdout: '', lines: 1 })
    expect(stderr).toMatch(sentence)
  })

  test('the error as JSON has the place', async () => {
    const { annals } = await filledStore()
    const { stderr } = await annals('put Patient/p1 --json', { stdin: '{"resourceType":"Patient",}' })
    expect(JSON.parse(stderr)).toMatchObject({ tag: 'InvalidBody', code: 'ANNALS_INVALID_BODY', line: 1, column: 27 })
  })

  test('a conflict says what was expected and what is', async () => {
    const { annals } = await filledStore()
    const { code, stderr } = await annals('put Patient/p1 --if-version 1 --json', { stdin: patient('p1') })
    expect(code).toBe(1)
    const { conflicts } = JSON.parse(stderr)
    expect(conflicts).toEqual([expect.objectContaining({ type: 'Patient', id: 'p1', expected: 1, actual: 2 })])
  })
})

describe('stores that cannot be opened', () => {
  const readers = [
    'get Patient/p1',
    'history',
    'diff Patient/p1',
    'log',
    'stats',
    'verify',
    'recover',
    'delete Patient/p1',
  ]

  test.each(readers)('annals %s makes no store where there is none', async (line) => {
    const folder = join(tempFolder(), 'store')
    const { code, stderr } = await atStore(`file:${folder}`)(line)
    expect(code).toBe(3)
    expect(stderr).toMatch(/is no Annals store: the folder does not exist/)
    expect(() => readFileSync(folder)).toThrow(/ENOENT/)
  })

  test('a folder of other files is left alone', async () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'thesis.txt'), 'mine')
    const { code, stderr } = await atStore(`file:${folder}`)(['load', file('x.ndjson', patient('a'))])
    expect(code).toBe(3)
    expect(stderr).toMatch(/holds other files \(thesis.txt\)/)
  })

  test('a store of a newer format asks for an upgrade', async () => {
    const { annals, folder } = await filledStore()
    writeFileSync(join(folder, 'annals.json'), '{"format":"annals-store/9","created":"2030-01-01T00:00:00.000000Z"}')
    expect(await annals('stats')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/'annals-store\/9'.*upgrade/),
    })
  })

  test('a tenant that is not there, or of the other kind', async () => {
    const { annals } = await filledStore()
    expect(await annals('stats --tenant other')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/no tenant 'other'/),
    })
    const stdin = patient('p1')
    expect(await annals('put Patient/p1 --kind json', { stdin })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is fhir, not json/),
    })
  })

  test('a URL of a scheme that is none', async () => {
    expect(await atStore('ftp://x')('stats')).toMatchObject({ code: 2, stderr: expect.stringMatching(/no store URL/) })
  })

  test('the environment names store and tenant, and flags come first', async () => {
    const env = { ANNALS_STORE: newStore(), ANNALS_TENANT: 'north' }
    await run(['put', 'Patient/p1'], { env, stdin: patient('p1') })
    expect((await run(['get', 'Patient/p1', '--tenant', 'north'], { env })).code).toBe(0)
    expect((await run(['get', 'Patient/p1', '--tenant', 'south'], { env })).code).toBe(3)
  })
})

describe('pointers that are gone', () => {
  async function withoutPointers() {
    const { annals, folder } = await filledStore()
    rmSync(join(folder, 'pointers'), { recursive: true })
    return { annals, folder }
  }

  test('the command to run is spelled out, and it works', async () => {
    const { annals, folder } = await withoutPointers()
    const { code, stderr } = await annals('get Patient/p1')
    expect(code).toBe(3)
    expect(stderr).toContain(`'annals recover --store file:${folder}'`)
    expect((await annals('doctor')).stdout).toMatch(/failed\ttenant default\t.*pointers are gone/)
    expect((await annals('recover')).stdout).toMatch(/^recovered 'default': 2 commits, 2 events/)
    expect(await annals('verify')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ok\t/) })
  })

  test('a person at a terminal is asked', async () => {
    const { annals } = await withoutPointers()
    const no = await annals('history', { terminal: true, stdin: 'n\n' })
    expect(no.code).toBe(3)
    expect(no.stderr).toMatch(/Rebuild the pointers from the log now\? \[y\/N\]/)
    const yes = await annals('history', { terminal: true, stdin: 'y\n' })
    expect(yes).toMatchObject({ code: 0, stderr: expect.stringMatching(/Rebuild/) })
    expect(yes.stdout).toContain('Patient/p1')
  })

  test('recover --all rebuilds every tenant', async () => {
    const { annals, folder } = await filledStore()
    await annals('put Patient/p1 --tenant other', { stdin: patient('p1') })
    rmSync(join(folder, 'pointers'), { recursive: true })
    expect(lines((await annals('recover --all --json')).stdout).map((line) => JSON.parse(line).tenant)).toEqual([
      'default',
      'other',
    ])
    expect((await annals('verify --all')).code).toBe(0)
  })
})

describe('verify', () => {
  test('names each difference and fails', async () => {
    const { annals, folder } = await filledStore()
    const copy = tempFolder()
    cpSync(folder, copy, { recursive: true })
    const commit = join(copy, 'objects/default/log/0/00000000000000000001.ndjson')
    const bytes = readFileSync(commit)
    bytes[bytes.length - 5] = 0x2a
    rmSync(commit)
    writeFileSync(commit, bytes)
    const damaged = atStore(`file:${copy}`)
    const { code, stdout } = await damaged('verify')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^body-damaged\tdefault\/log\/0\/0{19}1.ndjson\tPatient\/p1 version 1/)
    expect(stdout).toMatch(/\nfailed\t'default': .* 1 difference\n$/)
    const json = lines((await damaged('verify --json')).stdout).map((line) => JSON.parse(line))
    expect(json).toMatchObject([{ difference: { kind: 'body-damaged' } }, { report: { differences: 1 } }])
    expect((await annals('verify --json')).code).toBe(0)
  })

  test('a damaged commit makes a read fail with what to do', async () => {
    const { annals, folder } = await filledStore()
    writeFileSync(join(folder, 'objects/default/log/0/00000000000000000001.ndjson'), 'rubbish\n')
    expect(await annals('log')).toMatchObject({ code: 3, stderr: expect.stringMatching(/is damaged/) })
  })
})

describe('defects', () => {
  test('print their stack and exit with 70', async () => {
    const broken = new Readable({
      read() {
        this.destroy(new TypeError('a bug'))
      },
    })
    let said = ''
    const sink = () =>
      new Writable({
        write(chunk, _, done) {
          said += chunk
          done()
        },
      })
    const io = { stdin: broken, stdout: sink(), stderr: sink(), env: {}, signal: new AbortController().signal }
    expect(await runCli(['put', 'Patient/p1', '--store', newStore()], io)).toBe(70)
    expect(said).toMatch(/defect of Annals[\s\S]*TypeError: a bug\n {4}at /)
  })

  test('every failure of the store has an exit code', () => {
    expect(exitCodeOf('Conflict')).toBe(1)
    expect(() => exitCodeOf('Surprise' as 'Conflict')).toThrow(/unreachable/)
  })
})

test('folders named like files are no trouble', async () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'x.json'))
  const annals = atStore(newStore())
  expect((await annals(['load', folder])).code).toBe(0)
})
