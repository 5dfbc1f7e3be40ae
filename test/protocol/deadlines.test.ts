/** Deadlines: a caller whose time is up hears what is certainly known of his write, and nothing else. */
import { describe, expect, test } from 'vitest'
import { unavailable } from './script.js'
import { contents, failure, logs, makeWorld, outcome, pointersOf } from './world.js'

describe('past its deadline', () => {
  test('a write that waits in the queue is certainly not written', async () => {
    const { tenant, blobs } = await makeWorld().enter()
    const creating = blobs.on('createIfAbsent', logs).hold(unavailable)
    const first = tenant.create('Note', '{"n":1}', { id: 'a' })
    await creating.arrived
    const second = failure(tenant.create('Note', '{"n":2}', { id: 'b', timeoutMs: 10 }))
    blobs.on('createIfAbsent', logs).fail(undefined, 20)
    creating.release()
    expect(await second).toMatchObject({ _tag: 'Unavailable', retryable: true })
    expect((await first).position?.seq).toBe(1)
    await tenant.create('Note', '{"n":3}', { id: 'c' })
    expect(await contents(tenant)).toEqual(['Note/a@1 {"n":1}', 'Note/c@1 {"n":3}'])
  })

  test('a write in doubt may be written or not, and the caller is told so', async () => {
    for (const applied of [true, false]) {
      const { tenant, blobs } = await makeWorld().enter()
      if (applied) blobs.on('createIfAbsent', logs).loseAnswer()
      blobs.on('createIfAbsent', logs).fail(undefined, 20)
      expect(await outcome(tenant.create('Note', '{"n":1}', { id: 'a', timeoutMs: 20 }))).toBe('OutcomeUnknown')
    }
  })

  test('a write that is being prepared, and was given up, is not written later', async () => {
    const { tenant, pointers } = await makeWorld().enter()
    const publishing = pointers.on('putAll').hold()
    pointers.on('advance').loseAnswer(30)
    const first = tenant.create('Note', '{"n":1}', { id: 'a' })
    await publishing.arrived
    const preparing = pointers.on('query', pointersOf('Note', 'b')).hold()
    const second = outcome(tenant.create('Note', '{"n":2}', { id: 'b', timeoutMs: 20 }))
    await preparing.arrived
    publishing.release()
    expect(await second).toBe('Unavailable')
    preparing.release()
    await first
    await tenant.create('Note', '{"n":3}', { id: 'c' })
    expect(await contents(tenant)).toEqual(['Note/a@1 {"n":1}', 'Note/c@1 {"n":3}'])
  })

  test('a write whose large body is being stored may still be written, and the caller is told so', async () => {
    const { tenant, blobs, pointers } = await makeWorld().enter({ limits: { maxInlineBytes: 10 } })
    const publishing = pointers.on('putAll').hold()
    pointers.on('advance').loseAnswer(30)
    const first = tenant.create('Note', '{"n":1}', { id: 'a' })
    await publishing.arrived
    const storing = blobs.on('createIfAbsent', /^t\/blobs\//).hold()
    const second = outcome(tenant.create('Note', '{"n":1234567890}', { id: 'b', timeoutMs: 20 }))
    await storing.arrived
    publishing.release()
    expect(await second).toBe('OutcomeUnknown')
    storing.release()
    await first
  })

  test('the others of its batch are not held up', async () => {
    const { tenant, blobs } = await makeWorld().enter()
    blobs.on('createIfAbsent', logs).fail(undefined, 10)
    const [hasty, patient] = [
      outcome(tenant.create('Note', '{"n":1}', { id: 'a', timeoutMs: 1 })),
      tenant.create('Note', '{"n":2}', { id: 'b' }),
    ]
    expect(await hasty).toBe('OutcomeUnknown')
    expect(await patient).toMatchObject({ version: 1 })
  })

  test('a race that is lost for good drops what was given up', async () => {
    const world = makeWorld()
    const [site, other] = [await world.enter(), await world.enter()]
    site.blobs.on('createIfAbsent', logs).fail(undefined, 8)
    site.blobs.on('createIfAbsent', logs).before(() => other.tenant.create('Note', '{"n":0}', { id: 'x' }))
    expect(await outcome(site.tenant.create('Note', '{"n":1}', { id: 'a', timeoutMs: 5 }))).toBe('OutcomeUnknown')
    await site.tenant.create('Note', '{"n":2}', { id: 'b' })
    expect(await contents(site.tenant)).toEqual(['Note/x@1 {"n":0}', 'Note/b@1 {"n":2}'])
  })

  test('a write hears the limit of the store when the caller names none', async () => {
    const world = makeWorld()
    const { tenant, blobs } = await world.enter({ limits: { writeTimeoutMs: 40 } })
    const start = world.clock.now()
    blobs.on('createIfAbsent', logs).fail(undefined, 100)
    expect(await outcome(tenant.create('Note', '{"n":1}', { id: 'a' }))).toBe('OutcomeUnknown')
    expect(world.clock.now() - start).toBeLessThan(2_000_000)
  })
})
