/** `annals submit` and `annals submissions`. */
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { atStore, ended, file, lines, newStore, patient, patients, start, tempFolder } from './harness.js'

test('submits files, says what became of them, and takes it back', async () => {
  const annals = atStore(newStore())
  const folder = tempFolder()
  await annals('put Patient/p1 -', { stdin: patient('p1', { n: 1 }) })
  const one = file('a.ndjson', patients(5).join('\n'), folder)
  const two = file('b.ndjson.gz', gzipSync(`${patient('q')}\n{"resourceType":"Nonsense"}\n`), folder)
  const ran = await annals(['submit', one, two, '--submission', 'monday', '--actor', 'ann'])
  expect(ran).toMatchObject({ code: 1, stdout: 'monday\tcli\tcompleted\t7\t5\t1\t0\t0\t0\t1\n' })
  expect((await annals('submissions list')).stdout).toBe(ran.stdout)
  const results = lines((await annals('submissions results monday')).stdout).map((line) => JSON.parse(line))
  expect(results.map(({ line, outcome, op }) => `${line} ${outcome} ${op ?? ''}`)).toEqual([
    '1 success create',
    '2 success update',
    '3 success create',
    '4 success create',
    '5 success create',
    '1 success create',
    '2 validation-error ',
  ])
  expect((await annals('history Patient/q --json')).stdout).toContain('"actor":"ann"')
  await annals('put Patient/q -', { stdin: patient('q', { n: 2 }) })
  const aborted = await annals('submissions abort monday')
  expect(aborted).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Patient/q: left alone, it was version 1 and is 2'),
  })
  expect(JSON.parse((await annals('get Patient/p1')).stdout)).toMatchObject({ n: 1 })
  expect((await annals('get Patient/p2')).code).toBe(1)
  expect(JSON.parse((await annals('submissions show monday --json')).stdout)).toMatchObject({
    state: 'stopped',
    undone: { resources: 5, conflicts: 1 },
  })
})

test('reads a manifest, whose files stand beside it', async () => {
  const annals = atStore(newStore())
  const folder = tempFolder()
  file('p.ndjson', patients(3).join('\n'), folder)
  const manifest = file('manifest.json', '{"output":[{"type":"Patient","url":"p.ndjson","count":3}]}', folder)
  const ran = await annals(['submit', manifest, '--submission', 's', '--json'])
  expect(ran.code).toBe(0)
  expect(JSON.parse(ran.stdout)).toMatchObject({ state: 'completed', counts: { lines: 3, created: 3 } })
  const broken = file('broken.json', '<html>', folder)
  expect(await annals(['submit', broken, '--submission', 'b'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('its manifest is no JSON'),
  })
})

test('goes on with what a submission has, and refuses what it does not take any more', async () => {
  const annals = atStore(newStore())
  const folder = tempFolder()
  const [one, two] = ['a', 'b'].map((id) => file(`${id}.ndjson`, patient(id), folder)) as [string, string]
  const manifest = file('manifest.json', '{"output":[{"type":"Patient","url":"b.ndjson"}]}', folder)
  const submit = (...sources: string[]) => annals(['submit', ...sources, '--submission', 's'])
  expect((await submit(one)).code).toBe(0)
  expect((await submit(one)).code).toBe(0)
  for (const sources of [[two], [one, two], [manifest], [one, manifest]])
    expect(await submit(...sources)).toMatchObject({ code: 2, stderr: expect.stringContaining('other sources') })
  expect((await annals('get Patient/b')).code).toBe(1)
  await annals('submissions abort s')
  expect(await submit(one)).toMatchObject({ code: 2, stderr: expect.stringContaining('stopped') })
})

test('refuses what it cannot take', async () => {
  const annals = atStore(newStore())
  const path = file('a.ndjson', '')
  for (const line of [
    `submit ${path}`,
    'submit nowhere.ndjson --submission s',
    `submit ${path} --submission s --mode other`,
    `submit ${path} --submission s --max-errors x`,
  ])
    expect((await annals(line)).code, line).toBe(2)
  expect((await annals(['submit', path, '--submission', 's', '--header', 'nonsense'])).code).toBe(2)
  await annals(['submit', path, '--submission', 's'])
  expect((await annals(`submit ${path} --submission s --no-updates`)).code).toBe(2)
  expect((await annals('submissions show none')).code).toBe(1)
})

test('goes on where it was stopped or killed, and writes no line twice', async () => {
  const store = newStore()
  const count = 30_000
  const path = file('many.ndjson', patients(count).join('\n'))
  const argv = ['submit', path, '--submission', 'big', '--store', store, '--json']
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const child = start(argv)
    const end = ended(child)
    await untilBegun(store, signal === 'SIGINT' ? 1 : 6_000)
    child.kill(signal)
    await end
  }
  const annals = atStore(store)
  const ran = JSON.parse((await annals(['submit', path, '--submission', 'big', '--json'])).stdout)
  expect(ran).toMatchObject({ isEnded: true, counts: { lines: count, created: count, updated: 0, unchanged: 0 } })
  expect(JSON.parse((await annals('stats --json')).stdout).events).toBe(count)

  async function untilBegun(store: string, lines: number): Promise<void> {
    for (;;) {
      const shown = await atStore(store)('submissions show big --json')
      if (shown.code === 0 && JSON.parse(shown.stdout).counts.lines >= lines) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}, 120_000)
