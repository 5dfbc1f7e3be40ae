/** Group commit: who waits together is written together, and nobody pays for the conflict of another. */
import { describe, expect, test } from 'vitest'
import type { Tenant } from '../../src/store.js'
import { contents, logs, makeWorld, outcome } from './world.js'

const together = (tenant: Tenant, count: number, body = '{"n":1}') =>
  Promise.all(Array.from({ length: count }, (_, n) => tenant.create('Note', body, { id: `a${n}` })))

const seqsOf = (results: ReadonlyArray<{ position?: { seq: number } }>): number[] =>
  results.map(({ position }) => position?.seq ?? 0)

describe('group commit', () => {
  test('writes 64 concurrent callers in far fewer commits', async () => {
    const { tenant, blobs } = await makeWorld().enter()
    await together(tenant, 64)
    expect(blobs.count('createIfAbsent', logs)).toBeLessThanOrEqual(2)
    expect(await contents(tenant)).toHaveLength(64)
  })

  test('takes what came while the last commit was being created', async () => {
    const { tenant, blobs } = await makeWorld().enter()
    const creating = blobs.on('createIfAbsent', logs).hold()
    const first = tenant.create('Note', '{"n":0}', { id: 'first' })
    await creating.arrived
    const rest = together(tenant, 10)
    creating.release()
    await first
    expect(new Set(seqsOf(await rest))).toEqual(new Set([2]))
  })

  test('keeps the order of the callers', async () => {
    const { tenant } = await makeWorld().enter()
    const results = await Promise.all(Array.from({ length: 9 }, (_, n) => tenant.update('Note', 'a', `{"n":${n}}`)))
    expect(results.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect((await tenant.read('Note', 'a'))?.text()).toBe('{"n":8}')
  })

  test('stops at the limit of events', async () => {
    const { tenant } = await makeWorld().enter({ limits: { maxCommitEvents: 3 } })
    expect(seqsOf(await together(tenant, 8))).toEqual([1, 1, 1, 2, 2, 2, 3, 3])
  })

  test('stops at the limit of bytes', async () => {
    const { tenant } = await makeWorld().enter({ limits: { maxCommitBytes: 20 } })
    expect(seqsOf(await together(tenant, 5, '{"n":1234}'))).toEqual([1, 1, 2, 2, 3])
  })

  test('lets a transaction over the limit go alone, whole', async () => {
    const { tenant } = await makeWorld().enter({ limits: { maxCommitEvents: 3 } })
    const operations = Array.from(
      { length: 5 },
      (_, n) => ({ op: 'create', type: 'Note', body: `{"n":${n}}` }) as const,
    )
    const [small, large] = await Promise.all([tenant.create('Note', '{"n":9}'), tenant.transact(operations)])
    expect(small.position?.seq).toBe(1)
    expect(new Set(seqsOf(large.results))).toEqual(new Set([2]))
  })
})

describe('a transaction that conflicts', () => {
  test('is rejected, and neither splits its batch nor fails it', async () => {
    const { tenant, blobs } = await makeWorld().enter()
    await tenant.create('Note', '{"n":0}', { id: 'taken' })
    blobs.reset()
    const answers = await Promise.all([
      outcome(tenant.create('Note', '{"n":1}', { id: 'a' })),
      outcome(tenant.create('Note', '{"n":2}', { id: 'taken' })),
      outcome(tenant.create('Note', '{"n":3}', { id: 'b' })),
    ])
    expect(answers).toMatchObject([{ position: { seq: 2, index: 0 } }, 'Conflict', { position: { seq: 2, index: 1 } }])
    expect(blobs.count('createIfAbsent', logs)).toBe(1)
  })

  test('writes none of its operations', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.create('Note', '{"n":0}', { id: 'taken' })
    const mixed = tenant.transact([
      { op: 'create', type: 'Note', id: 'a', body: '{"n":1}' },
      { op: 'create', type: 'Note', id: 'taken', body: '{"n":2}' },
    ])
    expect(await outcome(mixed)).toBe('Conflict')
    expect(await tenant.read('Note', 'a')).toBeUndefined()
    expect((await tenant.head()).seq).toBe(1)
  })

  test('loses against the one before it in the same batch', async () => {
    const { tenant } = await makeWorld().enter()
    const answers = await Promise.all([
      outcome(tenant.create('Note', '{"n":1}', { id: 'a' })),
      outcome(tenant.create('Note', '{"n":2}', { id: 'a' })),
      outcome(tenant.update('Note', 'a', '{"n":3}', { expect: 1 })),
    ])
    expect(answers).toMatchObject([{ version: 1 }, 'Conflict', { version: 2 }])
    expect(await contents(tenant)).toEqual(['Note/a@1 {"n":1}', 'Note/a@2 {"n":3}'])
  })

  test('changes nothing for those after it', async () => {
    const { tenant } = await makeWorld().enter()
    await tenant.create('Note', '{"n":0}', { id: 'taken' })
    const answers = await Promise.all([
      outcome(
        tenant.transact([
          { op: 'create', type: 'Note', id: 'a', body: '{"n":1}' },
          { op: 'create', type: 'Note', id: 'taken', body: '{"n":1}' },
        ]),
      ),
      outcome(tenant.create('Note', '{"n":2}', { id: 'a' })),
    ])
    expect(answers).toMatchObject(['Conflict', { version: 1, position: { seq: 2, index: 0 } }])
  })
})
