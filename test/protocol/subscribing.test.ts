/** Subscribers: where they begin, and what they hear. */
import { describe, expect, test } from 'vitest'
import type { CommitView, SubscribeOptions } from '../../src/index.js'
import { quiet } from './hand-clock.js'
import { all, at, makeLog, say, toHead } from './subscribers.js'
import { failure, makeWorld } from './world.js'

describe('a subscriber begins', () => {
  const beginnings: ReadonlyArray<[string, SubscribeOptions['from'], number]> = [
    ['with the first event, if it does not say', undefined, 0],
    ['at the start', 'start', 0],
    ['at the position of an empty log', at(0, 0), 0],
    ['after an event in the middle of a commit', at(1, 0), 1],
    ['after the last event of a commit', at(1, 1), 2],
    ['after a commit of one event', at(2, 0), 3],
    ['in the middle of the last commit', at(3, 1), 5],
    ['at the last event', at(3, 2), 6],
    ['now', 'now', 6],
  ]
  test.each(beginnings)('%s', async (_, from, first) => {
    const { tenant } = await makeLog()
    expect(await toHead(tenant, { from })).toEqual(all.slice(first))
  })

  test('anew with each iteration', async () => {
    const { tenant } = await makeLog()
    const subscription = tenant.subscribe({ until: 'head' })
    for (let time = 0; time < 2; time++) {
      const told: string[] = []
      for await (const message of subscription) told.push(say(message))
      expect(told).toEqual(all)
    }
  })

  const refused: ReadonlyArray<[string, unknown, RegExp]> = [
    ['a commit beyond the head', { from: at(4, 0) }, /0-4-0 is beyond the head, which is commit 3/],
    ['an event that its commit does not have', { from: at(3, 3) }, /0-3-3 names no event.* 0-3-2/],
    ['an event before the first', { from: at(0, 1) }, /0-0-1 names no event/],
    ['another partition', { from: at(1, 0, 1) }, /partition 1, the log of 0/],
    ['a word', { from: 'end' }, /from: it is 'start', 'now' or a position/],
    ['nothing', { from: null }, /from: it is 'start', 'now' or a position/],
    ['half of a position', { from: { seq: 1 } }, /from: it is/],
    ['a negative position', { from: at(-1, 0) }, /from: it is/],
    ['a broken position', { from: at(1, 0.5) }, /from: it is/],
    ['another end', { until: 'tomorrow' }, /until: it is 'head'/],
    ['no types', { types: [] }, /types: it is a list of one or more/],
    ['types that are no list', { types: 'Note' }, /types: it is a list/],
    ['an empty type', { types: ['Note', ''] }, /type: it is empty/],
    ['no operations', { operations: [] }, /operations: it is a list of one or more/],
    ['an unknown operation', { operations: ['create', 'read'] }, /operations: they are create, update, delete/],
  ]
  test.each(refused)('not with %s', async (_, options, problem) => {
    const { tenant } = await makeLog()
    const error = await failure(toHead(tenant, options as SubscribeOptions))
    expect(error._tag).toBe('InvalidInput')
    expect(error.message).toMatch(problem)
  })

  test('not with a type that is none of its kind', async () => {
    const { store } = await makeWorld().open()
    const tenant = await store.tenant('f', { kind: 'fhir' })
    expect((await failure(toHead(tenant, { types: ['patient'] })))._tag).toBe('InvalidInput')
  })
})

describe('a subscriber hears', () => {
  test('the commit of each event', async () => {
    const { tenant } = await makeLog()
    const commits = new Map<number, CommitView>()
    for await (const commit of tenant.commits()) commits.set(commit.seq, commit)
    let heard = 0
    for await (const message of tenant.subscribe({ until: 'head' })) {
      if (message.kind !== 'event') continue
      const { seq, at, hash } = commits.get(message.event.position.seq) as CommitView
      expect(message.commit).toEqual({ seq, at, hash })
      expect(message.event.at).toBe(at)
      heard++
    }
    expect(heard).toBe(6)
  })

  const chosen: ReadonlyArray<[string, SubscribeOptions, RegExp]> = [
    ['of a type', { types: ['Note'] }, / Note/],
    ['of several types', { types: ['Task', 'Note'] }, /./],
    ['of a type that has none', { types: ['None'] }, /^$/],
    ['that create', { operations: ['create'] }, / create /],
    ['that delete or update', { operations: ['delete', 'update'] }, / (delete|update) /],
    ['of a type that update', { types: ['Task'], operations: ['update'] }, / update Task/],
    ['of a type from the middle of a commit', { types: ['Task'], from: at(3, 0) }, /^3-2/],
  ]
  test.each(chosen)('only events %s, and where the log ends', async (_, options, pattern) => {
    const { tenant } = await makeLog()
    const expected = all.slice(0, -1).filter((line) => pattern.test(line))
    expect(await toHead(tenant, options)).toEqual([...expected, 'caught up 3-2'])
  })

  test('of events without their bodies, if it asks for none, and no body is read', async () => {
    const { tenant, blobs } = await makeLog({ limits: { maxInlineBytes: 5 } })
    const [first, ...others] = await toHead(tenant, { bodies: false })
    expect(first).toBe('1-0 create Note/a')
    expect(others).toHaveLength(6)
    expect(blobs.count('get', /blobs/)).toBe(0)
  })

  test('bodies of events that it asks for, and no other body is read', async () => {
    const { tenant, blobs } = await makeLog({ limits: { maxInlineBytes: 5 } })
    await toHead(tenant, { types: ['Task'], operations: ['create'] })
    expect(blobs.count('get', /blobs/)).toBe(2)
    const large = await makeWorld().enter({ limits: { maxInlineBytes: 2 ** 23, cacheBytes: 0 } })
    const body = (text: string) => ({ text: text.repeat(2 ** 20) })
    await large.tenant.transact([
      ...['a', 'b', 'c', 'd'].map((id) => ({ op: 'create', type: 'Note', id, body: body(id) }) as const),
      { op: 'create', type: 'Task', id: 'e', body: body('e') },
    ])
    large.blobs.reset()
    const [told] = await toHead(large.tenant, { types: ['Task'] })
    expect(told).toBe(`1-4 create Task/e ${JSON.stringify(body('e'))}`)
    const asked = large.blobs.calls.map(({ args }) => args[1] as { start: number; end: number })
    expect(asked.reduce((sum, { start, end }) => sum + end - start, 0)).toBeLessThan(1.2 * 2 ** 20)
  })

  test('of bodies of its own: what it does to them changes nothing', async () => {
    const { tenant } = await makeLog()
    await tenant.read('Task', 'b')
    for await (const message of tenant.subscribe({ until: 'head' }))
      if (message.kind === 'event') message.event.body?.fill(0)
    expect(await toHead(tenant)).toEqual(all)
    expect((await tenant.read('Task', 'b'))?.text()).toBe('{"n":5}')
  })

  test('a commit of many events a few at a time', async () => {
    const { tenant, blobs } = await makeWorld().enter({ limits: { maxInlineBytes: 2 ** 23, cacheBytes: 0 } })
    const body = { text: 'x'.repeat(2 ** 20) }
    await tenant.transact(Array.from({ length: 20 }, () => ({ op: 'create', type: 'Note', body }) as const))
    blobs.reset()
    let heard = 0
    for await (const message of tenant.subscribe({ until: 'head' })) {
      if (message.kind !== 'event') continue
      await quiet()
      heard++
      const furthest = Math.max(...blobs.calls.map(({ args }) => (args[1] as { end: number }).end))
      expect(furthest / 2 ** 20).toBeLessThan(heard + 5)
      expect(message.event.length).toBe(JSON.stringify(body).length)
    }
    expect(heard).toBe(20)
  })
})
