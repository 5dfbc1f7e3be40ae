/** Verification: every kind of damage has a name, and a whole log has none. */
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../domain/commit.js'
import { blobKey } from '../../domain/keys.js'
import type { Item } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { logObject, type World } from '../protocol/world.js'
import { commitCount, differences, large, losePointers, tale } from './tale.js'

const head = 'H#t#0'
const version1 = { pk: 'V#t#Note/a', sk: '0000000001' }
const index1 = { pk: 'T#t#Note#0', sk: `${'1'.padStart(20, '0')}${'0'.repeat(8)}` }

async function itemOf(world: World, { pk, sk }: { pk: string; sk: string }): Promise<Item> {
  const { attributes } = (await run(world.pointers.get(pk, sk))) as Item
  return { pk, sk, attributes }
}

/** Changes one item of the pointer store. */
async function change(world: World, key: { pk: string; sk: string }, attributes: Item['attributes']): Promise<void> {
  const item = await itemOf(world, key)
  await run(world.pointers.putAll([{ ...item, attributes: { ...item.attributes, ...attributes } }]))
}

/** Removes one item, as no port call but a transaction can. */
async function remove(world: World, { pk, sk }: { pk: string; sk: string }): Promise<void> {
  const swapped = await run(world.pointers.compareAndSet({ pk, sk: `${sk}~`, attributes: {} }, 0))
  expect(swapped.done).toBe(true)
  const others: Item[] = []
  for (const [key, item] of await world.dump())
    if (key.startsWith(`${pk} `) && key !== `${pk} ${sk}` && !key.endsWith('~'))
      others.push({ pk, sk: key.slice(pk.length + 1), ...item })
  await run(world.pointers.deleteByPrefix([pk]))
  await run(world.pointers.putAll(others))
}

/** Flips one bit of an object. */
const flip = (world: World, key: string, at: number, bit = 0): Promise<void> =>
  world.damage(key, (bytes) => {
    bytes[at] = (bytes[at] as number) ^ (1 << bit)
    return bytes
  })

const lengthOf = async (world: World, key: string): Promise<number> => (await run(world.blobs.head(key)))?.size ?? 0

async function textAt(world: World, key: string, text: string): Promise<number> {
  return Buffer.from((await run(world.blobs.get(key)))?.bytes ?? []).indexOf(text)
}

describe('verification', () => {
  test('finds nothing in a whole log', async () => {
    const world = await tale()
    expect(await differences(world)).toEqual([])
  })

  test('counts what it has walked', async () => {
    const world = await tale()
    const { store } = await world.open()
    const report = await store.verify('t')
    expect(report).toMatchObject({ commits: commitCount, events: 9, bodies: 8, differences: 0 })
  })

  test('reads the items of a commit in one call, those before it in another, and passes over the table once', async () => {
    const site = await (await tale()).open()
    site.pointers.reset()
    await site.store.verify('t')
    const { pointers } = site
    expect(pointers.count('getAll')).toBe(2 * commitCount)
    expect(pointers.count('get', /^[VTQ]#/)).toBe(0)
    expect(pointers.calls.filter(({ method }) => method === 'scan').map(({ key }) => key)).toEqual(['V#t# T#t# I#t#'])
  })

  test('ends when it is told to, also behind the last commit, where the items are counted', async () => {
    const site = await (await tale()).open()
    for (const at of [1, commitCount]) {
      site.pointers.reset()
      const stop = new AbortController()
      const onProgress = ({ done }: { done: number }) => (done >= at ? stop.abort() : undefined)
      await expect(site.store.verify('t', { signal: stop.signal, onProgress })).rejects.toMatchObject({
        _tag: 'Cancelled',
      })
      expect(site.pointers.count('scan')).toBe(0)
    }
  })

  test('changes nothing', async () => {
    const world = await tale()
    const before = await world.dump()
    await run(world.pointers.deleteByPrefix(['T#']))
    const damaged = await world.dump()
    await differences(world)
    expect(await world.dump()).toEqual(damaged)
    expect(damaged.size).toBeLessThan(before.size)
  })
})

describe('verification names', () => {
  test('any bit of a commit that is not as it was written', async () => {
    const world = await tale()
    const length = await lengthOf(world, logObject(3))
    for (let at = 0; at < length; at++) {
      await flip(world, logObject(3), at, at % 8)
      expect(await differences(world), `byte ${at}`).not.toEqual([])
      await flip(world, logObject(3), at, at % 8)
    }
    expect(await differences(world)).toEqual([])
  })

  test('a damaged header', async () => {
    const world = await tale()
    await flip(world, logObject(3), 2)
    expect(await differences(world)).toContain(`commit-damaged ${logObject(3)}`)
  })

  test('a header that is well-formed and not the one that was written', async () => {
    const world = await tale()
    await flip(world, logObject(1), await textAt(world, logObject(1), 'because'))
    expect(await differences(world)).toContain(`chain-broken ${logObject(2)}`)
  })

  test('a changed last header, which no later commit names', async () => {
    const world = await tale()
    const key = logObject(commitCount)
    await flip(world, key, (await textAt(world, key, '"writer":"')) + 11)
    expect(await differences(world)).toEqual([`head-different ${head}`])
  })

  test('a damaged body', async () => {
    const world = await tale()
    await flip(world, logObject(3), (await textAt(world, logObject(3), '{"n":4}')) + 5)
    expect(await differences(world)).toEqual([`body-damaged ${logObject(3)}`])
  })

  test('a damaged large body', async () => {
    const world = await tale()
    const key = blobKey('t', sha256(large))
    await flip(world, key, 20)
    expect(await differences(world)).toEqual([`body-damaged ${key}`])
  })

  test('a missing large body', async () => {
    const world = await tale()
    const key = blobKey('t', sha256(large))
    world.lose(key)
    expect(await differences(world)).toEqual([`blob-missing ${key}`])
  })

  test('a commit that is cut short, wherever', async () => {
    const length = await lengthOf(await tale(), logObject(3))
    for (let end = 0; end < length; end += 7) {
      const world = await tale()
      await world.damage(logObject(3), (bytes) => bytes.subarray(0, end))
      const found = await differences(world)
      expect(
        found.some((each) => /^(commit|body)-damaged/.test(each)),
        `${end} bytes`,
      ).toBe(true)
    }
  })

  test('a commit with bytes that nobody wrote behind it', async () => {
    const world = await tale()
    await world.damage(logObject(3), (bytes) => Buffer.concat([bytes, Buffer.from('{}\n')]))
    expect(await differences(world)).toEqual([`commit-damaged ${logObject(3)}`])
  })

  test('a missing commit', async () => {
    const world = await tale()
    world.lose(logObject(3))
    expect(await differences(world)).toContain(`commit-missing ${logObject(3)}`)
  })

  test('a commit in the place of another', async () => {
    const world = await tale()
    const other = await run(world.blobs.get(logObject(2)))
    await world.damage(logObject(3), () => other?.bytes as Uint8Array)
    expect(await differences(world)).toContain(`commit-damaged ${logObject(3)}`)
  })

  test('a missing pointer', async () => {
    const world = await tale()
    await remove(world, index1)
    expect(await differences(world)).toEqual([`pointer-missing ${index1.pk} ${index1.sk}`])
  })

  test('a missing receipt', async () => {
    const world = await tale()
    await run(world.pointers.deleteByPrefix(['Q#']))
    expect((await differences(world)).map((each) => each.split(' ')[0])).toEqual(
      Array.from({ length: 3 }, () => 'pointer-missing'),
    )
  })

  test.each([
    ['op', 'update'],
    ['offset', 1],
    ['at', 5],
    ['extra', true],
  ] as const)('a pointer whose %s is another', async (name, value) => {
    const world = await tale()
    await change(world, version1, { [name]: value })
    expect(await differences(world)).toContain(`pointer-different ${version1.pk} ${version1.sk}`)
  })

  test('a pointer that no commit makes', async () => {
    const world = await tale()
    const ghost = { ...(await itemOf(world, version1)), pk: 'V#t#Note/ghost' }
    await run(world.pointers.putAll([ghost]))
    expect(await differences(world)).toEqual([`pointer-extra ${ghost.pk} ${ghost.sk}`])
  })

  test('a pointer that is missing and one that is too many, both', async () => {
    const world = await tale()
    const ghost = { ...(await itemOf(world, version1)), pk: 'V#t#Note/ghost' }
    await run(world.pointers.putAll([ghost]))
    await remove(world, index1)
    expect(await differences(world)).toEqual([
      `pointer-extra ${ghost.pk} ${ghost.sk}`,
      `pointer-missing ${index1.pk} ${index1.sk}`,
    ])
  })

  test('a head that is missing', async () => {
    const world = await tale()
    await run(world.pointers.deleteByPrefix(['H#']))
    expect(await differences(world)).toContain(`head-missing ${head}`)
  })

  test('a head that is behind', async () => {
    const world = await tale()
    await change(world, { pk: head, sk: 'head' }, { seq: commitCount - 1, hash: await hashOf(world, commitCount - 1) })
    expect(await differences(world)).toEqual([`head-behind ${head}`])
  })

  test('a head that is ahead', async () => {
    const world = await tale()
    await change(world, { pk: head, sk: 'head' }, { seq: commitCount + 1 })
    expect(await differences(world)).toContain(`head-ahead ${head}`)
  })

  test('a head with another hash', async () => {
    const world = await tale()
    await change(world, { pk: head, sk: 'head' }, { hash: 'f'.repeat(64) })
    expect(await differences(world)).toEqual([`head-different ${head}`])
  })

  test('all pointers, when all are gone', async () => {
    const world = await tale()
    await losePointers(world)
    expect(await differences(world)).toContain(`head-missing ${head}`)
  })
})

/** The hash of a commit's header line, as its bytes say. */
async function hashOf(world: World, seq: number): Promise<string> {
  const bytes = Buffer.from((await run(world.blobs.get(logObject(seq))))?.bytes ?? [])
  return sha256(bytes.subarray(0, bytes.indexOf('\n')))
}
