/** The sweep of the object model: what no event makes goes, whatever it is called, and nothing else does. */
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { expect, test } from 'vitest'
import { memoryBlobStore } from '../../adapters/memory/index.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { extraObjects, objectParts, objects } from '../../projections/objects/index.js'
import { objectsProjection } from '../../src/index.js'
import { makeWorld } from '../protocol/world.js'
import { objectsOf } from './objects.js'

const unknown = { version: async () => undefined, current: async () => undefined, at: async () => undefined }
const put = (blobs: BlobStore, key: string) => run(blobs.put(key, Buffer.from('{}')))

/** Objects that only a listing knows: no store here takes such a key. */
const withListed = (blobs: BlobStore, keys: ReadonlyArray<string>): BlobStore => ({
  ...blobs,
  list: (prefix, options) =>
    pipe(
      blobs.list(prefix, options),
      TE.map(({ entries, more }) => ({
        entries: [
          ...keys
            .filter((key) => key.startsWith(prefix) && options.after === undefined)
            .map((key) => ({ key, size: 0 })),
          ...entries,
        ],
        more,
      })),
    ),
})

test('whatever was put among the objects is removed, under any name', async () => {
  const world = makeWorld()
  const { store, tenant } = await world.enter()
  await tenant.create('Note', '{}', { id: 'a' })
  const projection = objectsProjection()
  await store.projections.run('t', [projection])
  const before = await objectsOf(world.blobs)
  for (const key of [
    't/resources/Note/%zz/current.json',
    't/resources/%/%E0%A4%A/_history/1.json',
    't/resources/Note/a/_history/0.json',
    't/resources/N%6Fte/a/current.json',
    't/history/system/x_0-0-0.json',
    't/history/system/x_0-1-7.json',
    't/history/type/Note/x_9-1-0.json',
    't/history/type/Other/x_0-999999999999999-0.json',
  ])
    await put(world.blobs, key)
  expect(await store.projections.rebuild('t', projection)).toMatchObject([{ state: 'running' }])
  expect(await objectsOf(world.blobs)).toEqual(before)
})

test('the empty objects by which consoles show folders are no obstacle', async () => {
  const blobs = memoryBlobStore()
  await put(blobs, 't/resources/Note/ghost/current.json')
  const shown = withListed(blobs, ['t/resources/', 't/resources/Note/', 't/history/', 't/history//x'])
  const projection = objects(shown, 't', objectParts, unknown)
  await projection.sweep?.(new AbortController().signal)
  expect([...(await objectsOf(blobs)).keys()]).toEqual([])
})

test('thousands of objects are gone through page by page, and deleted in calls of a thousand', async () => {
  const blobs = memoryBlobStore()
  for (let i = 0; i < 2_500; i++) await put(blobs, `t/resources/Note/${i}/current.json`)
  await put(blobs, 't/tenant.json')
  const sizes: number[] = []
  const counted: BlobStore = {
    ...blobs,
    delete: (keys) => {
      sizes.push(keys.length)
      return blobs.delete(keys)
    },
  }
  await objects(counted, 't', objectParts, unknown).sweep?.(new AbortController().signal)
  expect(sizes).toEqual([1_000, 1_000, 500])
  expect((await run(blobs.list('', { limit: 10 }))).entries.map(({ key }) => key)).toEqual(['t/tenant.json'])
})

test('a sweep that is stopped deletes no more', async () => {
  const blobs = memoryBlobStore()
  await put(blobs, 't/resources/Note/a/current.json')
  await objects(blobs, 't', objectParts, unknown).sweep?.(AbortSignal.abort())
  expect((await objectsOf(blobs)).size).toBe(1)
})

test('other tenants, whatever they are called, are left alone', async () => {
  const blobs = memoryBlobStore()
  for (const tenant of ['t', 'tt', 't%2F', '%']) await put(blobs, `${tenant}/resources/Note/a/current.json`)
  const found: string[] = []
  for await (const key of extraObjects(blobs, 't', new Set(objectParts), unknown)) found.push(key)
  expect(found).toEqual(['t/resources/Note/a/current.json'])
})
