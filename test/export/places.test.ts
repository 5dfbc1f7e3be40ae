/** Exports to places outside of the store: folders of plain files. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { OpenOptions } from '../../src/index.js'
import { openStore } from '../../src/open.js'
import type { Tenant } from '../../src/store.js'
import { failure } from '../protocol/world.js'
import { contentsOf, sorted, stateAt, tightBounds } from './place.js'

const folders: string[] = []
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'annals-export-'))
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort()

async function filled(options: OpenOptions = {}) {
  const url = `file:${join(newFolder(), 'store')}`
  const store = await openStore(url, { limits: tightBounds, ...options })
  const tenant = await store.tenant('t')
  for (let n = 0; n < 40; n++)
    await put(tenant, n % 2 === 0 ? 'Basic' : 'Patient', `r${n % 25}`, `"n":${n}.10,"text":"${'x'.repeat(100)}"`)
  return { url, store, tenant }
}

const put = (tenant: Tenant, type: string, id: string, more = '"n":1') =>
  tenant.update(type, id, `{"resourceType":"${type}",${more}}`)

test('an export to a folder is plain files there, and a state in the store', async () => {
  const { store, tenant, url } = await filled()
  const folder = join(newFolder(), 'a', 'new one')
  const job = await tenant.export({ id: 'j', to: `file:${folder}` })
  const found = await contentsOf(tenant, job)
  expect(sorted(found.resources)).toEqual(sorted((await stateAt(tenant, found.status.transactionTime)).resources))
  expect(filesIn(folder)).toEqual([...found.files.keys(), 'manifest.json'].sort())
  for (const [name, text] of found.files) expect(readFileSync(join(folder, name), 'utf8')).toBe(text)
  expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'output'])
  expect(found.status.to).toBe(`file:${folder}`)
  expect(filesIn(join(url.slice('file:'.length), 'objects', 't', 'bulk'))).toEqual([
    join('export', 'jobs', 'j', 'state.json'),
  ])
  // It is the user's now.
  await store.close()
  const later = await openStore(url, { clock: { now: () => Date.now() * 1000 + 864e11, sleep: async () => undefined } })
  expect(await (await later.tenant('t')).exports.cleanup()).toBe(1)
  await later.close()
  expect(filesIn(folder)).toHaveLength(found.files.size + 1)
})

test('a folder that is not empty is refused, and so is what is no place', async () => {
  const { store, tenant } = await filled()
  const folder = newFolder()
  writeFileSync(join(folder, 'mine.txt'), 'mine')
  for (const to of [`file:${folder}`, `file:${join(folder, 'mine.txt')}`, `file:${join(folder, 'mine.txt', 'x')}`])
    expect(await failure(tenant.export({ to })), to).toMatchObject({ _tag: 'InvalidInput' })
  for (const to of ['memory:', 'http://example.org/', folder, 's3://X', 's3://key:secret@bucket'])
    expect(await failure(tenant.export({ to })), to).toMatchObject({ _tag: 'InvalidInput' })
  expect(filesIn(folder)).toEqual(['mine.txt'])
  expect(await tenant.exports.list()).toEqual([])
  await store.close()
})

test('a cancelled one takes away what it has written, and nothing else', async () => {
  const { store, tenant } = await filled()
  const folder = newFolder()
  const job = await tenant.export({ to: `file:${folder}` })
  await job.done()
  writeFileSync(join(folder, 'mine.txt'), 'mine')
  mkdirSync(join(folder, 'out'))
  writeFileSync(join(folder, 'out', 'mine.txt'), 'mine')
  await job.cancel()
  expect(filesIn(folder)).toEqual(['mine.txt', join('out', 'mine.txt')])
  await store.close()
})

test('what was interrupted goes on in the same folder, from another process', async () => {
  const { store, tenant, url } = await filled()
  const folder = newFolder()
  const job = await tenant.export({ id: 'j', to: `file:${folder}` })
  for await (const _ of job.parts()) break
  await store.close()
  const other = await openStore(url, { limits: tightBounds })
  const again = await other.tenant('t')
  await put(again, 'Basic', 'late')
  const found = await contentsOf(again, await again.exports.resume('j'))
  expect(sorted(found.resources)).toEqual(sorted((await stateAt(again, found.status.transactionTime)).resources))
  expect(filesIn(folder)).toEqual([...found.files.keys(), 'manifest.json'].sort())
  await other.close()
})

test('a folder is of one machine: workers, which may be elsewhere, leave it to who names the export', async () => {
  const { store, tenant, url } = await filled()
  const folder = newFolder()
  const job = await tenant.export({ id: 'j', to: `file:${folder}` })
  for await (const _ of job.parts()) break
  await store.close()
  const before = filesIn(folder)
  const other = await openStore(url, { limits: tightBounds })
  const again = await other.tenant('t')
  const worker = other.exports.work({ lookMs: 10 })
  const after = await again.export({ id: 'k' })
  await after.done()
  await new Promise((resolve) => setTimeout(resolve, 100))
  await worker.stop()
  expect(filesIn(folder)).toEqual(before)
  expect(await (await again.exports.resume('j')).done()).toMatchObject({ state: 'complete' })
  await other.close()
})

test('something else under the name of a part is not written over', async () => {
  const { store, tenant } = await filled()
  const folder = newFolder()
  const job = await tenant.export({ to: `file:${folder}` })
  mkdirSync(join(folder, 'output', 'Patient'), { recursive: true })
  writeFileSync(join(folder, 'output', 'Patient', 'part-2.ndjson'), 'mine')
  expect(await failure(job.done())).toMatchObject({ _tag: 'Corrupt', data: { key: 'output/Patient/part-2.ndjson' } })
  expect(readFileSync(join(folder, 'output', 'Patient', 'part-2.ndjson'), 'utf8')).toBe('mine')
  await store.close()
})

test('types may be named as the rooms of a tenant are', async () => {
  const store = await openStore('memory:')
  const tenant = await store.tenant('t', { kind: 'json' })
  const types = ['blobs', 'history', 'log', 'resources']
  for (const type of types) await tenant.update(type, 'a', '{"id":"a"}')
  const folder = newFolder()
  const job = await tenant.export({ to: `file:${folder}` })
  expect((await job.done()).parts.map(({ type }) => type)).toEqual(types)
  expect(readdirSync(join(folder, 'output'))).toEqual(['%62lobs', '%68istory', '%6Cog', '%72esources'])
  await job.cancel()
  expect(filesIn(folder)).toEqual([])
  await store.close()
})
