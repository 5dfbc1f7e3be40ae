/** What an export asks of the ports: one read of each commit and each large body, and one write of each part. */
import { describe, expect, test } from 'vitest'
import type { Tenant } from '../../src/store.js'
import type { Call } from '../copy/faults.js'
import { exported, makePlace, tightBounds } from './place.js'

async function watched(limits = {}) {
  const place = makePlace()
  const calls: Call[] = []
  const open = async () =>
    (
      await place.open(limits, (call, proceed) => {
        calls.push(call)
        return proceed()
      })
    ).tenant('t')
  const tenant = await open()
  const count = (method: string, key: RegExp): number =>
    calls.filter((call) => call.method === method && key.test(call.key)).length
  return { place, tenant, count, reset: () => void calls.splice(0), calls }
}

async function write(tenant: Tenant, commits: number): Promise<void> {
  for (let n = 0; n < commits; n++)
    await tenant.transact(
      Array.from({ length: 5 }, (_, i) => {
        const id = `r${(n * 3 + i) % 40}`
        return { op: 'update' as const, type: 'Basic', id, body: `{"resourceType":"Basic","n":${n}}` }
      }),
    )
}

const part = /part-\d+\.ndjson$/

describe('an export costs', () => {
  test('one read of each commit, one write of each part, and three moves of its state', async () => {
    const { tenant, count, reset, calls } = await watched()
    await write(tenant, 100)
    reset()
    const job = await tenant.export()
    const { parts } = await job.done()
    expect(parts.length).toBe(1)
    expect(count('get', /\/log\//)).toBe(100)
    expect(count('createIfAbsent', part)).toBe(1)
    expect(count('createIfAbsent', /manifest\.json/)).toBe(1)
    expect(count('replaceIfMatch', /state\.json/)).toBe(2)
    expect(count('createIfAbsent', /state\.json/)).toBe(1)
    expect(count('get', /./)).toBeLessThan(110)
    expect(count('list', /./)).toBe(0)
    // The head, and the lease.
    expect(calls.filter(({ key }) => /^[A-Z]#/.test(key)).length).toBeLessThan(10)
  })

  test('no more reads of commits and parts with checkpoints, but a move of the state for each', async () => {
    const { tenant, count, reset } = await watched(tightBounds)
    await write(tenant, 60)
    reset()
    const { status } = await exported(tenant)
    expect(status.parts.length).toBeGreaterThan(5)
    expect(count('get', /\/log\//)).toBe(60)
    expect(count('createIfAbsent', part)).toBe(status.parts.length)
  })

  test('one read more for each large body', async () => {
    const { tenant, count, reset } = await watched({ maxInlineBytes: 100 })
    for (let n = 0; n < 10; n++)
      await tenant.update('Basic', `r${n % 4}`, `{"resourceType":"Basic","n":${n},"text":"${'x'.repeat(200)}"}`)
    reset()
    await exported(tenant)
    expect([count('get', /\/log\//), count('get', /\/blobs\//)]).toEqual([10, 4])
  })

  test('what is new, where only that is asked for', async () => {
    const { tenant, count, reset } = await watched()
    await write(tenant, 100)
    const since = (await tenant.head()).at
    await write(tenant, 3)
    reset()
    const { resources } = await exported(tenant, { since })
    expect(resources.size).toBeGreaterThan(5)
    expect(count('get', /\/log\//)).toBeLessThanOrEqual(10)
  })
})
