/** `annals projections`: where they stand, and how they are brought forward. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { atStore, newStore, patient } from './harness.js'

async function filled() {
  const store = newStore()
  const annals = atStore(store)
  for (const n of [1, 2, 3]) await annals(`put Patient/p${n}`, { stdin: `{"resourceType":"Patient","id":"p${n}"}` })
  return { store, annals }
}

test('run, list, rebuild and resume say where a projection stands', async () => {
  const { store, annals } = await filled()
  expect(await annals('projections list')).toMatchObject({ code: 0, stdout: '' })
  const ran = await annals('projections run')
  expect(ran).toMatchObject({ code: 0, stdout: 'default\tcurrent-index\t1\trunning\t3\t0\t0.0\t\n' })
  await annals('put Patient/p4', { stdin: '{"resourceType":"Patient","id":"p4"}' })
  const listed = await annals('projections list --json')
  expect(JSON.parse(listed.stdout)).toMatchObject({
    tenant: 'default',
    projection: { name: 'current-index', version: 1, state: 'running', serves: true, seq: 3, lag: { commits: 1 } },
  })
  const rebuilt = await annals('projections rebuild current-index --json')
  expect(JSON.parse(rebuilt.stdout)).toMatchObject({ projection: { state: 'running', seq: 4, lag: { commits: 0 } } })
  expect(await annals('projections resume current-index')).toMatchObject({
    code: 0,
    stderr: "'current-index' was not parked\n",
  })
  const opened = await openStore(store)
  expect(await (await opened.tenant('default')).count('Patient')).toBe(4)
  await opened.close()
})

test('run --follow works until it is stopped', async () => {
  const { store, annals } = await filled()
  const stop = new AbortController()
  const following = annals('projections run --follow', { signal: stop.signal })
  const opened = await openStore(store)
  const tenant = await opened.tenant('default')
  await tenant.whenProjected('current-index', { partition: 0, seq: 3, index: 0 })
  const { position } = await tenant.create('Patient', '{"resourceType":"Patient"}')
  if (position === undefined) throw new Error('it wrote nothing')
  await tenant.whenProjected('current-index', position)
  stop.abort()
  expect(await following).toMatchObject({ code: 130, stderr: expect.stringContaining('is at work') })
  await opened.close()
})

test('what there is not is named', async () => {
  const { annals } = await filled()
  expect(await annals('projections run nothing')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('current-index'),
  })
  expect(await annals('projections resume current-index')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('has never run'),
  })
  expect(await annals('projections list --tenant nobody')).toMatchObject({ code: 3 })
  expect((await annals('projections --help')).stdout).toContain('projections rebuild')
})

test('objects are kept as far as asked for, checked, and recovered', async () => {
  const { store, annals } = await filled()
  expect(await annals('projections run objects --parts current,nonsense')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("'nonsense'"),
  })
  expect(await annals('projections run objects --parts current,versions')).toMatchObject({ code: 0 })
  const folder = join(
    fileURLToPath(store.replace('file:', 'file://')),
    'objects',
    'default',
    'resources',
    'Patient',
    'p1',
  )
  expect(readdirSync(folder).sort()).toEqual(['_history', 'current.json'])
  await annals('put Patient/p1', { stdin: patient('p1', { active: true }) })
  expect((await annals('projections run --json')).stdout).toContain('"settings":"current versions"')
  expect(await annals('verify --deep')).toMatchObject({ code: 0, stdout: expect.stringContaining('projected') })
  rmSync(join(folder, '_history', '2.json'))
  const verified = await annals('verify --deep')
  expect(verified).toMatchObject({ code: 1, stdout: expect.stringContaining('object-missing') })
  expect(await annals('recover')).toMatchObject({ code: 0, stdout: expect.stringContaining('objects rebuilt') })
  expect(await annals('verify --deep')).toMatchObject({ code: 0 })
})
