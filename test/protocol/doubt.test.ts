/** The commit point: numbers in doubt, and what a taken number means. */
import { describe, expect, test } from 'vitest'
import { quiet } from './hand-clock.js'
import { refused } from './script.js'
import { contents, failure, logObject, logs, makeWorld, outcome, type Site, text } from './world.js'

const attempts = ({ blobs }: Site): string[] =>
  blobs.calls
    .filter(({ method, key }) => method === 'createIfAbsent' && logs.test(key))
    .map(({ key, args }) => `${key} ${Buffer.from(args[1] as Uint8Array).toString('latin1')}`)

describe('rule 2: a number in doubt is never abandoned', () => {
  test('after time-outs and 5xx the same bytes are repeated until the create succeeds', async () => {
    const site = await makeWorld().enter()
    site.blobs.on('createIfAbsent', logs).fail(undefined, 5)
    const written = await site.tenant.create('Note', '{"n":1}', { id: 'a' })
    expect(written.position?.seq).toBe(1)
    expect(attempts(site)).toHaveLength(6)
    expect(new Set(attempts(site)).size).toBe(1)
  })

  test('after a lost response the same bytes are repeated until the number is found taken', async () => {
    const site = await makeWorld().enter()
    site.blobs.on('createIfAbsent', logs).loseAnswer()
    site.blobs.on('createIfAbsent', logs).fail(undefined, 2)
    const written = await site.tenant.create('Note', '{"n":1}', { id: 'a' })
    expect(written).toMatchObject({ version: 1, position: { seq: 1 } })
    expect(attempts(site)).toHaveLength(4)
    expect(new Set(attempts(site)).size).toBe(1)
  })

  test('transactions that come meanwhile wait: the bytes in doubt do not change', async () => {
    const site = await makeWorld().enter()
    site.blobs.on('createIfAbsent', logs).fail()
    const again = site.blobs.on('createIfAbsent', logs).hold()
    const first = site.tenant.create('Note', '{"n":1}', { id: 'a' })
    await again.arrived
    const second = site.tenant.create('Note', '{"n":2}', { id: 'b' })
    await quiet()
    again.release()
    expect((await first).position?.seq).toBe(1)
    expect((await second).position?.seq).toBe(2)
    expect(new Set(attempts(site)).size).toBe(2)
  })

  test('a refusal before any doubt rejects the callers and uses no number', async () => {
    const site = await makeWorld().enter()
    site.blobs.on('createIfAbsent', logs).fail(refused)
    expect(await outcome(site.tenant.create('Note', '{"n":1}', { id: 'a' }))).toBe('StorageRefused')
    expect(attempts(site)).toHaveLength(1)
    expect((await site.tenant.create('Note', '{"n":2}', { id: 'b' })).position?.seq).toBe(1)
    expect(await contents(site.tenant)).toEqual(['Note/b@1 {"n":2}'])
  })

  test('a refusal after a lost response does not end the doubt', async () => {
    const site = await makeWorld().enter()
    site.blobs.on('createIfAbsent', logs).loseAnswer()
    site.blobs.on('createIfAbsent', logs).fail(refused, 3)
    expect(await site.tenant.create('Note', '{"n":1}', { id: 'a' })).toMatchObject({ version: 1 })
    expect(new Set(attempts(site)).size).toBe(1)
    expect(await contents(site.tenant)).toEqual(['Note/a@1 {"n":1}'])
  })

  test('a caller whose time is up hears that the outcome is unknown, and the writer goes on', async () => {
    const site = await makeWorld().enter()
    site.blobs.on('createIfAbsent', logs).loseAnswer()
    site.blobs.on('createIfAbsent', logs).fail(undefined, 20)
    const error = await failure(site.tenant.create('Note', '{"n":1}', { id: 'a', timeoutMs: 50 }))
    expect(error).toMatchObject({ _tag: 'OutcomeUnknown', retryable: true, data: { log: 't/0', seq: 1 } })
    expect((await site.tenant.create('Note', '{"n":2}', { id: 'b' })).position?.seq).toBe(2)
    expect(await contents(site.tenant)).toEqual(['Note/a@1 {"n":1}', 'Note/b@1 {"n":2}'])
  })
})

describe('rule 3: a taken number is not a lost race until its occupant was read', () => {
  test('an occupant with the own id is the own write, and is written once', async () => {
    const site = await makeWorld().enter()
    site.blobs.on('createIfAbsent', logs).loseAnswer()
    await site.tenant.create('Note', '{"n":1}', { id: 'a' })
    expect(site.blobs.count('get', logs)).toBeGreaterThanOrEqual(1)
    expect(await contents(site.tenant)).toEqual(['Note/a@1 {"n":1}'])
    expect((await site.tenant.head()).seq).toBe(1)
  })

  test('an occupant that cannot be read yet is read again', async () => {
    const site = await makeWorld().enter()
    site.blobs.on('createIfAbsent', logs).loseAnswer()
    site.blobs.on('get', logs).fail(undefined, 3)
    expect((await site.tenant.create('Note', '{"n":1}', { id: 'a' })).position?.seq).toBe(1)
    expect(await contents(site.tenant)).toEqual(['Note/a@1 {"n":1}'])
  })

  test('an occupant whose reading is refused leaves the write in doubt: nobody is told that nothing was written', async () => {
    const site = await makeWorld().enter()
    site.blobs.on('createIfAbsent', logs).loseAnswer()
    site.blobs.on('get', logs).fail(refused, 3)
    expect(await site.tenant.create('Note', '{"n":1}', { id: 'a' })).toMatchObject({ version: 1 })
    expect(await contents(site.tenant)).toEqual(['Note/a@1 {"n":1}'])
  })

  test('an occupant with another id has won, though it says the same', async () => {
    const world = makeWorld()
    const [winner, loser] = [await world.enter(), await world.enter()]
    loser.blobs.on('createIfAbsent', logs).before(() => winner.tenant.update('Note', 'a', '{"n":1}'))
    expect(await loser.tenant.update('Note', 'a', '{"n":1}')).toMatchObject({ version: 2, position: { seq: 2 } })
    expect(await contents(loser.tenant)).toEqual(['Note/a@1 {"n":1}', 'Note/a@2 {"n":1}'])
  })
})

describe('rule 4: a conflicting request means repeat', () => {
  test('a 409, which adapters report as unavailable, does not lose the number', async () => {
    const site = await makeWorld().enter()
    site.blobs.on('createIfAbsent', logs).fail()
    expect((await site.tenant.create('Note', '{"n":1}', { id: 'a' })).position?.seq).toBe(1)
    expect(attempts(site).map((attempt) => attempt.split(' ')[0])).toEqual([logObject(1), logObject(1)])
    expect(new Set(attempts(site)).size).toBe(1)
    expect(await text(site.tenant, 'Note', 'a')).toBe('{"n":1}')
  })
})
