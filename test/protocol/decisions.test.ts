/** What decisions are made on, and what a writer does that was too late. */
import { describe, expect, test } from 'vitest'
import { contents, failure, headItem, logObject, logs, makeWorld, outcome, pointersOf, text } from './world.js'

/** Two stores on one tenant: one has written, and the other does not know of it yet. */
async function staleAndFresh() {
  const world = makeWorld()
  const fresh = await world.enter()
  await fresh.tenant.create('Note', '{"n":1}', { id: 'a' })
  const stale = await world.enter()
  await stale.tenant.read('Note', 'a')
  return { world, fresh, stale }
}

describe('rule 1: decisions are made on a state that includes every commit below the new number', () => {
  test('a stale writer that would accept decides again', async () => {
    const { fresh, stale } = await staleAndFresh()
    await stale.tenant.update('Note', 'a', '{"n":2}', { expect: 1 })
    expect(await outcome(fresh.tenant.update('Note', 'a', '{"n":3}', { expect: 1 }))).toBe('Conflict')
    expect(await contents(fresh.tenant)).toEqual(['Note/a@1 {"n":1}', 'Note/a@2 {"n":2}'])
  })

  test('a stale writer that would reject decides again', async () => {
    const { fresh, stale } = await staleAndFresh()
    await fresh.tenant.update('Note', 'a', '{"n":2}')
    expect(await stale.tenant.update('Note', 'a', '{"n":3}', { expect: 2 })).toMatchObject({ version: 3 })
  })

  test('a rejection names the version that is there, not the one that the writer remembers', async () => {
    const { fresh, stale } = await staleAndFresh()
    await stale.tenant.update('Note', 'a', '{"n":2}')
    await fresh.tenant.update('Note', 'a', '{"n":3}')
    const error = await failure(stale.tenant.update('Note', 'a', '{"n":4}', { expect: 1 }))
    expect(error).toMatchObject({ _tag: 'Conflict', data: { conflicts: [{ expected: 1, actual: 3 }] } })
  })

  test('what a stale writer takes for unchanged is compared again', async () => {
    const { fresh, stale } = await staleAndFresh()
    await fresh.tenant.update('Note', 'a', '{"n":2}')
    const written = await stale.tenant.update('Note', 'a', '{"n":1}', { onlyIfChanged: true })
    expect(written).toMatchObject({ changed: true, version: 3 })
  })

  test('a stale writer does not delete what is there again as if it were gone', async () => {
    const { fresh, stale } = await staleAndFresh()
    await stale.tenant.delete('Note', 'a')
    await fresh.tenant.update('Note', 'a', '{"n":2}')
    expect(await stale.tenant.delete('Note', 'a')).toMatchObject({ changed: true, version: 4, op: 'delete' })
  })

  test('a commit that is in the log and not yet published counts', async () => {
    const { fresh, stale } = await staleAndFresh()
    const publishing = fresh.pointers.on('putAll').hold()
    const pending = fresh.tenant.update('Note', 'a', '{"n":2}')
    await publishing.arrived
    const error = await failure(stale.tenant.update('Note', 'a', '{"n":3}', { expect: 1 }))
    expect(error).toMatchObject({ _tag: 'Conflict', data: { conflicts: [{ actual: 2 }] } })
    publishing.release()
    expect((await pending).version).toBe(2)
  })

  test('a writer that jumps to a head far ahead forgets what it remembered', async () => {
    const { fresh, stale } = await staleAndFresh()
    await stale.tenant.update('Note', 'a', '{"n":2}')
    for (let n = 3; n <= 40; n++) await fresh.tenant.update('Note', 'a', `{"n":${n}}`)
    stale.blobs.reset()
    expect(await stale.tenant.update('Note', 'a', '{"n":41}', { expect: 40 })).toMatchObject({ version: 41 })
    expect(stale.blobs.count('get', logs)).toBeLessThan(20)
  })

  test('a state of the pointer store counts only as far as the own head', async () => {
    const { fresh, stale } = await staleAndFresh()
    const deciding = stale.pointers.on('query', pointersOf('Note', 'a')).hold()
    const late = stale.tenant.update('Note', 'a', '{"n":9}')
    await deciding.arrived
    await fresh.tenant.update('Note', 'a', '{"n":2}')
    await fresh.tenant.update('Note', 'a', '{"n":3}')
    deciding.release()
    expect(await late).toMatchObject({ version: 4, position: { seq: 4 } })
  })
})

describe('rule 5: after a lost race the winner is read, applied and published', () => {
  test('and the loser decides again and takes the next number', async () => {
    const { fresh, stale } = await staleAndFresh()
    stale.blobs.on('createIfAbsent', logs).before(() => fresh.tenant.update('Note', 'a', '{"n":2}'))
    stale.blobs.reset()
    expect(await stale.tenant.update('Note', 'a', '{"n":3}')).toMatchObject({ version: 3, position: { seq: 3 } })
    const tried = stale.blobs.calls.filter(({ method }) => method === 'createIfAbsent').map(({ key }) => key)
    expect(tried).toEqual([logObject(2), logObject(3)])
  })

  test('a loser whose condition no longer holds hears the conflict and writes nothing', async () => {
    const { fresh, stale } = await staleAndFresh()
    stale.blobs.on('createIfAbsent', logs).before(() => fresh.tenant.update('Note', 'a', '{"n":2}'))
    expect(await outcome(stale.tenant.update('Note', 'a', '{"n":3}', { expect: 1 }))).toBe('Conflict')
    expect(await contents(stale.tenant)).toEqual(['Note/a@1 {"n":1}', 'Note/a@2 {"n":2}'])
  })

  test('a winner that died before it published is helped: its write becomes visible', async () => {
    const { world, fresh, stale } = await staleAndFresh()
    const reader = await world.enter()
    const dead = fresh.pointers.on('putAll').hold()
    void fresh.tenant.update('Note', 'a', '{"n":2}')
    await dead.arrived
    await stale.tenant.create('Note', '{"n":0}', { id: 'b' })
    expect(await text(reader.tenant, 'Note', 'a')).toBe('{"n":2}')
    expect(await text(reader.tenant, 'Note', 'b')).toBe('{"n":0}')
  })

  test('the winner becomes visible before the loser, never after', async () => {
    const { fresh, stale } = await staleAndFresh()
    const dead = fresh.pointers.on('putAll').hold()
    void fresh.tenant.update('Note', 'a', '{"n":2}')
    await dead.arrived
    const advancing = stale.pointers.on('advance', headItem).holdAnswer()
    const late = stale.tenant.create('Note', '{"n":0}', { id: 'b' })
    await advancing.arrived
    expect((await fresh.tenant.head()).seq).toBe(2)
    expect(await text(fresh.tenant, 'Note', 'a')).toBe('{"n":2}')
    expect(await fresh.tenant.read('Note', 'b')).toBeUndefined()
    advancing.release()
    await late
  })

  test('a writer may lose many races in a row', async () => {
    const { fresh, stale } = await staleAndFresh()
    for (let n = 2; n <= 12; n++)
      stale.blobs.on('createIfAbsent', logs).before(() => fresh.tenant.update('Note', 'a', `{"n":${n}}`))
    expect(await stale.tenant.update('Note', 'a', '{"n":99}')).toMatchObject({ version: 13, position: { seq: 13 } })
    expect(await contents(stale.tenant)).toHaveLength(13)
  })
})
