/** Publishing: idempotent, forward only, and before every acknowledgement. */
import { describe, expect, test } from 'vitest'
import { headPk, headSk } from '../../domain/keys.js'
import { headItem as itemOfHead } from '../../domain/pointer.js'
import { run } from '../../domain/task.js'
import { pointerItems } from '../../projections/pointers.js'
import { makeLogReader, type OpenCommit } from '../../src/read/log-reader.js'
import { publishCommit } from '../../src/write/publisher.js'
import { quiet } from './hand-clock.js'
import { contents, failure, headItem, makeWorld, outcome, text, type World } from './world.js'

const keyspace = { tenant: 't', partition: 0, shards: 1 }

type Site = Awaited<ReturnType<World['enter']>>

const commitsOf = async ({ blobs }: World): Promise<OpenCommit['commit'][]> => {
  const log = makeLogReader({ tenant: 't', partition: 0, blobs })
  const commits = []
  for (let seq = 1; ; seq++) {
    const opened = await log.open(seq)
    if (opened === undefined) return commits
    commits.push(opened.commit)
  }
}

describe('rule 6: a pointer is a fact, and the head only moves forward', () => {
  test('publishing twice, late or out of order changes nothing', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter()
    await tenant.create('Note', '{"n":1}', { id: 'a', request: 'r' })
    await tenant.update('Note', 'a', '{"n":2}')
    await tenant.delete('Note', 'a')
    const before = await world.dump()
    const commits = await commitsOf(world)
    for (const commit of [...commits, ...commits.reverse(), commits[0], commits[1]])
      await publishCommit({ ...world, ...keyspace }, commit as OpenCommit['commit'])
    expect(await world.dump()).toEqual(before)
    expect((await tenant.head()).seq).toBe(3)
  })

  test('a head that others have moved on stays where it is', async () => {
    const world = makeWorld()
    const [slow, fast] = [await world.enter(), await world.enter()]
    const advancing = slow.pointers.on('advance', headItem).hold()
    const late = slow.tenant.create('Note', '{"n":1}', { id: 'a' })
    await advancing.arrived
    for (let n = 2; n <= 4; n++) await fast.tenant.create('Note', `{"n":${n}}`, { id: `b${n}` })
    advancing.release()
    expect(await late).toMatchObject({ version: 1, position: { seq: 1 } })
    expect((await fast.tenant.head()).seq).toBe(4)
  })

  test('the pointers of a commit are a function of the commit', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter()
    await tenant.transact([
      { op: 'create', type: 'Note', id: 'a', body: '{"n":1}' },
      { op: 'create', type: 'Task', id: 'b', body: '{"n":2}' },
    ])
    const [commit] = await commitsOf(world)
    const made = pointerItems(keyspace, commit as OpenCommit['commit'])
    const dump = await world.dump()
    for (const { pk, sk, attributes } of made) expect(dump.get(`${pk} ${sk}`)?.attributes).toEqual(attributes)
    expect(dump.size).toBe(made.length + 1)
  })
})

describe('rule 7: what is acknowledged is visible', () => {
  test('no write is acknowledged before its pointers and the head are in place', async () => {
    for (const method of ['putAll', 'advance']) {
      const { tenant, pointers } = await makeWorld().enter()
      const publishing = pointers.on(method).hold()
      let answered = false
      const written = tenant.create('Note', '{"n":1}', { id: 'a' }).finally(() => {
        answered = true
      })
      await publishing.arrived
      await quiet()
      expect(answered).toBe(false)
      publishing.release()
      await written
    }
  })

  test('any other store reads an acknowledged write at once', async () => {
    const world = makeWorld()
    const [writer, reader] = [await world.enter(), await world.enter()]
    for (let n = 1; n <= 5; n++) {
      await writer.tenant.update('Note', 'a', `{"n":${n}}`)
      expect(await text(reader.tenant, 'Note', 'a')).toBe(`{"n":${n}}`)
    }
  })

  test('an answer that nothing changed is about a version that every reader sees', async () => {
    const world = makeWorld()
    const [writer, other] = [await world.enter(), await world.enter()]
    await writer.tenant.create('Note', '{"n":1}', { id: 'a' })
    const publishing = writer.pointers.on('putAll').hold()
    const helping = other.pointers.on('putAll').hold()
    void writer.tenant.update('Note', 'a', '{"n":2}')
    await publishing.arrived
    let answered = false
    const unchanged = other.tenant.update('Note', 'a', '{"n":2}', { onlyIfChanged: true }).finally(() => {
      answered = true
    })
    await helping.arrived
    await quiet()
    expect(answered).toBe(false)
    helping.release()
    expect(await unchanged).toMatchObject({ changed: false, version: 2 })
    expect(await text(other.tenant, 'Note', 'a')).toBe('{"n":2}')
  })

  test.each([
    ['a rejection', 'Conflict', ({ tenant }: Site) => tenant.update('Note', 'a', '{"n":3}', { expect: 1 })],
    ['an idle deletion', { changed: false, version: 2 }, ({ tenant }: Site) => tenant.delete('Note', 'a')],
  ] as const)('%s, too, speaks of versions that every reader sees', async (_, expected, ask) => {
    const world = makeWorld()
    const [writer, other] = [await world.enter(), await world.enter()]
    await writer.tenant.create('Note', '{"n":1}', { id: 'a' })
    const publishing = writer.pointers.on('putAll').hold()
    const helping = other.pointers.on('putAll').hold()
    void writer.tenant.delete('Note', 'a')
    await publishing.arrived
    let answered = false
    const answer = outcome(ask(other)).finally(() => {
      answered = true
    })
    await helping.arrived
    await quiet()
    expect(answered).toBe(false)
    helping.release()
    if (typeof expected === 'string') expect(await answer).toBe(expected)
    else expect(await answer).toMatchObject(expected)
    expect(await other.tenant.read('Note', 'a')).toMatchObject({ version: 2, deleted: true })
  })

  test('publishing is repeated until it succeeds', async () => {
    const { tenant, pointers } = await makeWorld().enter()
    pointers.on('putAll').fail(undefined, 3)
    pointers.on('advance').loseAnswer(2)
    expect(await tenant.create('Note', '{"n":1}', { id: 'a' })).toMatchObject({ version: 1 })
    expect(pointers.count('putAll')).toBe(6)
  })

  test('past the deadline the caller hears that the write is durable, and where', async () => {
    const world = makeWorld()
    const { tenant, pointers } = await world.enter()
    pointers.on('putAll').fail(undefined, 30)
    const error = await failure(tenant.create('Note', '{"n":1}', { id: 'a', timeoutMs: 100 }))
    expect(error).toMatchObject({ _tag: 'Unpublished', retryable: true, data: { position: '0-1-0' } })
    expect(await commitsOf(world)).toHaveLength(1)
  })

  test('a retry with the same request key returns the result, and writes nothing', async () => {
    const { tenant, pointers } = await makeWorld().enter()
    pointers.on('putAll').fail(undefined, 30)
    const ask = (timeoutMs: number) => tenant.create('Note', '{"n":1}', { request: 'r', timeoutMs })
    expect(await outcome(ask(100))).toBe('Unpublished')
    const answer = await ask(60_000)
    expect(answer).toMatchObject({ changed: true, version: 1, position: { seq: 1 } })
    expect(await contents(tenant)).toEqual([`Note/${answer.id}@1 {"n":1}`])
  })

  test('so does a retry through another store, though nobody published meanwhile', async () => {
    const world = makeWorld()
    const [first, second] = [await world.enter(), await world.enter()]
    first.pointers.on('putAll').fail(undefined, 1000)
    const options = { request: 'r', timeoutMs: 100 }
    expect(await outcome(first.tenant.create('Note', '{"n":1}', options))).toBe('Unpublished')
    const answer = await second.tenant.create('Note', '{"n":1}', { request: 'r' })
    expect(answer).toMatchObject({ version: 1, position: { seq: 1 } })
    expect(await text(second.tenant, 'Note', answer.id)).toBe('{"n":1}')
    expect((await second.tenant.head()).seq).toBe(1)
  })

  test('a rejected caller is told of the conflict, not that something of his is durable', async () => {
    const { tenant, pointers } = await makeWorld().enter()
    await tenant.create('Note', '{"n":1}', { id: 'a' })
    pointers.on('putAll').fail(undefined, 30)
    const [accepted, rejected] = [
      outcome(tenant.create('Note', '{"n":2}', { id: 'b', timeoutMs: 100 })),
      outcome(tenant.create('Note', '{"n":3}', { id: 'a', timeoutMs: 100 })),
    ]
    expect(await Promise.all([accepted, rejected])).toEqual(['Unpublished', 'Conflict'])
  })

  test('a head that disappears is never made again by a writer', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter()
    await tenant.create('Note', '{"n":1}', { id: 'a' })
    await run(world.pointers.deleteByPrefix(['H#']))
    expect(await outcome(tenant.create('Note', '{"n":2}', { id: 'b' }))).toBe('Unpublished')
    expect(await run(world.pointers.get(headPk('t', 0), headSk))).toBeUndefined()
    expect(await outcome(tenant.create('Note', '{"n":3}', { id: 'c' }))).toBe('NeedsRecovery')
    expect(await outcome(tenant.read('Note', 'a'))).toBe('NeedsRecovery')
  })

  test('a head never names a commit before its pointers are there', async () => {
    const { tenant, pointers } = await makeWorld().enter()
    const advancing = pointers.on('advance').hold()
    const written = tenant.create('Note', '{"n":1}', { id: 'a' })
    await advancing.arrived
    const order = pointers.calls.map(({ method }) => method).filter((method) => /putAll|advance/.test(method))
    expect(order).toEqual(['putAll', 'advance'])
    advancing.release()
    await written
  })

  test('the head item says what the last commit is', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter()
    await tenant.create('Note', '{"n":1}', { id: 'a' })
    const [commit] = await commitsOf(world)
    const head = await run(world.pointers.get(headPk('t', 0), headSk))
    expect(head?.attributes).toEqual(itemOfHead('t', 0, commit as OpenCommit['commit']).attributes)
  })
})
