/** What each operation asks of the ports: the cost of the store, and rule 10 (no LIST on the hot path). */
import { describe, expect, test } from 'vitest'
import { contents, headItem, logs, makeWorld, type Site } from './world.js'

/** The calls since the last look, as `port.method` with how often. */
function spent({ blobs, pointers }: Site): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [port, script] of Object.entries({ blobs, pointers })) {
    for (const { method } of script.calls) counts[`${port}.${method}`] = (counts[`${port}.${method}`] ?? 0) + 1
    script.reset()
  }
  return counts
}

/** A tenant whose writer has written before and does not look for a baton, and whose reader keeps nothing in memory. */
async function warm(limits = {}) {
  const world = makeWorld()
  const site = await world.enter({ limits: { cacheBytes: 0, ...limits } })
  await site.tenant.create('Note', '{"n":0}', { id: 'warm' })
  spent(site)
  return { world, site, tenant: site.tenant }
}

const publish = { 'pointers.putAll': 1, 'pointers.advance': 1 }

describe('a write costs', () => {
  test('one create of an object, one batch of pointers and one advance of the head', async () => {
    const { site, tenant } = await warm()
    await tenant.create('Note', '{"n":1}')
    expect(spent(site)).toEqual({ 'blobs.createIfAbsent': 1, ...publish })
  })

  test('one query more when the caller names the resource, and none when the writer knows it', async () => {
    const { site, tenant } = await warm()
    await tenant.update('Note', 'a', '{"n":1}')
    expect(spent(site)).toEqual({ 'blobs.createIfAbsent': 1, 'pointers.query': 1, ...publish })
    await tenant.update('Note', 'a', '{"n":2}', { expect: 1 })
    await tenant.delete('Note', 'a')
    expect(spent(site)).toEqual({ 'blobs.createIfAbsent': 2, 'pointers.putAll': 2, 'pointers.advance': 2 })
  })

  test('one look at the receipts more with a request key', async () => {
    const { site, tenant } = await warm()
    await tenant.create('Note', '{"n":1}', { request: 'r' })
    expect(spent(site)).toEqual({ 'blobs.createIfAbsent': 1, 'pointers.get': 1, ...publish })
  })

  test('one object more for each large body', async () => {
    const { site, tenant } = await warm({ maxInlineBytes: 10 })
    await tenant.create('Note', '{"n":"a large body"}')
    expect(spent(site)).toEqual({ 'blobs.createIfAbsent': 2, ...publish })
  })

  test('no more for a hundred at once', async () => {
    const { site, tenant } = await warm()
    await Promise.all(Array.from({ length: 100 }, (_, n) => tenant.create('Note', `{"n":${n}}`)))
    expect(spent(site)['blobs.createIfAbsent']).toBeLessThanOrEqual(2)
  })

  test('one look at the next number for a rejection, and nothing is published', async () => {
    const { site, tenant } = await warm()
    await tenant.create('Note', '{"n":1}', { id: 'warm' }).catch(() => undefined)
    expect(spent(site)).toEqual({ 'blobs.get': 1 })
  })
})

describe('a read costs', () => {
  test('one query, one look at the head and one ranged get', async () => {
    const { site, tenant } = await warm()
    await tenant.read('Note', 'warm')
    expect(site.blobs.calls[0]?.args[1]).toEqual({ start: expect.any(Number), end: expect.any(Number) })
    expect(spent(site)).toEqual({ 'blobs.get': 1, 'pointers.query': 1, 'pointers.get': 1 })
  })

  test('no get when the body is in memory, or the resource is deleted or unknown', async () => {
    const { site, tenant } = await warm({ cacheBytes: 1 << 20 })
    await tenant.read('Note', 'warm')
    await tenant.read('Note', 'warm')
    expect(spent(site)['blobs.get']).toBe(1)
    await tenant.read('Note', 'unknown')
    await tenant.delete('Note', 'warm')
    spent(site)
    await tenant.read('Note', 'warm')
    expect(spent(site)).toEqual({ 'pointers.query': 1, 'pointers.get': 1 })
  })

  test('the same for one version by its number', async () => {
    const { site, tenant } = await warm()
    await tenant.update('Note', 'warm', '{"n":1}')
    spent(site)
    await tenant.read('Note', 'warm', { version: 1 })
    expect(spent(site)).toEqual({ 'blobs.get': 1, 'pointers.get': 2 })
  })

  test('a logarithm of the versions for one of long ago', async () => {
    const { site, tenant } = await warm()
    for (let n = 1; n <= 60; n++) await tenant.update('Note', 'warm', `{"n":${n}}`)
    spent(site)
    const found = await tenant.read('Note', 'warm', { at: { partition: 0, seq: 5, index: 0 } })
    expect(found?.version).toBe(5)
    expect(spent(site)['pointers.get']).toBeLessThanOrEqual(8)
  })
})

describe('a page of history costs', () => {
  /** Four commits of ten resources each, and thirty versions of one. */
  async function history() {
    const { site, tenant } = await warm()
    for (let commit = 0; commit < 4; commit++)
      await Promise.all(Array.from({ length: 10 }, (_, n) => tenant.create('Task', `{"n":${commit * 10 + n}}`)))
    for (let n = 1; n <= 30; n++) await tenant.update('Note', 'warm', `{"n":${n}}`)
    spent(site)
    return { site, tenant }
  }

  test('of a resource: one query, and one get for each commit', async () => {
    const { site, tenant } = await history()
    await tenant.history({ type: 'Note', id: 'warm' }, { count: 10 })
    expect(spent(site)).toEqual({ 'pointers.get': 1, 'pointers.query': 1, 'blobs.get': 10 })
  })

  test('of a type: one query, and one get for each commit, however many of its entries it holds', async () => {
    const { site, tenant } = await history()
    const { entries } = await tenant.history({ type: 'Task' }, { count: 20 })
    expect(entries.map((entry) => entry.json<{ n: number }>().n)).toEqual(Array.from({ length: 20 }, (_, n) => 39 - n))
    expect(spent(site)).toEqual({ 'pointers.get': 1, 'pointers.query': 1, 'blobs.get': 2 })
  })

  test('of the tenant: one get for each commit', async () => {
    const { site, tenant } = await history()
    await tenant.history({}, { count: 10 })
    const counts = spent(site)
    expect(counts['blobs.get']).toBeLessThanOrEqual(11)
    expect(counts['pointers.query']).toBeUndefined()
  })

  test('the same oldest first', async () => {
    const { site, tenant } = await history()
    const order = 'oldest-first'
    const first = await tenant.history({ type: 'Note', id: 'warm' }, { count: 10, order })
    expect(first.entries.map(({ version }) => version)).toEqual(Array.from({ length: 10 }, (_, n) => n + 1))
    expect(spent(site)).toEqual({ 'pointers.get': 1, 'pointers.query': 1, 'blobs.get': 10 })
    await tenant.history({ type: 'Task' }, { count: 20, order })
    expect(spent(site)).toEqual({ 'pointers.get': 1, 'pointers.query': 1, 'blobs.get': 2 })
    const { cursor } = await tenant.history({}, { count: 10, order, bodies: false })
    spent(site)
    await tenant.history({}, { count: 10, cursor, bodies: false })
    const { 'blobs.get': gets = 0, ...others } = spent(site)
    expect(others).toEqual({ 'pointers.get': 1 })
    expect(gets).toBeLessThanOrEqual(11)
  })

  test('a logarithm of the commits more where it begins at an instant, oldest first', async () => {
    const { site, tenant } = await history()
    for (let n = 31; n <= 130; n++) await tenant.update('Note', 'warm', `{"n":${n}}`)
    const [{ at: since = '' } = {}] = (await tenant.versions('Note', 'warm', { count: 1 })).entries
    for (const scope of [{}, { type: 'Note' }, { type: 'Note', id: 'warm' }]) {
      spent(site)
      const { entries } = await tenant.history(scope, { count: 2, since, order: 'oldest-first', bodies: false })
      expect(entries.map(({ at }) => at)).toEqual([since])
      const { 'pointers.query': queries = 0, 'pointers.get': reads = 0, 'blobs.get': gets = 0 } = spent(site)
      expect(queries + reads + gets).toBeLessThanOrEqual(13)
    }
  })

  test('nothing of the log when no bodies are asked for', async () => {
    const { site, tenant } = await history()
    await tenant.versions('Note', 'warm', { count: 10 })
    await tenant.history({ type: 'Task' }, { count: 10, bodies: false })
    expect(spent(site)).toEqual({ 'pointers.get': 2, 'pointers.query': 2 })
  })

  test('no more deep in the past than at the head', async () => {
    const { site, tenant } = await history()
    for (let n = 31; n <= 130; n++) await tenant.update('Note', 'warm', `{"n":${n}}`)
    spent(site)
    const at = { partition: 0, seq: 8, index: 0 }
    const page = await tenant.history({ type: 'Note', id: 'warm' }, { count: 2, at, bodies: false })
    expect(page.entries.map(({ version }) => version)).toEqual([4, 3])
    const { 'pointers.query': queries = 0, 'pointers.get': gets = 0 } = spent(site)
    expect(queries + gets).toBeLessThanOrEqual(12)
  })
})

describe('opening costs', () => {
  test('at most five requests', async () => {
    const { world } = await warm()
    const site = await world.enter()
    const total = Object.values(spent(site)).reduce((sum, count) => sum + count, 0)
    expect(total).toBeLessThanOrEqual(5)
  })
})

describe('rule 10: the log is never listed on the hot path, deleted from, or numbered twice', () => {
  test('everything that callers do every day gets by without LIST, SCAN and DELETE', async () => {
    const { world, site, tenant } = await warm()
    const reader = await world.enter()
    await tenant.update('Note', 'a', '{"n":1}', { request: 'r' })
    await tenant.update('Note', 'a', '{"n":1}', { request: 'r' })
    await reader.tenant.update('Note', 'a', '{"n":2}')
    await tenant.delete('Note', 'a')
    for (const { tenant } of [site, reader]) {
      await tenant.read('Note', 'a')
      await tenant.read('Note', 'a', { at: '2026-11-23' })
      await tenant.history()
      await tenant.history({ type: 'Note' }, { at: '2026-11-23' })
      await tenant.versions('Note', 'a')
      await contents(tenant)
      await (await tenant.snapshot()).history()
    }
    for (const { blobs, pointers } of [site, reader]) {
      for (const method of ['list', 'delete', 'put', 'replaceIfMatch']) expect(blobs.count(method), method).toBe(0)
      for (const method of ['scan', 'deleteByPrefix']) expect(pointers.count(method), method).toBe(0)
    }
  })

  test('numbers are dense and used once, whatever was rejected, lost or repeated between', async () => {
    const { world, site, tenant } = await warm()
    const other = await world.enter()
    for (let n = 0; n < 5; n++) {
      site.blobs.on('createIfAbsent', logs).loseAnswer()
      other.pointers.on('advance', headItem).loseAnswer()
      await Promise.allSettled([
        tenant.create('Note', `{"n":${n}}`, { id: `a${n}` }),
        other.tenant.create('Note', `{"n":${n}}`, { id: `b${n}` }),
        other.tenant.create('Note', `{"n":${n}}`, { id: 'warm' }),
      ])
    }
    const seqs: number[] = []
    const ids = new Set<string>()
    for await (const { seq, id } of tenant.commits()) {
      seqs.push(seq)
      ids.add(id)
    }
    expect(seqs).toEqual(seqs.map((_, n) => n + 1))
    expect(ids.size).toBe(seqs.length)
    expect(await contents(tenant)).toHaveLength(11)
  })

  test('not even the port deletes a commit or a large body', async () => {
    const { world } = await warm()
    for (const key of ['t/log/0/00000000000000000001.ndjson', `t/blobs/${'0'.repeat(64)}`])
      expect(await world.blobs.delete([key])()).toMatchObject({ left: { _tag: 'InvalidInput' } })
  })
})
