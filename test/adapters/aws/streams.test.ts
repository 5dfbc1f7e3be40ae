/** A doorbell on a table's stream, through everything that a stream does to its readers. */
import { describe, expect, test } from 'vitest'
import type { RecordPage, ShardInfo, Start, StreamApi } from '../../../adapters/aws/streams/api.js'
import { streamDoorbell } from '../../../adapters/aws/streams/doorbell.js'
import { makeStreamReader } from '../../../adapters/aws/streams/reader.js'
import type { Ring } from '../../../domain/ports/index.js'
import { epoch, handClock } from '../../protocol/hand-clock.js'

interface FakeShard {
  parent?: string
  closed?: boolean
  /** How many of the records are forgotten. */
  trimmed?: number
  readonly records: Array<{ pk: string; seq: number }>
}

const failure = (name: string): Error => Object.assign(new Error(name), { name, $metadata: { httpStatusCode: 400 } })

/** A stream in memory. Iterators name a place; those of an earlier `epoch` have expired. */
function fakeStream(shards: Record<string, FakeShard> = {}) {
  const stream = { shards, name: 'one' as string | undefined, epoch: 0, failing: [] as Error[], calls: [] as string[] }
  const place = (iterator: string): [FakeShard, number] => {
    const [name, epoch, shard = '', at] = iterator.split(' ')
    if (name !== stream.name) throw failure('ResourceNotFoundException')
    if (Number(epoch) !== stream.epoch) throw failure('ExpiredIteratorException')
    return [stream.shards[shard] as FakeShard, Number(at)]
  }
  const api: StreamApi = {
    findStream: async () => stream.name,
    shards: async (name): Promise<ShardInfo[]> => {
      stream.calls.push('shards')
      if (name !== stream.name) throw failure('ResourceNotFoundException')
      return Object.entries(stream.shards).map(([id, { parent, closed = false }]) => ({ id, parent, closed }))
    },
    iterator: async (name, id, start: Start) => {
      stream.calls.push(`iterator ${id} ${JSON.stringify(start)}`)
      const { records, trimmed = 0 } = stream.shards[id] as FakeShard
      const at = start === 'newest' ? records.length : start === 'oldest' ? trimmed : Number(start.after) + 1
      return `${name} ${stream.epoch} ${id} ${at}`
    },
    records: async (iterator): Promise<RecordPage> => {
      const failing = stream.failing.shift()
      if (failing !== undefined) throw failing
      const [shard, at] = place(iterator)
      if (at < (shard.trimmed ?? 0)) throw failure('TrimmedDataAccessException')
      const records = shard.records.slice(at, at + 2).map((record, i) => ({ ...record, sequence: String(at + i) }))
      const next = at + records.length
      if (shard.closed === true && next === shard.records.length) return { records }
      return { records, next: iterator.replace(/\d+$/, String(next)) }
    },
  }
  return { stream, api }
}

const head = (seq: number, tenant = 't') => ({ pk: `H#${tenant}#0`, seq })

/** A reader that has looked once, so that whatever comes now is heard. */
async function ready(shards: Record<string, FakeShard>) {
  const { stream, api } = fakeStream(shards)
  const reader = makeStreamReader(api)
  const first = await reader.look()
  return { stream, reader, first, look: async () => (await reader.look()).heads }
}

describe('a reader of a stream', () => {
  test('hears what comes after it has begun, and says that it does not know what came before', async () => {
    const { stream, look, first } = await ready({ a: { records: [head(1)] } })
    expect(first).toMatchObject({ missed: true, state: 'read' })
    stream.shards.a?.records.push(head(2), { pk: 'V#t#Patient/1', seq: 3 })
    expect(await look()).toEqual(new Map([['H#t#0', 2]]))
    expect(await look()).toEqual(new Map())
  })

  test('tells each head once a page, by its newest number', async () => {
    const { stream, look } = await ready({ a: { records: [] } })
    stream.shards.a?.records.push(head(2), head(1), head(9, 'u'))
    expect(await look()).toEqual(new Map([['H#t#0', 2]]))
    expect(await look()).toEqual(new Map([['H#u#0', 9]]))
  })

  test('reads a parent to its end before its child, and the child from its beginning', async () => {
    const { stream, look } = await ready({ a: { records: [] } })
    stream.shards.a?.records.push(head(1), head(2), head(3))
    Object.assign(stream.shards.a as FakeShard, { closed: true })
    stream.shards.b = { parent: 'a', records: [head(4)] }
    const heard: number[] = []
    for (let i = 0; i < 4; i++) heard.push(...(await look()).values())
    expect(heard).toEqual([2, 3, 4])
  })

  test('finds new shards without any that has ended, in time', async () => {
    const { stream, look } = await ready({ a: { records: [] } })
    stream.shards.b = { records: [head(7)] }
    let heard = new Map<string, number>() as ReadonlyMap<string, number>
    for (let looks = 0; heard.size === 0 && looks < 100; looks++) heard = await look()
    expect(heard).toEqual(new Map([['H#t#0', 7]]))
  })

  test('goes on behind the last record when its iterator has expired', async () => {
    const { stream, look } = await ready({ a: { records: [] } })
    stream.shards.a?.records.push(head(1))
    await look()
    stream.epoch++
    stream.shards.a?.records.push(head(2))
    await look()
    expect(await look()).toEqual(new Map([['H#t#0', 2]]))
  })

  test('says that it may have missed something when an iterator has expired before its first record', async () => {
    const { stream, reader } = await ready({ a: { records: [] } })
    stream.epoch++
    expect(await reader.look()).toMatchObject({ missed: true })
  })

  test('begins at the oldest record, and says so, when what it looked for was trimmed', async () => {
    const { stream, reader } = await ready({ a: { records: [] } })
    stream.shards.a?.records.push(head(1), head(2), head(3))
    Object.assign(stream.shards.a as FakeShard, { trimmed: 2 })
    expect(await reader.look()).toMatchObject({ missed: true })
    expect((await reader.look()).heads).toEqual(new Map([['H#t#0', 3]]))
  })

  test('turns to the next stream when its own is gone', async () => {
    const { stream, reader } = await ready({ a: { records: [] } })
    stream.name = 'two'
    expect(await reader.look()).toMatchObject({ missed: true })
    expect(await reader.look()).toMatchObject({ missed: true, state: 'read' })
    stream.shards.a?.records.push(head(5))
    expect((await reader.look()).heads).toEqual(new Map([['H#t#0', 5]]))
  })

  test('turns to the next stream when its own was disabled, though the old one still answers', async () => {
    const [old, next] = [fakeStream({ a: { records: [] } }), fakeStream({ b: { records: [head(1)] } })]
    next.stream.name = 'two'
    let current: string | undefined = 'one'
    const of = (name: string): StreamApi => (name.startsWith('one') ? old.api : next.api)
    const reader = makeStreamReader({
      findStream: async () => current,
      shards: (name) => of(name).shards(name),
      iterator: (name, ...rest) => of(name).iterator(name, ...rest),
      records: (iterator) => of(iterator).records(iterator),
    })
    await reader.look()
    old.stream.shards.a?.records.push(head(2))
    Object.assign(old.stream.shards.a as FakeShard, { closed: true })
    current = undefined
    expect((await reader.look()).heads).toEqual(new Map([['H#t#0', 2]]))
    expect(await reader.look()).toMatchObject({ state: 'none' })
    current = 'two'
    expect(await reader.look()).toMatchObject({ state: 'read', missed: true })
    next.stream.shards.b?.records.push(head(3))
    expect((await reader.look()).heads).toEqual(new Map([['H#t#0', 3]]))
  })

  test('waits for the next shard, without asking at every look, when the last has ended before it', async () => {
    const { stream, look } = await ready({ a: { closed: true, records: [] } })
    for (let looks = 0; looks < 20; looks++) await look()
    expect(stream.calls.filter((call) => call === 'shards').length).toBeLessThan(10)
    stream.shards.b = { parent: 'a', records: [head(1)] }
    let heard = new Map<string, number>() as ReadonlyMap<string, number>
    for (let looks = 0; heard.size === 0 && looks < 8; looks++) heard = await look()
    expect(heard).toEqual(new Map([['H#t#0', 1]]))
  })

  test('loses nothing to a throttle', async () => {
    const { stream, reader } = await ready({ a: { records: [] } })
    stream.shards.a?.records.push(head(1))
    stream.failing.push(failure('LimitExceededException'))
    expect(await reader.look()).toMatchObject({ state: 'slow', missed: false })
    expect((await reader.look()).heads).toEqual(new Map([['H#t#0', 1]]))
  })

  test('reads the other shards when one cannot be read, and forgets nothing that it missed there', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `s${i}`)
    const { stream, reader } = await ready(Object.fromEntries(names.map((name) => [name, { records: [] }])))
    for (const [i, name] of names.entries()) stream.shards[name]?.records.push(head(1, `t${i}`))
    Object.assign(stream.shards.s5 as FakeShard, { trimmed: 1 })
    stream.failing.push(failure('ProvisionedThroughputExceededException'))
    const { heads, missed, state } = await reader.look()
    expect([heads.size, missed, state]).toEqual([10, true, 'slow'])
  })

  test('does not hide a defect', async () => {
    const { stream, reader } = await ready({ a: { records: [] } })
    stream.failing.push(new TypeError('bug'))
    await expect(reader.look()).rejects.toThrow('bug')
  })
})

/** Waits in turns of the event loop, which the clock uses to move on by itself. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 10_000) throw new Error('it never came true')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a doorbell on streams', () => {
  test('rings for each log that moved, of several tables', async () => {
    const tables = [fakeStream({ a: { records: [] } }), fakeStream({ a: { records: [] } })]
    const bell = streamDoorbell({ apis: tables.map(({ api }) => api), clock: handClock() })
    const heard: Ring[] = []
    bell.listen().subscribe((ring) => heard.push(ring))
    await until(() => heard.filter(({ log }) => log === '*').length === 2)
    tables[0]?.stream.shards.a?.records.push(head(1, 'a%2Fb'))
    tables[1]?.stream.shards.a?.records.push(head(2))
    await until(() => heard.length === 4)
    expect(heard.slice(2)).toEqual(
      expect.arrayContaining([
        { log: 'a/b/0', seq: 1 },
        { log: 't/0', seq: 2 },
      ]),
    )
    bell.close()
  })

  test('rings for every log now and then where there is no stream, and listens as soon as there is one', async () => {
    const { stream, api } = fakeStream({ a: { records: [] } })
    stream.name = undefined
    const clock = handClock()
    const bell = streamDoorbell({ apis: [api], clock })
    const heard: Ring[] = []
    bell.listen().subscribe((ring) => heard.push(ring))
    await until(() => heard.length >= 3)
    expect(heard.every(({ log }) => log === '*')).toBe(true)
    stream.name = 'one'
    await until(() => stream.calls.some((call) => call.startsWith('iterator')))
    stream.shards.a?.records.push(head(1))
    await until(() => heard.some(({ log }) => log === 't/0'))
    bell.close()
  })

  test('reads once for all listeners, and stops when it is closed', async () => {
    const { stream, api } = fakeStream({ a: { records: [] } })
    const bell = streamDoorbell({ apis: [api], clock: handClock() })
    let ended = 0
    const listeners = [0, 1, 2].map(() => bell.listen().subscribe({ complete: () => ended++ }))
    await until(() => stream.calls.some((call) => call.startsWith('iterator')))
    expect(stream.calls.filter((call) => call.startsWith('iterator'))).toHaveLength(1)
    listeners[0]?.unsubscribe()
    bell.close()
    expect(ended).toBe(2)
  })

  test('rings at once for what this process has written', () => {
    const bell = streamDoorbell({ apis: [], clock: handClock() })
    const heard: Ring[] = []
    bell.listen().subscribe((ring) => heard.push(ring))
    bell.ring('t/0', 4)
    expect(heard).toEqual([{ log: 't/0', seq: 4 }])
    bell.close()
  })

  test('is read on for a while when nobody listens, then no more, and again for the next who does', async () => {
    const { stream, api } = fakeStream({ a: { records: [] } })
    const clock = handClock()
    clock.byHand()
    const bell = streamDoorbell({ apis: [api], clock, times: { lookMs: 250, lingerMs: 1_000 } })
    const begun = (): number => stream.calls.filter((call) => call.startsWith('iterator')).length
    bell.listen().subscribe().unsubscribe()
    await until(() => begun() === 1)
    const heard: Ring[] = []
    const back = bell.listen().subscribe((ring) => heard.push(ring))
    stream.shards.a?.records.push(head(1))
    clock.move(999)
    await until(() => heard.some(({ seq }) => seq === 1))
    expect(begun()).toBe(1)
    back.unsubscribe()
    await until(() => clock.sleepers === 2)
    clock.move(1_000)
    await until(() => clock.sleepers === 0)
    bell.listen().subscribe()
    await until(() => begun() === 2)
    bell.close()
  })

  test('looks more and more seldom at a stream that throttles it, and meanwhile rings for every log', async () => {
    const { stream, api } = fakeStream({ a: { records: [] } })
    stream.failing.push(...Array.from({ length: 10 }, () => failure('LimitExceededException')))
    const clock = handClock()
    const bell = streamDoorbell({ apis: [api], clock })
    const heard: Array<{ ring: Ring; ms: number }> = []
    bell.listen().subscribe((ring) => heard.push({ ring, ms: (clock.now() - epoch) / 1000 }))
    await until(() => stream.failing.length === 0)
    expect(heard.map(({ ring }) => ring.log)).toEqual(Array(heard.length).fill('*'))
    // After 0.5, 1, 2 and 4 seconds every five.
    expect(heard.map(({ ms }) => ms)).toEqual([0, 7_500, 12_500, 17_500, 22_500, 27_500, 32_500])
    stream.shards.a?.records.push(head(1))
    await until(() => heard.some(({ ring }) => ring.log === 't/0'))
    bell.close()
  })

  test('leaves nothing waiting when it is closed', async () => {
    const clock = handClock()
    clock.byHand()
    const { stream, api } = fakeStream({ a: { records: [] } })
    const bell = streamDoorbell({ apis: [api], clock })
    bell.listen().subscribe().unsubscribe()
    await until(() => stream.calls.some((call) => call.startsWith('iterator')) && clock.sleepers === 2)
    bell.close()
    await until(() => clock.sleepers === 0)
  })
})
