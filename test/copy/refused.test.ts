/** What a copy refuses, and that nothing was written by then. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headPk, headSk } from '../../domain/keys.js'
import type { Item } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { failure, logObject, outcome } from '../protocol/world.js'
import { watched } from './faults.js'
import { changes, type History, live, tale } from './histories.js'
import {
  copy,
  differencesOf,
  expectEqual,
  expectUntouched,
  filled,
  inMemory,
  itemsOf,
  objectsOf,
  type Place,
} from './places.js'

/** The copy fails, and the destination is what it was. */
async function refusal(from: Place, to: Place) {
  await to.open()
  const before = [await objectsOf(to), await itemsOf(to)]
  const { calls, ports } = watched()
  const error = await failure((await from.open()).copy('t', await to.open(ports)))
  expect([await objectsOf(to), await itemsOf(to)]).toEqual(before)
  expect(calls.filter(({ method }) => !/^(get|head|list)$/.test(method))).toEqual([])
  return error
}

async function another(transactions: History): Promise<Place> {
  const place = await inMemory()
  // Its commits have other ids and instants.
  place.clock.move(1)
  return filled(place, transactions)
}

async function damage(place: Place, key: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
  const found = await run(place.blobs.get(key))
  await run(place.blobs.put(key, change(Buffer.from(found?.bytes ?? []))))
}

/** Lets an object disappear, as no call could: every other one moves to a new place. */
async function without(place: Place, key: string): Promise<Place> {
  const rest = await inMemory()
  for (const [other, text] of [...(await objectsOf(place)), ['annals.json', await manifestOf(place)] as const])
    if (other !== key) await run(rest.blobs.put(other, Buffer.from(text, 'latin1')))
  const { items } = await run(place.pointers.scan({ pkPrefixes: [''], limit: 1_000 }))
  await run(rest.pointers.putAll(items.map(({ pk, sk, attributes }) => ({ pk, sk, attributes }))))
  return rest
}

const manifestOf = async ({ blobs }: Place): Promise<string> =>
  Buffer.from((await run(blobs.get('annals.json')))?.bytes ?? []).toString('latin1')

describe('a destination that has diverged', () => {
  test.each([1, 2, 3, 4, 5])(
    'behind commit %i is refused, and the first commit that differs is named',
    async (common) => {
      const from = await filled(await inMemory(), tale.slice(0, common))
      const to = await inMemory()
      await copy(from, to)
      await filled(from)
      to.clock.move(5)
      const store = await to.open()
      await live(await store.tenant('t'), changes(4), 'other')
      const error = await refusal(from, to)
      expect(error).toMatchObject({ _tag: 'Diverged', data: { log: 't/0', seq: common + 1 } })
      expect(error.message).toContain(`from commit ${common + 1} on`)
    },
  )

  test('from the first commit on is refused', async () => {
    const [from, to] = [await filled(await inMemory()), await another(tale.slice(0, 2))]
    expect(await refusal(from, to)).toMatchObject({ _tag: 'Diverged', data: { seq: 1 } })
  })

  test('because it is longer is refused', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    await copy(from, to)
    const store = await to.open()
    await (await store.tenant('t')).create('Note', '{"n":9}')
    const error = await refusal(from, to)
    expect(error).toMatchObject({ _tag: 'Diverged', data: { seq: 7, problem: 'the source has no such commit' } })
  })

  test('because its pointers are of another log is refused', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    await copy(from, to)
    await filled(from, changes(1), 'more')
    const head = (await run(to.pointers.get(headPk('t', 0), headSk))) as Item
    const others: ReadonlyArray<Item['attributes']> = [{ seq: 9 }, { hash: 'f'.repeat(64) }, { seq: 3 }]
    for (const attributes of others) {
      await run(to.pointers.putAll([{ ...head, attributes: { ...head.attributes, ...attributes } }]))
      expect(await refusal(from, to)).toMatchObject({ _tag: 'Diverged' })
    }
    await run(to.pointers.putAll([head]))
    await copy(from, to)
    await expectEqual(from, to)
  })

  test('while it is copied to stops the copy at that commit', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const other = await to.open()
    to.clock.move(5)
    const destination = await to.open({
      blobs: (blobs) => ({
        ...blobs,
        createIfAbsent: (key, bytes) => async () => {
          if (key === logObject(4)) await (await other.tenant('t')).create('Note', '{"n":9}')
          return blobs.createIfAbsent(key, bytes)()
        },
      }),
    })
    expect(await failure((await from.open()).copy('t', destination))).toMatchObject({
      _tag: 'Diverged',
      data: { seq: 4 },
    })
    expect((await objectsOf(to)).size).toBe((await objectsOf(await another(tale.slice(0, 4)))).size)
    expect(await differencesOf(to)).toEqual([])
  })
})

describe('a destination', () => {
  test('of another kind is refused', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    await (await to.open()).tenant('t', { kind: 'fhir' })
    const error = await refusal(from, to)
    expect(error).toMatchObject({ _tag: 'TenantMismatch', data: { what: 'kind', expected: 'json', actual: 'fhir' } })
  })

  test('of the same kind that was made by itself is filled', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    to.clock.move(5_000)
    await (await to.open()).tenant('t', { kind: 'json' })
    expect(await copy(from, to)).toMatchObject({ commits: 6 })
    expect(await itemsOf(to)).toEqual(await itemsOf(from))
  })

  test('that spreads its indexes otherwise is filled as it is, and one that is made has the shards of the source', async () => {
    const [from, sharded, same] = [await filled(await inMemory()), await inMemory(), await inMemory()]
    await (await sharded.open()).tenant('t', { kind: 'json', shards: 3 })
    expect(await copy(from, sharded)).toMatchObject({ commits: 6 })
    expect(await differencesOf(sharded)).toEqual([])
    const shardOfKey = (key: string): string | undefined => /^T#t#Note#(\d+)/.exec(key)?.[1]
    expect(new Set([...(await itemsOf(sharded)).keys()].flatMap((key) => shardOfKey(key) ?? [])).size).toBeGreaterThan(
      1,
    )
    await copy(sharded, same)
    await expectEqual(sharded, same)
    expect((await (await same.open()).tenant('t')).shards).toBe(3)
  })

  test('that somebody else makes meanwhile with other shards is refused', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const other = await to.open()
    const destination = await to.open({
      blobs: (blobs) => ({
        ...blobs,
        createIfAbsent: (key, bytes) => async () => {
          if (key === 't/tenant.json') await other.tenant('t', { kind: 'json', shards: 3 })
          return blobs.createIfAbsent(key, bytes)()
        },
      }),
    })
    const error = await failure((await from.open()).copy('t', destination))
    expect(error).toMatchObject({ _tag: 'TenantMismatch', data: { what: 'shards', expected: 1, actual: 3 } })
    expect((await objectsOf(to)).has(logObject(1))).toBe(false)
  })

  test('of a newer release is refused', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    await (await to.open()).tenant('t', { kind: 'json' })
    await damage(to, 't/tenant.json', (bytes) => Buffer.from(bytes.toString().replace('tenant/1', 'tenant/2')))
    expect(await refusal(from, to)).toMatchObject({ _tag: 'UnsupportedFormat' })
  })

  test('that has lost its pointers needs recovery, and gets it where its store was told to', async () => {
    const [from, to] = [await filled(await inMemory(), tale.slice(0, 3)), await inMemory()]
    await copy(from, to)
    await filled(from)
    await run(to.pointers.deleteByPrefix(['']))
    const error = await failure(copy(from, to))
    expect(error).toMatchObject({ _tag: 'NeedsRecovery', message: expect.stringContaining('at the destination') })
    expect((await objectsOf(to)).has(logObject(4))).toBe(false)
    expect(await (await from.open()).copy('t', await to.open({ recover: true }))).toMatchObject({ from: 4, to: 6 })
    expect(await objectsOf(to)).toEqual(await objectsOf(from))
    expect(await differencesOf(to)).toEqual([])
  })

  test('whose large body is cut short is named', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const [key] = [...(await objectsOf(from)).keys()].filter((each) => each.startsWith('t/blobs/'))
    await to.open()
    await run(to.blobs.put(key ?? '', Buffer.from('{"text":"x')))
    const error = await failure(copy(from, to))
    expect(error).toMatchObject({
      _tag: 'Corrupt',
      data: { key, problem: expect.stringMatching(/^at the destination: /) },
    })
    expect((await objectsOf(to)).has(logObject(2))).toBe(false)
  })

  test('whose commit has other bytes behind the same header is named', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const destination = await to.open({
      blobs: (blobs) => ({
        ...blobs,
        createIfAbsent: (key, bytes) => async () => {
          if (key === logObject(6)) {
            const damaged = Buffer.from(bytes)
            await blobs.put(key, damaged.fill('9', damaged.length - 3, damaged.length - 2))()
          }
          return blobs.createIfAbsent(key, bytes)()
        },
      }),
    })
    const error = await failure((await from.open()).copy('t', destination))
    expect(error).toMatchObject({ _tag: 'Corrupt', data: { key: logObject(6) } })
    expect(error.message).toContain("the header of the source's commit")
  })
})

describe('a source', () => {
  test('that does not have the tenant is refused', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const source = await from.open()
    expect(await outcome(source.copy('u', await to.open()))).toBe('TenantNotFound')
    await expectUntouched(to)
  })

  test('is never written to', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    const { calls, ports } = watched()
    await (await from.open(ports)).copy('t', await to.open())
    expect(calls.filter(({ method }) => !/^(get|head)$/.test(method))).toEqual([])
  })

  test('with any bit of a commit changed is refused before anything of that commit is written', async () => {
    const from = await filled(await inMemory())
    const whole = await objectsOf(from)
    const seqs = [1, 2, 3, 6].map((seq) => ({ seq, length: whole.get(logObject(seq))?.length ?? 0 }))
    const places = fc
      .constantFrom(...seqs)
      .chain(({ seq, length }) => fc.record({ seq: fc.constant(seq), at: fc.nat(length - 1), bit: fc.nat(7) }))
    await fc.assert(
      fc.asyncProperty(places, async ({ seq, at, bit }) => {
        const flip = (bytes: Buffer): Buffer => {
          bytes[at] = (bytes[at] as number) ^ (1 << bit)
          return bytes
        }
        await damage(from, logObject(seq), flip)
        const to = await inMemory()
        const error = await failure(copy(from, to))
        await damage(from, logObject(seq), flip)
        expect(['Corrupt', 'LogMismatch', 'UnsupportedFormat']).toContain(error._tag)
        // A header that is well-formed and another one is told of by the next commit.
        expect([logObject(seq), logObject(seq + 1), undefined]).toContain((error.data as { key?: string }).key)
        const held = await objectsOf(to)
        for (const [key, bytes] of held) expect(bytes).toBe(whole.get(key))
        expect(held.has(logObject(seq))).toBe(false)
        // The one before was not proved where its follower can't be read.
        if (seq > 2) expect(held.has(logObject(seq - 2))).toBe(true)
        if (seq === 1) await expectUntouched(to)
        expect([...held.keys()].filter((key) => key.includes('/blobs/'))).toHaveLength(held.has(logObject(2)) ? 1 : 0)
        await copy(from, to)
        await expectEqual(from, to)
      }),
      { numRuns: 300 },
    )
  })

  test.each(['damaged', 'missing'])(
    'whose large body is %s is refused before anything of that commit is written',
    async (what) => {
      const whole = await filled(await inMemory())
      const [key = ''] = [...(await objectsOf(whole)).keys()].filter((each) => each.startsWith('t/blobs/'))
      if (what === 'damaged') await damage(whole, key, (bytes) => bytes.fill('y', 9, 10))
      const from = what === 'damaged' ? whole : await without(whole, key)
      const to = await inMemory()
      expect(await failure(copy(from, to))).toMatchObject({ _tag: 'Corrupt', data: { key } })
      expect([...(await objectsOf(to)).keys()]).toEqual([logObject(1), 't/tenant.json'])
      expect(await differencesOf(to)).toEqual([])
    },
  )

  test.each([1, 2, 3, 5, 6])('that has lost commit %i is refused there', async (lost) => {
    const from = await without(await filled(await inMemory()), logObject(lost))
    const to = await inMemory()
    expect(await failure(copy(from, to))).toMatchObject({ _tag: 'Corrupt', data: { key: logObject(lost) } })
    expect((await objectsOf(to)).has(logObject(lost))).toBe(false)
  })

  test.each([1, 2, 3, 5])('that has lost commit %i and its pointers is no shorter log', async (lost) => {
    const from = await without(await filled(await inMemory()), logObject(lost))
    await run(from.pointers.deleteByPrefix(['']))
    const to = await inMemory()
    expect(await failure(copy(from, to))).toMatchObject({ _tag: 'Corrupt', data: { key: logObject(lost) } })
  })

  test('that has lost what the destination holds is named as damaged, not the destination as diverged', async () => {
    const whole = await filled(await inMemory())
    const to = await inMemory()
    await copy(whole, to)
    await filled(whole, changes(1), 'more')
    const error = await refusal(await without(whole, logObject(6)), to)
    expect(error).toMatchObject({ _tag: 'Corrupt', data: { key: logObject(6) } })
    expect(error.message).not.toContain('at the destination')
  })

  test('whose head is of another log is refused', async () => {
    const from = await filled(await inMemory())
    const head = (await run(from.pointers.get(headPk('t', 0), headSk))) as Item
    await run(from.pointers.putAll([{ ...head, attributes: { ...head.attributes, hash: 'f'.repeat(64) } }]))
    const to = await inMemory()
    expect(await failure(copy(from, to))).toMatchObject({ _tag: 'LogMismatch', data: { seq: 6 } })
    expect((await objectsOf(to)).has(logObject(6))).toBe(false)
  })
})
