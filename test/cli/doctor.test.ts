/** The doctor finds storage that lies. */
import * as TE from 'fp-ts/lib/TaskEither.js'
import { describe, expect, test } from 'vitest'
import { memoryBlobStore, memoryPointerStore } from '../../adapters/memory/index.js'
import { systemClock } from '../../adapters/system-clock.js'
import { systemIds } from '../../adapters/system-ids.js'
import { annalsError } from '../../domain/error.js'
import type { BlobStore, PointerStore } from '../../domain/ports/index.js'
import { examine } from '../../src/doctor.js'
import { defaultLimits } from '../../src/index.js'

async function failedChecks(lies: { blobs?: Partial<BlobStore>; pointers?: Partial<PointerStore> }): Promise<string[]> {
  const report = await examine({
    blobs: { ...honestBlobs, ...lies.blobs },
    pointers: { ...honestPointers, ...lies.pointers },
    clock: systemClock,
    ids: systemIds,
    limits: defaultLimits,
    tenants: async function* () {},
    logsOf: async () => [],
  })
  const failed = report.findings.filter(({ ok }) => !ok)
  expect(report.ok).toBe(failed.length === 0)
  for (const { advice } of failed) expect(advice).toBeTruthy()
  return failed.map(({ check }) => check)
}

const honestBlobs = memoryBlobStore()
const honestPointers = memoryPointerStore({ clock: systemClock })

describe('doctor', () => {
  test('has nothing to say against an honest storage, and leaves nothing in it', async () => {
    expect(await failedChecks({})).toEqual([])
    expect(await honestBlobs.list('', { limit: 10 })()).toMatchObject({ right: { entries: [] } })
    expect(await honestPointers.scan({ pkPrefixes: [''], limit: 10 })()).toMatchObject({ right: { items: [] } })
  })

  test('finds creates that are not conditional', async () => {
    const createIfAbsent: BlobStore['createIfAbsent'] = (key, bytes) =>
      TE.map(() => 'created' as const)(honestBlobs.put(key, bytes))
    expect(await failedChecks({ blobs: { createIfAbsent } })).toEqual(['one winner of a create'])
  })

  test('finds ranges that are not honoured', async () => {
    expect(await failedChecks({ blobs: { get: (key) => honestBlobs.get(key) } })).toEqual(['ranged reads'])
  })

  test('finds deletes that do nothing, and listings that lag', async () => {
    const remove = { delete: () => TE.right(undefined) }
    expect(await failedChecks({ blobs: remove })).toEqual(['write, read, delete', 'list after write'])
    expect(await failedChecks({ blobs: { list: () => TE.right({ entries: [], more: false }) } })).toEqual([
      'list after write',
    ])
  })

  test('finds compare-and-sets that always succeed, and heads that go back', async () => {
    const compareAndSet: PointerStore['compareAndSet'] = (item, expected) =>
      TE.map(() => ({ done: true as const, item: { ...item, rev: expected + 1 } }))(honestPointers.putAll([item]))
    const advance: PointerStore['advance'] = (item) => TE.map(() => 'advanced' as const)(honestPointers.putAll([item]))
    expect(await failedChecks({ pointers: { compareAndSet, advance } })).toEqual([
      'one winner of a swap',
      'heads only advance',
    ])
  })

  test('reports a storage that cannot be reached as findings, not as a crash', async () => {
    const down = annalsError('Unavailable', { operation: 'put', key: 'x', cause: 'connection refused' })
    const failed = await failedChecks({ blobs: { put: () => TE.left(down), createIfAbsent: () => TE.left(down) } })
    expect(failed).toContain('one winner of a create')
  })
})
