/** `annals export` and `annals exports`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { atStore, ended, file, lines, newStore, patient, patients, start, tempFolder } from './harness.js'

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort()

async function filled(count = 5) {
  const store = newStore()
  const annals = atStore(store)
  await annals(['load', file('x.ndjson', patients(count).join('\n'))])
  await annals('put Observation/o', {
    stdin:
      '{"resourceType":"Observation","id":"o","status":"final","code":{},"subject":{"reference":"Patient/p1"},"n":1.50}',
  })
  return { store, annals }
}

describe('annals export', () => {
  test('writes files into a folder, and the same can be loaded again', async () => {
    const { annals } = await filled()
    const folder = join(tempFolder(), 'out')
    const ran = await annals(['export', '--to', folder])
    expect(ran.code).toBe(0)
    expect(ran.stdout).toMatch(
      /^output\/Observation\/part-1\.ndjson\t1\t\d+\noutput\/Patient\/part-1\.ndjson\t5\t\d+\n$/,
    )
    expect(ran.stderr).toMatch(/exported: 6 resources, .* in .*\nas of 20\d\d-.*, at file:.*out\n$/)
    expect(filesIn(folder)).toEqual([
      'manifest.json',
      'output/Observation/part-1.ndjson',
      'output/Patient/part-1.ndjson',
    ])
    const other = atStore(newStore())
    const loaded = JSON.parse((await other(['load', join(folder, 'output'), '--json'])).stdout)
    expect(loaded).toMatchObject({ read: 6, created: 6, failed: 0 })
    expect((await other('get Observation/o')).stdout).toContain('"n":1.50')
  })

  test('says as JSON what it has written, and what is new the next time', async () => {
    const { annals } = await filled()
    const first = JSON.parse((await annals('export --json --actor ann')).stdout)
    expect(first).toMatchObject({ state: 'complete', actor: 'ann', progress: { resources: 6 } })
    await annals('put Patient/p1', { stdin: patient('p1', { n: 2 }) })
    await annals('delete Patient/p2')
    const since = first.transactionTime
    const second = JSON.parse((await annals(['export', '--since', since, '--json'])).stdout)
    const names = second.parts.map(({ name }: { name: string }) => name)
    expect(names).toEqual(['output/Observation/part-1.ndjson', 'output/Patient/part-1.ndjson', 'deleted/part-1.ndjson'])
    const deleted = await annals(['exports', 'get', second.id, 'deleted/part-1.ndjson'])
    expect(JSON.parse(deleted.stdout).entry).toEqual([{ request: { method: 'DELETE', url: 'Patient/p2' } }])
    const without = JSON.parse((await annals(['export', '--since', since, '--no-deleted', '--json'])).stdout)
    expect(without.parts.every(({ kind }: { kind: string }) => kind === 'output')).toBe(true)
    const before = JSON.parse((await annals(['export', '--until', since, '--json'])).stdout)
    expect(before.progress.resources).toBe(6)
  })

  test.each([
    ['--type Observation', ['Observation/o']],
    ['--type Observation,Basic --type Encounter', ['Observation/o']],
    ['--patient p1', ['Observation/o', 'Patient/p1']],
    ['--patients --type Observation', ['Observation/o']],
    [
      '--type Patient --type-filter Patient?_id=p0,p3 --type-filter Patient?_id=p4',
      ['Patient/p0', 'Patient/p3', 'Patient/p4'],
    ],
    ['--group g', ['Group/g', 'Patient/p4']],
  ])('%s', async (flags, expected) => {
    const { annals } = await filled()
    await annals('put Group/g', {
      stdin: '{"resourceType":"Group","id":"g","member":[{"entity":{"reference":"Patient/p4"}}]}',
    })
    const { id, parts } = JSON.parse((await annals(`export ${flags} --json`)).stdout)
    const found: string[] = []
    for (const { name } of parts)
      for (const line of lines((await annals(['exports', 'get', id, name])).stdout))
        found.push(`${JSON.parse(line).resourceType}/${JSON.parse(line).id}`)
    expect(found.sort()).toEqual(expected)
  })

  test('writes some elements, and tags what is left out', async () => {
    const { annals } = await filled(1)
    const { id } = JSON.parse((await annals('export --type Observation --elements Observation.subject --json')).stdout)
    const ran = await annals(['exports', 'get', id, 'output/Observation/part-1.ndjson'])
    expect(ran.stdout).toContain('"SUBSETTED"')
    expect(ran.stdout).toContain('"subject":{"reference":"Patient/p1"}')
    expect(ran.stdout).not.toContain('"n":')
  })

  test('tells its progress on a terminal', async () => {
    const { annals } = await filled()
    const { stderr, stdout } = await annals('export', { terminal: true })
    expect(stderr).toMatch(/commit \d+ of \d+: \d+ resources, .*\/s/)
    expect(stdout).toMatch(/file +lines +bytes/)
  })

  test('ends with 1 if a resource is damaged, and writes the others', async () => {
    const { annals, store } = await filled()
    const folder = join(store.slice('file:'.length), 'objects', 'default', 'log', '0')
    const [first = ''] = readdirSync(folder).sort()
    const text = readFileSync(join(folder, first), 'utf8')
    writeFileSync(join(folder, first), text.replace('"id":"p3","meta"', '"id":"p9","meta"'))
    const ran = await annals('export --json')
    expect(ran.code).toBe(1)
    const status = JSON.parse(ran.stdout)
    expect(status).toMatchObject({ state: 'complete', progress: { resources: 5 } })
    expect(status.parts.at(-1)).toMatchObject({ name: 'errors/part-1.ndjson', count: 1 })
  })

  test.each([
    ['--type Patiant', /Patiant/],
    ['--type ,', /types/],
    ['--since yesterday', /since/],
    ['--since 2026-02-01 --until 2026-01-01', /since/],
    ['--patient nobody', /nobody/],
    ['--group none', /Group\/none/],
    ['--type-filter Patient?gender=male', /_lastUpdated/],
    ['--elements Patient.name.given', /root/],
    ['--to http://example.org', /place/],
    ['--job nothing', /nothing/],
    ['--job j --type Patient', /leave out --type/],
    ['--job j --no-deleted', /leave out --no-deleted/],
  ])('refuses %s', async (flags, message) => {
    const { annals } = await filled(1)
    const ran = await annals(`export ${flags}`)
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) })
    expect((await annals('exports list')).stdout).toBe('')
  })

  test('stops at Ctrl-C, and goes on with --job, also as another process', async () => {
    const { annals, store } = await filled(50_000)
    const folder = join(tempFolder(), 'out')
    const child = start(['export', '--to', folder, '--store', store])
    const end = ended(child)
    // It is at work as soon as its folder is there.
    await expect
      .poll(async () => (await annals('exports list --state in-progress')).stdout, { timeout: 60_000 })
      .not.toBe('')
    child.kill('SIGINT')
    const { code, stderr } = await end
    expect(code).toBe(130)
    const [, id = ''] = /annals export --job (\S+)' at the same/.exec(stderr) ?? []
    const [line = ''] = lines((await annals('exports list')).stdout)
    expect(line.split('\t').slice(0, 2)).toEqual([id, 'in-progress'])
    const ran = await annals(['export', '--job', id, '--json'])
    expect(JSON.parse(ran.stdout)).toMatchObject({ id, state: 'complete', progress: { resources: 50_001 } })
    expect(filesIn(folder)).toContain('manifest.json')
  })
})

describe('annals exports', () => {
  test('lists, shows, cancels and removes them', async () => {
    const { annals, store } = await filled()
    const { id, transactionTime, expiresAt, parts } = JSON.parse((await annals('export --json')).stdout)
    expect((await annals('exports list')).stdout).toBe(`${id}\tcomplete\t${transactionTime}\t6\t2\t${expiresAt}\t\n`)
    expect(JSON.parse((await annals('exports list --state complete --json')).stdout)).toMatchObject({ id })
    expect((await annals('exports list --state error')).stdout).toBe('')
    expect((await annals(['exports', 'show', id])).stdout).toBe(
      parts
        .map((part: { name: string; count: number; bytes: number }) => `${part.name}\t${part.count}\t${part.bytes}\n`)
        .join(''),
    )
    expect((await annals('exports clean')).stdout).toBe('0 exports removed\n')
    expect((await annals(['exports', 'cancel', id])).stdout).toMatch(/\tcancelled\t/)
    expect((await annals(['exports', 'get', id, parts[0].name])).code).toBe(2)
    for (const line of ['exports show nothing', 'exports cancel nothing', 'exports list --state lost'])
      expect(await annals(line)).toMatchObject({ code: 2, stdout: '' })
    const opened = await openStore(store)
    const soon = await (await opened.tenant('default')).export({ id: 'soon', keepMs: 0 })
    await soon.done()
    await opened.close()
    expect(JSON.parse((await annals('exports clean --all --json')).stdout)).toEqual({ removed: 1 })
  })
})
