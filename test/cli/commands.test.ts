/** Each command does what its help says. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { atStore, file, lines, newStore, patient } from './harness.js'

const stampOf = (version: number): RegExp => new RegExp(`"versionId":"${version}","lastUpdated":"[^"]+"`)

async function threeVersions() {
  const store = newStore()
  const annals = atStore(store)
  await annals('put Patient/p1 - --actor ann', { stdin: '{"resourceType":"Patient","id":"p1","n":1.10}\n' })
  await annals(['put', 'Patient/p1', '-', '--actor', 'bob', '--reason', 'a reason'], {
    stdin: '{"resourceType":"Patient","id":"p1","n":1.1,"long":12345678901234567890}',
  })
  await annals('delete Patient/p1 --actor ann')
  return { store, annals }
}

describe('put', () => {
  test('creates, updates, and says which version it wrote', async () => {
    const annals = atStore(newStore())
    expect(await annals('put Patient/p1 -', { stdin: patient('p1') })).toMatchObject({
      code: 0,
      stdout: 'created\tPatient/p1\tversion 1\n'.replaceAll('\t', ' '),
      stderr: '',
    })
    expect((await annals('put Patient/p1', { stdin: patient('p1', { n: 1 }) })).stdout).toBe(
      'updated Patient/p1 version 2\n',
    )
    expect((await annals('put Patient/p1 --only-if-changed', { stdin: patient('p1', { n: 1 }) })).stdout).toBe(
      'unchanged Patient/p1 version 2\n',
    )
  })

  test('takes the id from the body, or lets the store make one', async () => {
    const annals = atStore(newStore())
    expect((await annals('put Patient', { stdin: patient('of-body') })).stdout).toBe(
      'created Patient/of-body version 1\n',
    )
    expect((await annals('put Patient', { stdin: '{"resourceType":"Patient"}' })).stdout).toMatch(
      /^created Patient\/[0-9a-f-]{36} version 1\n$/,
    )
  })

  test('reads a file, whose last newline is not of the body', async () => {
    const annals = atStore(newStore())
    const path = file('p1.json', '{"resourceType":"Patient", "id":"p1"}\r\n')
    await annals(['put', 'Patient/p1', path])
    expect((await annals('get Patient/p1')).stdout).toMatch(/^\{"resourceType":"Patient", "id":"p1",.*\}$/)
  })

  test('writes only at the expected version', async () => {
    const annals = atStore(newStore())
    const stdin = patient('p1')
    expect((await annals('put Patient/p1 --if-version 0', { stdin })).code).toBe(0)
    expect((await annals('put Patient/p1 --create', { stdin })).code).toBe(1)
    expect((await annals('put Patient/p1 --if-version 1', { stdin })).code).toBe(0)
    const late = await annals('put Patient/p1 --if-version 1', { stdin })
    expect(late).toMatchObject({ code: 1, stdout: '' })
    expect(late.stderr).toMatch(/Patient\/p1 was expected to be at version 1, but it is at version 2/)
  })

  test('answers a request key again with its first result', async () => {
    const annals = atStore(newStore())
    const first = await annals('put Patient/p1 --request-key k --json', { stdin: patient('p1') })
    const second = await annals('put Patient/p1 --request-key k --json', { stdin: patient('p1') })
    expect(second.stdout).toBe(first.stdout)
    const other = await annals('put Patient/p1 --request-key k', { stdin: patient('p1', { n: 1 }) })
    expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/request key was already used/) })
  })

  test('keeps documents of a tenant of kind json as they are', async () => {
    const annals = atStore(newStore())
    const body = '{"b":1.10,"a":[ ]}'
    await annals('put order/a/b - --tenant shop --kind json', { stdin: body })
    expect((await annals('get order/a/b --tenant shop')).stdout).toBe(body)
  })

  test('makes a tenant with as many shards as it is told, once', async () => {
    const annals = atStore(newStore())
    const refused = await annals('put Patient/p1 --shards 65', { stdin: patient('p1') })
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/--shards is a whole number from 1 to 64/) })
    expect(await annals('put Patient/p1 --shards 4', { stdin: patient('p1') })).toMatchObject({ code: 0 })
    expect(await annals('put Patient/p2', { stdin: patient('p2') })).toMatchObject({ code: 0 })
    const other = await annals('put Patient/p3 --shards 8', { stdin: patient('p3') })
    expect(other).toMatchObject({ code: 2, stderr: expect.stringMatching(/number of shards .* is 4, not 8/) })
    expect((await annals('history Patient --json')).stdout).toMatch(/"p2".*"p1"/)
  })
})

describe('get', () => {
  test('prints the stored bytes and nothing else', async () => {
    const { annals } = await threeVersions()
    const { out, stderr } = await annals('get Patient/p1 --version 1')
    expect(out.toString()).toMatch(/^\{"resourceType":"Patient","id":"p1","meta":\{.*\},"n":1\.10\}$/)
    expect(stderr).toBe('')
  })

  test('ends the line on a terminal', async () => {
    const { annals } = await threeVersions()
    expect((await annals('get Patient/p1 --version 1', { terminal: true })).stdout).toMatch(/\}\n$/)
  })

  test('splices the bytes into JSON', async () => {
    const { annals } = await threeVersions()
    const { stdout } = await annals('get Patient/p1 --version 2 --json')
    expect(stdout).toContain(',"long":12345678901234567890}}\n')
    expect(JSON.parse(stdout)).toMatchObject({ type: 'Patient', version: 2, actor: 'bob', position: '0-2-0' })
  })

  test('answers as of an instant and as of a position', async () => {
    const { annals } = await threeVersions()
    const { at } = JSON.parse((await annals('get Patient/p1 --version 1 --json')).stdout)
    expect((await annals(['get', 'Patient/p1', '--at', at])).stdout).toMatch(stampOf(1))
    expect((await annals('get Patient/p1 --at 0-2-0')).stdout).toMatch(stampOf(2))
    expect((await annals('get Patient/p1 --at 2000-01-01')).code).toBe(1)
  })

  test('says on stderr that a resource is deleted, or was never there', async () => {
    const { annals } = await threeVersions()
    expect(await annals('get Patient/p1')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/Patient\/p1 is deleted: version 3 of .* 'annals get Patient\/p1 --version 2'/),
    })
    expect(await annals('get Patient/p2')).toMatchObject({ code: 1, stdout: '' })
    expect((await annals('get Patient/p1 --version 9')).stderr).toMatch(/Patient\/p1 has no version 9/)
    expect(JSON.parse((await annals('get Patient/p1 --json')).stderr)).toMatchObject({ tag: 'Deleted', version: 3 })
  })
})

describe('delete', () => {
  test('writes a deletion once, and knows what was never there', async () => {
    const { annals } = await threeVersions()
    expect((await annals('delete Patient/p1')).stdout).toBe('unchanged Patient/p1 version 3\n')
    expect(await annals('delete Patient/p2')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no Patient\/p2/),
    })
  })
})

describe('history', () => {
  test('lists newest first, tab-separated in a pipe', async () => {
    const { annals } = await threeVersions()
    const entries = lines((await annals('history Patient/p1')).stdout).map((line) => line.split('\t'))
    expect(
      entries.map(([position, , name, version, op, actor, reason]) => [position, name, version, op, actor, reason]),
    ).toEqual([
      ['0-3-0', 'Patient/p1', '3', 'delete', 'ann', ''],
      ['0-2-0', 'Patient/p1', '2', 'update', 'bob', 'a reason'],
      ['0-1-0', 'Patient/p1', '1', 'create', 'ann', ''],
    ])
  })

  test.each(
    ['history', 'history Patient', 'history Patient/p1'].flatMap((scope) => [
      [scope, ['3', '2', '1']],
      [`${scope} --oldest-first`, ['1', '2', '3']],
    ]),
  )('%s goes on from page to page', async (command, expected) => {
    const { annals } = await threeVersions()
    const first = await annals(`${command} --count 2`)
    const cursor = /--cursor (\S+)/.exec(first.stderr)?.[1]
    const second = await annals(`${String(command).replace(' --oldest-first', '')} --count 2 --cursor ${cursor}`)
    expect(
      lines(first.stdout)
        .concat(lines(second.stdout))
        .map((line) => line.split('\t')[3]),
    ).toEqual(expected)
    expect(second.stderr).toBe('')
  })

  test('is one document with --json, bodies spliced in when asked for', async () => {
    const { annals } = await threeVersions()
    const { stdout, stderr } = await annals('history --json --bodies --count 2')
    expect(stderr).toBe('')
    expect(stdout).toContain('"long":12345678901234567890')
    const { entries, cursor } = JSON.parse(stdout)
    expect(entries.map(({ version }: { version: number }) => version)).toEqual([3, 2])
    expect(typeof cursor).toBe('string')
    expect(JSON.parse((await annals('history --json')).stdout)).not.toHaveProperty('cursor')
  })

  test('looks back to an instant, and as of one', async () => {
    const { annals } = await threeVersions()
    const { entries } = JSON.parse((await annals('history --json')).stdout)
    const [, second] = entries
    expect(lines((await annals(['history', '--since', second.at])).stdout)).toHaveLength(2)
    expect(lines((await annals(['history', '--at', second.at])).stdout)).toHaveLength(2)
    expect((await annals(['history', '--since', second.at, '--oldest-first'])).stdout).toMatch(/^0-2-0\t/)
  })

  test('follows new entries, oldest first, until it is stopped', async () => {
    const { annals } = await threeVersions()
    const stop = new AbortController()
    let seen = ''
    const following = annals('history Patient --follow --count 1', {
      signal: stop.signal,
      onOut: (text) => {
        seen += text
        if (seen.includes('Patient/p9')) stop.abort()
      },
    })
    await expect.poll(() => seen).toContain('0-3-0')
    await annals('put Group/g -', { stdin: '{"resourceType":"Group"}' })
    await annals('put Patient/p9 -', { stdin: patient('p9') })
    expect((await following).code).toBe(130)
    expect(lines(seen).map((line) => line.split('\t')[2])).toEqual(['Patient/p1', 'Patient/p9'])
  })
})

describe('diff', () => {
  test('compares by path and keeps numbers apart that only look alike', async () => {
    const { annals } = await threeVersions()
    const { stdout } = await annals('diff Patient/p1 1 2')
    expect(stdout).toContain('~ n: 1.10 → 1.1\n')
    expect(stdout).toContain('+ long: 12345678901234567890\n')
    const changes = (await annals('diff Patient/p1 1 2 --json')).stdout
    expect(changes).toContain('{"path":"n","op":"change","before":1.10,"after":1.1}')
    expect(JSON.parse(changes)).toHaveLength(4)
  })

  test('takes the current version and the one before, and a deletion as empty', async () => {
    const { annals } = await threeVersions()
    const { code, stdout } = await annals('diff Patient/p1')
    expect(code).toBe(0)
    expect(lines(stdout).every((line) => line.startsWith('- '))).toBe(true)
    expect((await annals('diff Patient/p1 1 1')).stdout).toBe('')
    expect((await annals('diff Patient/p1 1 7')).code).toBe(1)
    expect((await annals('diff Patient/p1 x')).code).toBe(2)
  })

  test('is coloured on a terminal unless NO_COLOR says no', async () => {
    const { annals } = await threeVersions()
    expect((await annals('diff Patient/p1 1 2', { terminal: true })).stdout).toContain('\u001b[')
    expect((await annals('diff Patient/p1 1 2', { terminal: true, env: { NO_COLOR: '1' } })).stdout).not.toContain(
      '\u001b[',
    )
  })
})

describe('log and stats', () => {
  test('list commits and count what they hold', async () => {
    const { store, annals } = await threeVersions()
    const commits = lines((await annals('log')).stdout).map((line) => line.split('\t'))
    expect(commits.map(([seq]) => seq)).toEqual(['1', '2', '3'])
    const folder = `${store.slice('file:'.length)}/objects/default/log/0`
    for (const [seq = '', , , , , bytes] of commits)
      expect(Number(bytes)).toBe(readFileSync(`${folder}/${seq.padStart(20, '0')}.ndjson`).length)
    expect(lines((await annals('log --from 2 --to 2')).stdout)).toHaveLength(1)
    expect(lines((await annals('log --json --bodies')).stdout)[1]).toContain('"long":12345678901234567890')
    expect(JSON.parse((await annals('stats --json')).stdout)).toMatchObject({
      commits: 3,
      events: 3,
      types: { Patient: { resources: 1, live: 0, deleted: 1, versions: 3 } },
    })
  })

  test('align columns on a terminal', async () => {
    const { annals } = await threeVersions()
    const { stdout } = await annals('log', { terminal: true, env: { NO_COLOR: '1' } })
    expect(lines(stdout)[0]).toMatch(/^seq {2}instant/)
    expect(stdout).not.toContain('\t')
    expect((await annals('stats', { terminal: true })).stdout).toContain('Patient')
  })
})

describe('doctor', () => {
  test('finds an embedded store well and leaves nothing behind', async () => {
    const { store, annals } = await threeVersions()
    const { code, stdout } = await annals('doctor --json')
    expect(code).toBe(0)
    const { ok, findings } = JSON.parse(stdout)
    expect(ok).toBe(true)
    expect(findings.map(({ check }: { check: string }) => check)).toContain('tenant default')
    const left = readdirSync(`${store.slice('file:'.length)}/objects/%doctor`, { recursive: true, withFileTypes: true })
    expect(left.filter((entry) => entry.isFile())).toEqual([])
    expect((await annals('doctor')).stdout).toMatch(/^ok\twrite, read, delete\t/)
  })

  test('makes a store only when told to', async () => {
    const annals = atStore(newStore())
    expect((await annals('doctor')).code).toBe(3)
    expect((await annals('doctor --create')).code).toBe(0)
  })
})
