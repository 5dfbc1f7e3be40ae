/** What becomes of exports: who works on them, how they end, and how long they stay. */
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { annalsError } from '../../domain/error.js'
import { run } from '../../domain/task.js'
import type { ExportJob, ExportPart } from '../../src/index.js'
import type { Store, Tenant } from '../../src/store.js'
import { type Fate, pausing } from '../copy/faults.js'
import { quiet } from '../protocol/hand-clock.js'
import { unavailable } from '../protocol/script.js'
import { failure, outcome } from '../protocol/world.js'
import { contentsOf, exported, makePlace, type Place, sorted, stateAt, tightBounds } from './place.js'

const isPart = (key: string): boolean => key.includes('/bulk/') && /part-\d+\.ndjson/.test(key)
const isState = (key: string): boolean => key.endsWith('/state.json')

async function fill(tenant: Tenant, count = 60): Promise<void> {
  for (let n = 0; n < count; n++)
    await tenant.update('Basic', `r${n % 40}`, `{"resourceType":"Basic","n":${n},"text":"${'x'.repeat(150)}"}`)
}

async function filled(count?: number) {
  const place = makePlace()
  await fill(await (await place.open()).tenant('t'), count)
  return place
}

const enter = async (place: Place, fate?: Fate): Promise<Tenant & { readonly store: Store }> => {
  const store = await place.open(tightBounds, fate)
  return { ...(await store.tenant('t')), store }
}

async function whole(tenant: Tenant, job: ExportJob): Promise<void> {
  const { resources, status } = await contentsOf(tenant, job)
  expect(status.state).toBe('complete')
  expect(sorted(resources)).toEqual(sorted((await stateAt(tenant, status.transactionTime)).resources))
}

describe('whoever works on an export', () => {
  test('keeps others from it for as long as it lives, and they follow it', async () => {
    const place = await filled()
    let at = 0
    // Every part takes longer than a lease that nobody renews.
    const slow = await enter(place, async ({ key }, proceed) => {
      if (isPart(key) && at++ < 3) await place.clock.sleep(40_000)
      return proceed()
    })
    const others: string[] = []
    const other = await enter(place, async ({ method, key }, proceed) => {
      if (isPart(key) && method === 'createIfAbsent') others.push(key)
      return proceed()
    })
    const job = await slow.export({ id: 'j' })
    await quiet()
    const followed = await other.exports.resume('j')
    const told: string[] = []
    for await (const { name } of followed.parts()) told.push(name)
    expect(await followed.done()).toEqual(await job.done())
    expect(others).toEqual([])
    expect(told.sort()).toEqual((await job.status()).parts.map(({ name }) => name).sort())
    await whole(other, followed)
  })

  test('tells of its progress between two checkpoints, too', async () => {
    const place = await filled()
    const limits = { ...tightBounds, exportCheckpointBytes: 1e12 }
    const fate: Fate = async ({ key }, proceed) => {
      if (isPart(key)) await place.clock.sleep(20_000)
      return proceed()
    }
    const tenant = await (await place.open(limits, fate)).tenant('t')
    const other = await enter(place)
    const job = await tenant.export({ id: 'j' })
    await place.clock.sleep(30_000)
    const status = await other.exports.status('j')
    expect(status).toMatchObject({ state: 'in-progress', parts: [], progress: { total: 60 } })
    expect(status?.progress.commits).toBeGreaterThan(0)
    await whole(tenant, job)
  })

  test('cannot move it back once another has it', async () => {
    const place = await filled()
    let moves = 0
    const { fate, paused, wake } = pausing(
      (method, key) => isState(key) && method === 'replaceIfMatch' && ++moves === 2,
    )
    const zombie = await enter(place, fate)
    const job = await zombie.export({ id: 'j' })
    await paused
    const newer = pausing((method, key) => isPart(key) && method === 'createIfAbsent' && /part-(1\d)/.test(key))
    const other = await enter(place, newer.fate)
    const resumed = await other.exports.resume('j')
    await newer.paused
    const state = () => place.objects('t/bulk/export/jobs/j/state.json').then((found) => found.get(''))
    const before = await state()
    wake()
    await quiet()
    expect(await state()).toBe(before)
    expect(JSON.parse(before ?? '').read).toBeGreaterThan(0)
    newer.wake()
    expect(await job.done()).toEqual(await resumed.done())
    await whole(other, resumed)
  })

  test('cannot fail it once another has it', async () => {
    const place = await filled()
    const older = pausing((method, key) => isPart(key) && method === 'createIfAbsent')
    const refused = E.left(annalsError('StorageRefused', { operation: 'put', key: 'k', cause: 'no permission' }))
    const zombie = await enter(place, (call, proceed) =>
      older.fate(call, async () => (isPart(call.key) ? refused : proceed())),
    )
    const job = await zombie.export({ id: 'j' })
    await older.paused
    place.clock.move(60_000)
    const newer = pausing((method, key) => isPart(key) && method === 'createIfAbsent' && /part-(1\d)/.test(key))
    const other = await enter(place, newer.fate)
    const resumed = await other.exports.resume('j')
    await newer.paused
    older.wake()
    await quiet()
    expect(await (await enter(place)).exports.status('j')).toMatchObject({ state: 'in-progress' })
    newer.wake()
    expect(await job.done()).toEqual(await resumed.done())
    await whole(other, resumed)
  })

  test('leaves it to others at once when its store is closed', async () => {
    const place = await filled()
    const { fate, paused, wake } = pausing((method, key) => isPart(key) && method === 'createIfAbsent')
    const tenant = await enter(place, fate)
    const job = await tenant.export({ id: 'j' })
    await paused
    const closing = tenant.store.close()
    wake()
    await closing
    expect(await failure(job.done())).toMatchObject({ _tag: 'Cancelled' })
    const began = place.clock.now()
    const other = await enter(place)
    await whole(other, await other.exports.resume('j'))
    expect(place.clock.now() - began).toBeLessThan(5_000_000)
  })

  test('is replaced by a worker of any other process when it dies', async () => {
    const place = await filled()
    for (const [id, deadAt] of [
      ['before it begins', (method: string, key: string) => isState(key) && method === 'replaceIfMatch'],
      ['at a part', (_: string, key: string) => isPart(key)],
    ] as const) {
      const { fate, paused } = pausing(deadAt)
      void (await enter(place, fate)).export({ id }).catch(() => undefined)
      await paused
    }
    // One that was asked for and not offered, because its process died between the two.
    const { fate, paused } = pausing((method, key) => method === 'compareAndSet' && key.includes('%exports'))
    void (await enter(place, fate)).export({ id: 'not offered' }).catch(() => undefined)
    await paused
    const { store, ...tenant } = await enter(place)
    const failures: unknown[] = []
    const worker = store.exports.work({ onFailure: (error) => failures.push(error) })
    for (const id of ['before it begins', 'at a part', 'not offered']) {
      while ((await tenant.exports.status(id))?.state !== 'complete') await place.clock.sleep(1_000)
      await whole(tenant, await tenant.exports.resume(id))
    }
    await worker.stop()
    expect(failures).toEqual([])
    expect((await run(place.pointers.query({ pk: 'L#%exports', limit: 10 }))).items).toEqual([])
  })

  test('is replaced by a worker also where another export, or all of another tenant, is damaged', async () => {
    const place = await filled()
    await fill(await (await place.open()).tenant('a'), 3)
    for (const [name, id] of [
      ['a', 'damaged'],
      ['t', 'left'],
    ] as const) {
      const { fate, paused } = pausing((method, key) => isState(key) && method === 'replaceIfMatch')
      const tenant = await (await place.open(tightBounds, fate)).tenant(name)
      void tenant.export({ id }).catch(() => undefined)
      await paused
    }
    await run(place.blobs.put('a/bulk/export/jobs/damaged/state.json', Buffer.from('{')))
    const { store, ...tenant } = await enter(place)
    await exported(tenant, { id: 'expired', keepMs: 0 })
    const failures: unknown[] = []
    const worker = store.exports.work({ onFailure: (error) => failures.push(error) })
    for (let looks = 0; (await tenant.exports.status('left'))?.state !== 'complete'; looks++) {
      if (looks > 100) throw new Error('nobody goes on with it')
      await place.clock.sleep(1_000)
    }
    expect(await tenant.exports.status('expired')).toBeUndefined()
    await worker.stop()
    expect(failures).toMatchObject(Array(failures.length).fill({ _tag: 'Corrupt' }))
    expect(failures.length).toBeGreaterThan(1)
  })

  test('runs two at a time, and refuses more than may wait', async () => {
    const place = await filled()
    let [isHeld, wake] = [true, (): void => undefined]
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    const store = await place.open({ ...tightBounds, maxWaitingExports: 2 }, async ({ key }, proceed) => {
      if (isHeld && isPart(key)) await woken
      return proceed()
    })
    const tenant = await store.tenant('t')
    const jobs = [await tenant.export(), await tenant.export(), await tenant.export(), await tenant.export()]
    await place.clock.sleep(1_000)
    const states = await Promise.all(jobs.map(async (job) => (await job.status()).state))
    expect(states).toEqual(['in-progress', 'in-progress', 'accepted', 'accepted'])
    expect(await failure(tenant.export())).toMatchObject({ _tag: 'LimitExceeded', data: { limit: 2 } })
    isHeld = false
    wake()
    for (const job of jobs) await whole(tenant, job)
    await whole(tenant, await tenant.export())
  })
})

test('no tenant waits for all that another one has asked for', async () => {
  const place = await filled(5)
  const store = await place.open({ ...tightBounds, maxWaitingExports: 3 }, async ({ key, method }, proceed) => {
    if (isPart(key) && method === 'createIfAbsent') await place.clock.sleep(5_000)
    return proceed()
  })
  const [many, one] = [await store.tenant('t'), await store.tenant('u')]
  await fill(one, 5)
  const jobs = []
  for (let n = 0; n < 5; n++) jobs.push(await many.export())
  expect(await failure(many.export())).toMatchObject({ _tag: 'LimitExceeded' })
  const ended: string[] = []
  const ending = jobs.map((job) => job.done().then(() => ended.push('t')))
  await (await one.export()).done()
  ended.push('u')
  await Promise.all(ending)
  expect(ended.indexOf('u')).toBeLessThan(4)
  await store.close()
})

describe('trouble', () => {
  test('that passes is waited out, and nothing is there twice', async () => {
    const place = await filled()
    let [troubles, calm] = [0, 6]
    const tenant = await enter(place, async ({ key }, proceed) => {
      const isMeant = key.includes('/log/') || key.includes('/bulk/') || key.includes('%exports')
      if (!isMeant || calm-- > 0) return proceed()
      // Never in step with what is tried again: it would meet the same call each time.
      calm = 6 + (++troubles % 7)
      // Every other of them happens, and is not heard of.
      if (troubles % 2 === 0) await proceed()
      return E.left(unavailable)
    })
    let job = await outcome(tenant.export({ id: 'j' }))
    while (typeof job === 'string') job = await outcome(tenant.export({ id: 'j' }))
    await job.done()
    expect(troubles).toBeGreaterThan(10)
    const another = await enter(place)
    await whole(another, await another.exports.resume('j'))
  })

  test('that does not pass ends the run, and not the export', async () => {
    const place = await filled()
    let isDown = true
    const tenant = await enter(place, async ({ key }, proceed) =>
      isDown && isPart(key) ? E.left(unavailable) : proceed(),
    )
    const job = await tenant.export({ id: 'j' })
    expect(await failure(job.done())).toMatchObject({ _tag: 'Unavailable' })
    expect(await job.status()).toMatchObject({ state: 'in-progress' })
    isDown = false
    await whole(tenant, await tenant.exports.resume('j'))
  })

  test('with one resource is told among the errors, and the others follow', async () => {
    const place = makePlace()
    const store = await place.open({ maxInlineBytes: 2_000 })
    const tenant = await store.tenant('t')
    await fill(tenant, 20)
    const large = await tenant.create('Basic', `{"resourceType":"Basic","text":"${'y'.repeat(5_000)}"}`)
    await tenant.create('Basic', `{"resourceType":"Basic","text":"${'z'.repeat(4_000)}"}`)
    const blobs = [...(await place.objects('t/blobs/')).keys()]
    expect(blobs).toHaveLength(2)
    for (const [key, text] of await place.objects('t/'))
      if (key.startsWith('blobs/') && text.includes('yyy')) await run(place.blobs.put(`t/${key}`, Buffer.from('{}')))
      else if (key.startsWith('log/') && text.includes('"n":7,'))
        await run(place.blobs.put(`t/${key}`, Buffer.from(text.replace('"n":7,', '"n":8,'))))
    const { resources, errors, status } = await exported(tenant)
    expect(status).toMatchObject({ state: 'complete', progress: { resources: 20 } })
    expect(resources.has('Basic/r7')).toBe(false)
    expect(resources.has(`Basic/${large.id}`)).toBe(false)
    expect(errors.map((line) => JSON.parse(line))).toEqual(
      ['blobs', 'log'].map((room) => ({
        resourceType: 'OperationOutcome',
        issue: [{ severity: 'fatal', code: 'exception', diagnostics: expect.stringContaining(`t/${room}/`) }],
      })),
    )
    expect(status.parts.at(-1)).toMatchObject({ kind: 'error', name: 'errors/part-1.ndjson', count: 2 })
  })

  test('with the log itself fails the export, which goes on when that is mended', async () => {
    const place = await filled()
    const [[key, text]] = sorted(await place.objects('t/log/')).slice(20, 21) as [[string, string]]
    await run(place.blobs.put(`t/log/${key}`, Buffer.from(text.replace('"writer":"', '"writer":"x'))))
    const tenant = await enter(place)
    const job = await tenant.export({ id: 'j' })
    expect(await failure(job.done())).toMatchObject({ _tag: 'Corrupt' })
    const failed = await tenant.exports.status('j')
    expect(failed).toMatchObject({ state: 'error', error: { tag: 'Corrupt', code: 'ANNALS_CORRUPT' } })
    const worker = tenant.store.exports.work()
    await place.clock.sleep(60_000)
    await worker.stop()
    expect(await tenant.exports.status('j')).toEqual(failed)
    await run(place.blobs.put(`t/log/${key}`, Buffer.from(text)))
    await whole(tenant, await tenant.exports.resume('j'))
  })
})

describe('a cancelled export', () => {
  test('ends where it runs, and leaves no files', async () => {
    const place = await filled()
    const { fate, paused, wake } = pausing((method, key) => isPart(key) && method === 'createIfAbsent')
    const tenant = await enter(place, fate)
    const job = await tenant.export({ id: 'j' })
    const told: ExportPart[] = []
    const telling = (async () => {
      for await (const part of job.parts()) told.push(part)
    })()
    await paused
    const cancelling = job.cancel()
    wake()
    expect(await cancelling).toMatchObject({ state: 'cancelled', parts: [] })
    expect(await job.done()).toMatchObject({ state: 'cancelled' })
    await telling
    expect([...(await place.objects('t/bulk/export/jobs/j/')).keys()]).toEqual(['state.json'])
    expect(await tenant.exports.list({ state: 'cancelled' })).toMatchObject([{ id: 'j' }])
    expect(await (await tenant.exports.resume('j')).done()).toMatchObject({ state: 'cancelled' })
  })

  test('ends in another process, too, within seconds', async () => {
    const place = await filled()
    let isSlow = true
    const tenant = await enter(place, async ({ key }, proceed) => {
      if (isSlow && isPart(key)) await place.clock.sleep(7_000)
      return proceed()
    })
    const job = await tenant.export({ id: 'j' })
    await place.clock.sleep(10_000)
    const other = await enter(place)
    await other.exports.cancel('j')
    const began = place.clock.now()
    expect(await job.done()).toMatchObject({ state: 'cancelled' })
    expect(place.clock.now() - began).toBeLessThan(25_000_000)
    isSlow = false
    // Also what was being written just then.
    expect([...(await place.objects('t/bulk/export/jobs/j/')).keys()]).toEqual(['state.json'])
  })

  test('may have been complete', async () => {
    const place = await filled()
    const tenant = await enter(place)
    await exported(tenant, { id: 'j' })
    await tenant.exports.cancel('j')
    expect([...(await place.objects('t/bulk/')).keys()]).toEqual(['export/jobs/j/state.json'])
  })
})

describe('cleanup', () => {
  test('removes what has expired and what nobody has gone on with, and nothing else', async () => {
    const place = await filled()
    const tenant = await enter(place)
    await exported(tenant, { id: 'short', keepMs: 1_000_000 })
    await exported(tenant, { id: 'long' })
    const { fate, paused } = pausing((method, key) => isPart(key) && method === 'createIfAbsent')
    void (await enter(place, fate)).export({ id: 'left', keepMs: 2_000_000 })
    await paused
    await run(place.blobs.put('t/bulk/export/jobs/orphan/output/Basic/part-1.ndjson', Buffer.from('{}\n')))
    const ids = async (): Promise<string[]> => (await tenant.exports.list()).map(({ id }) => id)
    expect(await tenant.exports.cleanup()).toBe(0)
    expect(await ids()).toEqual(['left', 'long', 'short'])
    expect([...(await place.objects('t/bulk/export/jobs/orphan/')).keys()]).toEqual([])
    place.clock.move(1_500_000)
    expect(await tenant.store.exports.cleanup()).toBe(1)
    expect(await ids()).toEqual(['left', 'long'])
    place.clock.move(1_500_000)
    expect(await tenant.exports.cleanup()).toBe(1)
    expect(await ids()).toEqual(['long'])
    const { expiresAt, endedAt } = (await tenant.exports.status('long')) ?? {}
    expect(Date.parse(expiresAt ?? '') - Date.parse(endedAt ?? '')).toBe(86_400_000)
    place.clock.move(86_400_000)
    expect(await tenant.exports.cleanup()).toBe(1)
    expect([...(await place.objects('t/bulk/')).keys()]).toEqual([])
  })
})

describe('what is asked of exports', () => {
  test('is of one tenant: another one has no such export', async () => {
    const place = await filled()
    const store = await place.open()
    const [tenant, other] = [await store.tenant('t'), await store.tenant('u')]
    const job = await tenant.export()
    const { parts } = await job.done()
    expect(await other.exports.status(job.id)).toBeUndefined()
    for (const asked of [
      other.exports.cancel(job.id),
      other.exports.resume(job.id),
      other.exports.read(job.id, parts[0]?.name ?? ''),
      other.exports.cancel(`../../../t/bulk/export/jobs/${job.id}`),
    ])
      expect(await failure(asked)).toMatchObject({ _tag: 'InvalidInput', data: { what: 'export' } })
    expect(await other.exports.list()).toEqual([])
    await whole(tenant, job)
  })

  test('is the same export under the same id, and never another one', async () => {
    const place = await filled()
    const tenant = await enter(place)
    const [first, second] = await Promise.all([tenant.export({ id: 'j' }), tenant.export({ id: 'j' })])
    expect(await first.done()).toEqual(await second.done())
    expect(await (await tenant.export({ id: 'j' })).done()).toEqual(await first.done())
    expect(await failure(tenant.export({ id: 'j', types: ['Basic'] }))).toMatchObject({ data: { what: 'id' } })
  })

  test('may be a part, or some bytes of one, and no other object', async () => {
    const place = await filled()
    const tenant = await enter(place)
    const { status, files } = await exported(tenant, { id: 'j' })
    const name = status.parts[1]?.name ?? ''
    const some = await tenant.exports.read('j', name, { start: 3, end: 9 })
    expect(Buffer.from(some).toString()).toBe(files.get(name)?.slice(3, 9))
    for (const other of ['state.json', '../j/state.json', 'output/Basic/part-999.ndjson', `${name}/..`, ''])
      expect(await failure(tenant.exports.read('j', other))).toMatchObject({ data: { what: 'part' } })
  })

  test.each([
    ['types', { types: [] }],
    ['types', { types: ['Patiant'] }],
    ['type', { types: ['../Patient'] }],
    ['types', { types: 'Patient' as never }],
    ['types', { types: [7 as never] }],
    ['since', { since: 'yesterday' }],
    ['until', { until: new Date('nonsense') }],
    ['since', { since: '2026-02-01', until: '2026-01-01' }],
    ['deleted', { deleted: true }],
    ['export', { id: '' }],
    ['export', { id: 'x'.repeat(200) }],
    ['export', { id: 'a\nb' }],
    ['keepMs', { keepMs: -1 }],
    ['to', { to: 7 as never }],
    ['outcomes', { outcomes: {} as never }],
  ])('is refused for its %s', async (what, options) => {
    const place = await filled(1)
    const tenant = await enter(place)
    expect(await failure(tenant.export(options))).toMatchObject({ _tag: 'InvalidInput', data: { what } })
    expect([...(await place.objects('t/bulk/')).keys()]).toEqual([])
  })

  test('may be a type of which only the tenant knows', async () => {
    const tenant = await (await makePlace().open()).tenant('j', { kind: 'json' })
    await tenant.update('order', '1', '{"id":"1"}')
    const { resources } = await exported(tenant, { types: ['order'] })
    expect([...resources.keys()]).toEqual(['order/1'])
    expect(await failure(tenant.export({ types: ['orders'] }))).toMatchObject({ data: { what: 'types' } })
  })
})
