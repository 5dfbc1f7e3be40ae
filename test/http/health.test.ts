/** Whether the server lives and whether it is ready: it asks the store, but not for every one who asks. */
import { expect, test } from 'vitest'
import { annalsError } from '../../domain/error.js'
import { openStore, type Store, type Tenant } from '../../src/index.js'
import { running } from './server.js'

/** A store in memory whose heads are asked for by `head`, and how often that was. */
async function asked(head?: () => Promise<never>): Promise<{ readonly store: Store; readonly times: () => number }> {
  const store = await openStore('memory:')
  let times = 0
  const tenant = async (name: string): Promise<Tenant> => {
    const whole = await store.tenant(name)
    const log: Tenant = {
      ...whole,
      head: () => {
        times += 1
        return head === undefined ? whole.head() : head()
      },
    }
    return { ...log, partitions: [log] }
  }
  return { store: { ...store, tenant }, times: () => times }
}

test('is ready when the store answers', async () => {
  const { ask } = await running()
  for (const path of ['/health/live', '/health/ready']) {
    const answer = await ask('GET', path)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
  }
  expect((await ask('GET', '/health/ready')).body).toEqual({ status: 'ready' })
})

test('asks for the last commit itself, not only where it stands', async () => {
  const url = 'memory:'
  const store = await openStore(url)
  await (await store.tenant('default')).create('Patient', '{"resourceType":"Patient"}')
  const seen: unknown[] = []
  const tenant = async (name: string): Promise<Tenant> => {
    const whole = await store.tenant(name)
    const commits: Tenant['commits'] = (options) => {
      seen.push(options)
      return whole.commits(options)
    }
    return { ...whole, partitions: [{ ...whole, commits }] }
  }
  const { ask } = await running({}, { ...store, tenant })
  expect((await ask('GET', '/health/ready')).status).toBe(200)
  expect(seen).toEqual([{ from: 1, bodies: false }])
})

test('lives, but is not ready, when the store fails; the reason holds no secret', async () => {
  const { store } = await asked(async () => {
    throw annalsError('Unavailable', { operation: 'get', key: 'a-key', cause: 'a-secret' })
  })
  const { ask } = await running({}, store)
  expect((await ask('GET', '/health/live')).status).toBe(200)
  const answer = await ask('GET', '/health/ready')
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  expect(answer.body).toEqual({ status: 'not ready', reason: 'ANNALS_UNAVAILABLE' })
})

test('is not ready when the store does not answer in time', async () => {
  const { store } = await asked(() => new Promise(() => undefined))
  const { ask } = await running({ readyTimeoutMs: 50 }, store)
  const answer = await ask('GET', '/health/ready')
  expect([answer.status, answer.body.reason]).toEqual([503, 'the store did not answer within 50 ms'])
})

test('asks the store once for all who ask within a second', async () => {
  const { store, times } = await asked()
  const { ask } = await running({}, store)
  const begun = performance.now()
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask('GET', '/health/ready')))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(times()).toBeLessThanOrEqual(1 + (performance.now() - begun) / 1_000)
  const before = times()
  await expect
    .poll(
      async () => {
        await ask('GET', '/health/ready')
        return times()
      },
      { timeout: 5_000 },
    )
    .toBeGreaterThan(before)
})
