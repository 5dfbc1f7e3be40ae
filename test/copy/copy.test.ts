/** A copy is the same log, object by object and item by item, wherever it comes from and goes to. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headPk, headSk } from '../../domain/keys.js'
import { requestLifetime } from '../../domain/pointer.js'
import type { Item } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import type { CopyProgress } from '../../src/copy/api.js'
import { openStore } from '../../src/index.js'
import { contents, failure } from '../protocol/world.js'
import { history, live, tale } from './histories.js'
import {
  copy,
  differencesOf,
  expectEqual,
  filled,
  inMemory,
  itemsOf,
  limits,
  objectsOf,
  onDisk,
  type Place,
} from './places.js'

const kinds: ReadonlyArray<[string, () => Promise<Place>, () => Promise<Place>, number]> = [
  ['memory to memory', inMemory, inMemory, 100],
  ['memory to a folder', inMemory, onDisk, 10],
  ['a folder to memory', onDisk, inMemory, 10],
  ['a folder to a folder', onDisk, onDisk, 10],
]

describe.each(kinds)('a copy from %s', (_, makeSource, makeDestination, numRuns) => {
  test('is equal, and so is one that goes on where it ended', async () => {
    const parts = fc.array(history, { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(parts, async (histories) => {
        const [from, to] = [await makeSource(), await makeDestination()]
        let last = 0
        for (const [n, transactions] of histories.entries()) {
          const store = await from.open()
          const tenant = await store.tenant('t', { kind: 'json' })
          await live(tenant, transactions, `${n}-`)
          const { seq } = await tenant.head()
          await store.close()
          expect(await copy(from, to)).toMatchObject({ commits: seq - last, from: last + 1, to: seq })
          last = seq
          await expectEqual(from, to)
        }
        await Promise.all([from.end(), to.end()])
      }),
      { numRuns, interruptAfterTimeLimit: 60_000 },
    )
  })
})

describe('a copy', () => {
  test('tells what it came to, and how far it is', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const told: CopyProgress[] = []
    const report = await copy(from, to, { onProgress: (progress: CopyProgress) => told.push(progress) })
    const sizes = [...(await objectsOf(from))].filter(([key]) => key !== 't/tenant.json').map(([, text]) => text.length)
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    expect(report).toEqual({ commits: 6, events: 8, bytes, blobs: 1, from: 1, to: 6 })
    expect(told.at(-1)).toEqual({ step: 'copy', done: 6, total: 6, events: 8, bytes })
    expect(told.map(({ done }) => done)).toEqual(told.map(({ done }) => done).sort((a, b) => a - b))
    expect(told.length).toBeGreaterThan(5)
    expect(await copy(from, to)).toEqual({ commits: 0, events: 0, bytes: 0, blobs: 0, from: 7, to: 6 })
  })

  test('of a tenant without commits is that tenant', async () => {
    const [from, to] = [await filled(await inMemory(), []), await inMemory()]
    expect(await copy(from, to)).toMatchObject({ commits: 0, from: 1, to: 0 })
    await expectEqual(from, to)
  })

  test('can be read and written at once, by the store that it was copied into', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const [source, destination] = [await from.open(), await to.open()]
    await source.copy('t', destination)
    const [original, twin] = [await source.tenant('t'), await destination.tenant('t')]
    expect(await contents(twin)).toEqual(await contents(original))
    expect(await twin.update('Note', 'a', '{"n":6}', { expect: 4 })).toMatchObject({ version: 5, position: { seq: 7 } })
    expect(await twin.transact(tale[5] ?? [], { request: 'r5', actor: 'Ann', reason: 'because' })).toMatchObject({
      replayed: true,
    })
  })

  test('of what was copied is what there was: back again, it is the same', async () => {
    const [from, to, back] = [await filled(await onDisk()), await inMemory(), await onDisk()]
    await copy(from, to)
    await copy(to, back)
    await expectEqual(from, back)
    await Promise.all([from.end(), back.end()])
  })

  test('takes one tenant, and no other', async () => {
    const [from, to] = [await inMemory(), await inMemory()]
    const [source, destination] = [await from.open(), await to.open()]
    for (const name of ['t', 't2', 'T']) await live(await source.tenant(name, { kind: 'json' }), tale)
    await source.copy('t2', destination)
    const names: string[] = []
    for await (const name of destination.tenants()) names.push(name)
    expect(names).toEqual(['t2'])
    expect((await objectsOf(to, 't2')).size).toBe((await objectsOf(from, 't2')).size)
  })

  test('works from a log that has lost its pointers', async () => {
    const [whole, from, to] = [await filled(await inMemory()), await filled(await inMemory()), await inMemory()]
    await from.pointers.deleteByPrefix([''])()
    expect(await copy(from, to)).toMatchObject({ commits: 6 })
    expect(await objectsOf(to)).toEqual(await objectsOf(from))
    expect((await itemsOf(to)).size).toBe((await itemsOf(whole)).size)
    expect(await differencesOf(to)).toEqual([])
    expect(await itemsOf(from)).toEqual(new Map())
  })

  test('goes no further than what the readers of the source see', async () => {
    const from = await filled(await inMemory(), tale.slice(0, 3))
    const head = await run(from.pointers.get(headPk('t', 0), headSk))
    await filled(from, tale.slice(3), 'more')
    await run(from.pointers.putAll([head as Item]))
    const to = await inMemory()
    expect(await copy(from, to)).toMatchObject({ commits: 3, to: 3 })
    expect(await differencesOf(to)).toEqual([])
  })

  test('publishes no receipts that have expired', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    to.clock.move(requestLifetime * 1000 + 1_000)
    const put: string[] = []
    const destination = await to.open({
      pointers: (pointers) => ({
        ...pointers,
        putAll: (items) => {
          put.push(...items.map(({ pk }) => pk))
          return pointers.putAll(items)
        },
      }),
    })
    await (await from.open()).copy('t', destination)
    expect(put.length).toBe(16)
    expect(put.filter((pk) => pk.startsWith('Q#'))).toEqual([])
    expect(await differencesOf(to)).toEqual([])
  })

  test('verifies the destination where it is asked to', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const steps = new Set<string>()
    const onProgress = ({ step }: CopyProgress): void => void steps.add(step)
    expect((await copy(from, to, { verify: true, onProgress })).verified).toMatchObject({ commits: 6, differences: 0 })
    expect(steps).toEqual(new Set(['copy', 'verify']))
    const damaged = [...(await objectsOf(to)).keys()].find((key) => key.includes('/blobs/')) ?? ''
    await to.blobs.put(damaged, Buffer.from('x'.repeat(91)))()
    const found: string[] = []
    const options = { verify: true, onDifference: ({ key }: { key: string }) => found.push(key) }
    expect((await copy(from, to, options)).verified).toMatchObject({ differences: 2 })
    expect(found).toEqual([damaged, damaged])
  })

  test('of a store that was opened as usual is offered as a promise and as a TaskEither', async () => {
    const [source, destination] = [await openStore('memory:', { limits }), await openStore('memory:')]
    await live(await source.tenant('t', { kind: 'json' }), tale)
    expect(await source.copy('t', destination)).toMatchObject({ commits: 6 })
    expect(await source.fp.copy('t', destination)()).toMatchObject({ _tag: 'Right', right: { commits: 0 } })
    expect(await source.fp.copy('u', destination)()).toMatchObject({ _tag: 'Left', left: { _tag: 'TenantNotFound' } })
  })

  test('is refused where it makes no sense', async () => {
    const [source, destination] = [await openStore('memory:'), await openStore('memory:')]
    await source.tenant('t')
    const refusals = [
      source.copy('t', source),
      source.copy('t', { ...destination }),
      source.copy('t', destination, { follow: true, verify: true }),
      source.copy('', destination),
    ]
    for (const refusal of refusals) expect((await failure(refusal))._tag).toBe('InvalidInput')
  })
})
