/** The Observable of a tenant's events: the same messages, and an end of the reading when nobody listens any more. */
import { lastValueFrom, map, take, tap, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import type { SubscribeOptions } from '../../src/index.js'
import type { Tenant } from '../../src/store.js'
import { quiet } from './hand-clock.js'
import { all, at, atTheHead, makeLog, say } from './subscribers.js'
import { failure, makeWorld } from './world.js'

const observed = (tenant: Tenant, options?: SubscribeOptions, count = Number.POSITIVE_INFINITY): Promise<string[]> =>
  lastValueFrom(tenant.observe(options).pipe(take(count), map(say), toArray()))

describe('an Observable of events', () => {
  test('tells what an iteration tells, and completes at its end', async () => {
    const { tenant } = await makeLog()
    expect(await observed(tenant, { until: 'head' })).toEqual(all)
    expect(await observed(tenant, { until: 'head', from: at(1, 0), types: ['Note'] })).toEqual([all[2], all[4], all[6]])
  })

  test('reads nothing until somebody subscribes, and for everybody who does', async () => {
    const { tenant, blobs } = await makeLog()
    const events = tenant.observe({ until: 'head' }).pipe(map(say), toArray())
    await quiet()
    expect(blobs.count()).toBe(0)
    expect(await Promise.all([lastValueFrom(events), lastValueFrom(events)])).toEqual([all, all])
  })

  test('tells one message at a time: what the observer has not returned from holds up the reading', async () => {
    const { tenant, blobs } = await makeWorld().enter()
    for (let n = 1; n <= 60; n++) await tenant.create('Note', `{"n":${n}}`)
    blobs.reset()
    let told = 0
    let ahead = 0
    const watched = tap(() => {
      ahead = Math.max(ahead, blobs.count('get') - ++told)
    })
    await lastValueFrom(tenant.observe({ until: 'head' }).pipe(watched))
    expect({ told, ahead }).toEqual({ told: 61, ahead: 7 })
  })

  test('stops reading when its observer unsubscribes in the middle of a commit', async () => {
    const { world, tenant, blobs } = await makeLog()
    expect(await observed(tenant, {}, 1)).toEqual(all.slice(0, 1))
    await quiet()
    const asked = blobs.count()
    await tenant.create('Note', '{"n":6}')
    world.clock.move(5_000)
    await quiet()
    expect(blobs.count('get')).toBe(asked)
    expect(world.clock.sleepers).toBe(0)
  })

  test('stops waiting when its observer unsubscribes at the head', async () => {
    const { world, rings, tenant, abort } = await atTheHead()
    abort.abort()
    const told: string[] = []
    const subscription = tenant.observe().subscribe((message) => told.push(say(message)))
    await quiet()
    expect(rings.observed).toBe(true)
    subscription.unsubscribe()
    await quiet()
    expect(rings.observed).toBe(false)
    expect(world.clock.sleepers).toBe(0)
    await tenant.create('Note', '{"n":1}')
    await quiet()
    expect(told).toEqual(['caught up 0-0'])
  })

  test('completes when its signal aborts', async () => {
    const { tenant } = await makeLog()
    const abort = new AbortController()
    const told = observed(tenant, { signal: abort.signal })
    await quiet()
    abort.abort()
    expect(await told).toEqual(all)
    expect(await observed(tenant, { signal: abort.signal })).toEqual([])
  })

  test('fails with the error of a read, or of what it was asked for', async () => {
    const { tenant, blobs } = await makeLog()
    blobs.on('get', /2\.ndjson/).fail()
    expect((await failure(observed(tenant, { until: 'head' })))._tag).toBe('Unavailable')
    expect((await failure(observed(tenant, { types: [] })))._tag).toBe('InvalidInput')
  })
})
