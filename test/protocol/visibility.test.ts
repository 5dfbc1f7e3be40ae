/** What readers see while a transaction is being published. */
import { describe, expect, test } from 'vitest'
import { encodeCursor } from '../../domain/cursor.js'
import type { Item } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import type { Tenant } from '../../src/store.js'
import { makeWorld } from './world.js'

/** Everything that a reader can find out, in one text. */
async function view(tenant: Pick<Tenant, 'read' | 'history' | 'versions'>, at?: number): Promise<string> {
  const asOf = at === undefined ? undefined : { at: { partition: 0, seq: at, index: 0 } }
  const reads = await Promise.all(['a', 'b', 'c'].map((id) => tenant.read('Note', id, asOf)))
  const histories = [
    await tenant.history({}, asOf),
    await tenant.history({ type: 'Note' }, asOf),
    await tenant.history({ type: 'Note', id: 'a' }, asOf),
    await tenant.history({}, { ...asOf, order: 'oldest-first' }),
    await tenant.history({ type: 'Note' }, { ...asOf, order: 'oldest-first' }),
    await tenant.history({ type: 'Note', id: 'a' }, { ...asOf, order: 'oldest-first' }),
    await tenant.versions('Note', 'c', asOf),
  ]
  const name = (v: Awaited<(typeof reads)[number]>): string =>
    v === undefined ? '-' : `${v.id}@${v.version}${v.body === undefined ? '' : v.text()}`
  return [reads.map(name), ...histories.map(({ entries }) => entries.map(name))].map(String).join(' | ')
}

/** A tenant before and after a transaction on three resources, whose pointers the test publishes one by one. */
async function unpublished() {
  const world = makeWorld()
  const writer = await world.enter()
  await writer.tenant.transact([
    { op: 'create', type: 'Note', id: 'a', body: '{"n":1}' },
    { op: 'create', type: 'Note', id: 'b', body: '{"n":1}' },
  ])
  const reader = await world.enter()
  const before = await view(reader.tenant)
  const publishing = writer.pointers.on('putAll').hold()
  const written = writer.tenant.transact([
    { op: 'update', type: 'Note', id: 'a', body: '{"n":2}' },
    { op: 'delete', type: 'Note', id: 'b' },
    { op: 'create', type: 'Note', id: 'c', body: '{"n":2}' },
  ])
  const { args } = await publishing.arrived
  return { world, reader, before, items: args[0] as Item[], publish: () => publishing.release(), written }
}

describe('rule 8: a reader sees a transaction whole or not at all', () => {
  test('while its pointers are partly written, in any order, it is not there', async () => {
    const { world, reader, before, items, publish, written } = await unpublished()
    expect(await view(reader.tenant)).toBe(before)
    for (const item of [...items].reverse()) {
      await run(world.pointers.putAll([item]))
      expect(await view(reader.tenant)).toBe(before)
    }
    publish()
    await written
    const after = await view(reader.tenant)
    expect(after).not.toBe(before)
    expect(after).toContain('a@2{"n":2},b@2,c@1{"n":2}')
  })

  test('a version above the head is not found by its number either', async () => {
    const { world, reader, items, publish, written } = await unpublished()
    await run(world.pointers.putAll(items))
    expect(await reader.tenant.read('Note', 'a', { version: 2 })).toBeUndefined()
    expect(await reader.tenant.read('Note', 'c', { version: 1 })).toBeUndefined()
    publish()
    await written
    expect((await reader.tenant.read('Note', 'a', { version: 2 }))?.text()).toBe('{"n":2}')
  })

  test('a position above the head shows no more than the head', async () => {
    const { world, reader, before, items, publish, written } = await unpublished()
    await run(world.pointers.putAll(items))
    expect(await view(reader.tenant, 99)).toBe(before)
    publish()
    await written
  })

  test.each(
    [{}, { type: 'Note' }, { type: 'Note', id: 'a' }].flatMap((scope) => [
      { scope, order: undefined },
      { scope, order: 'oldest-first' as const },
    ]),
  )('a cursor that names a later commit than the head, in %j, sees no more than the head', async ({ scope, order }) => {
    const { world, reader, items, publish, written } = await unpublished()
    await run(world.pointers.putAll(items))
    const { entries } = await reader.tenant.history(scope, { order })
    const level = scope.id === undefined ? (scope.type === undefined ? 'system' : 'type/Note') : 'instance/Note/a'
    const [first, last] = {
      system: ['0-0', '99-9'],
      'type/Note': ['0'.repeat(28), '9'.repeat(28)],
      'instance/Note/a': ['0000000000', '9999999999'],
    }[level] as [string, string]
    const cursor = encodeCursor({ scope: level, seq: 99, after: order === undefined ? last : first, order })
    const names = (found: typeof entries): string[] => found.map(({ id, version }) => `${id}@${version}`)
    expect(names((await reader.tenant.history(scope, { cursor })).entries)).toEqual(names(entries))
    const beyond = encodeCursor({ scope: level, seq: 99, after: order === undefined ? first : last, order })
    expect((await reader.tenant.history(scope, { cursor: beyond })).entries).toEqual([])
    publish()
    await written
  })

  test('commits above the head are not iterated over', async () => {
    const { reader, publish, written } = await unpublished()
    const seen: number[] = []
    for await (const { seq } of reader.tenant.commits()) seen.push(seq)
    expect(seen).toEqual([1])
    publish()
    await written
  })

  test('many versions in publication do not hide the one that is there', async () => {
    const world = makeWorld()
    const [writer, reader] = [await world.enter(), await world.enter()]
    await writer.tenant.create('Note', '{"n":1}', { id: 'a' })
    const advancing = writer.pointers.on('advance').hold()
    const updates = Array.from({ length: 9 }, (_, n) => ({ op: 'update', type: 'Note', id: 'a', body: `{"n":${n}}` }))
    const written = writer.tenant.transact(updates as Parameters<Tenant['transact']>[0])
    await advancing.arrived
    expect(await reader.tenant.read('Note', 'a')).toMatchObject({ version: 1 })
    expect((await reader.tenant.versions('Note', 'a')).entries.map(({ version }) => version)).toEqual([1])
    advancing.release()
    await written
    expect(await reader.tenant.read('Note', 'a')).toMatchObject({ version: 10 })
  })

  test('a snapshot pins one head for many reads', async () => {
    const world = makeWorld()
    const [writer, reader] = [await world.enter(), await world.enter()]
    await writer.tenant.transact([{ op: 'create', type: 'Note', id: 'a', body: '{"n":1}' }])
    const snapshot = await reader.tenant.snapshot()
    const before = await view(snapshot as never)
    for (let n = 2; n <= 7; n++) await writer.tenant.update('Note', 'a', `{"n":${n}}`)
    await writer.tenant.delete('Note', 'a')
    await writer.tenant.create('Note', '{"n":0}', { id: 'c' })
    expect(await view(snapshot as never)).toBe(before)
    expect(await view(reader.tenant, snapshot.seq)).toBe(before)
    expect(await snapshot.read('Note', 'a', { version: 2 })).toBeUndefined()
    expect(await reader.tenant.read('Note', 'a')).toMatchObject({ version: 8, deleted: true })
  })

  test('a read that straddles a publish answers from one side of it', async () => {
    for (const slow of ['get', 'query']) {
      const world = makeWorld()
      const [writer, reader] = [await world.enter(), await world.enter()]
      await writer.tenant.create('Note', '{"n":1}', { id: 'a' })
      const held = reader.pointers.on(slow).hold()
      const read = reader.tenant.read('Note', 'a')
      await held.arrived
      await writer.tenant.update('Note', 'a', '{"n":2}')
      held.release()
      expect(['{"n":1}', '{"n":2}']).toContain((await read)?.text())
    }
  })
})
