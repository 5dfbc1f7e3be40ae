import assert from 'node:assert/strict'
import * as E from 'fp-ts/lib/Either.js'
import { describe, test } from 'vitest'
import { memoryBlobStore, memoryDoorbell, memoryPointerStore } from '../../adapters/memory/index.js'
import { systemClock } from '../../adapters/system-clock.js'
import { systemIds } from '../../adapters/system-ids.js'
import { headPk } from '../../domain/keys.js'
import type { BlobStore, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { defaultLimits } from '../../src/limits.js'
import { type Adapters, makeStore } from '../../src/store.js'

const clock = systemClock
const settings = { create: true, recover: false, limits: defaultLimits }

const world = (blobs: BlobStore): Adapters => ({
  url: 'memory:',
  blobs,
  pointers: memoryPointerStore({ clock }),
  doorbell: memoryDoorbell(),
  clock,
  ids: systemIds,
  baton: { leaseMs: 1_000, turnMs: 0, pollMs: 1, lookMs: 0 },
  pollMs: 1_000,
  pointersLost: false,
  close: async () => undefined,
})

describe('a store in the making', () => {
  test('is opened by a process that found it empty while another one made it and wrote to it', async () => {
    const blobs = memoryBlobStore()
    const slow: BlobStore = {
      ...blobs,
      list: (prefix, options) => async () => {
        const other = await makeStore(world(blobs), settings)
        await other.tenant('t')
        return blobs.list(prefix, options)()
      },
    }
    const store = await makeStore(world(slow), settings)
    assert.equal((await store.tenant('t', { create: false })).name, 't')
  })

  test('has no lost pointers when another process began the log of a tenant that was found without a head', async () => {
    const shared = world(memoryBlobStore())
    const other = await (await makeStore(shared, settings)).tenant('t')
    let isFirst = true
    const late: PointerStore = {
      ...shared.pointers,
      get: (pk, sk) => async () => {
        const found = await shared.pointers.get(pk, sk)()
        if (pk !== headPk('t', 0) || !isFirst) return found
        // As it was before the other process came.
        isFirst = false
        await other.create('Basic', '{"resourceType":"Basic"}')
        return E.right(undefined)
      },
    }
    const store = await makeStore({ ...shared, pointers: late }, settings)
    assert.equal((await (await store.tenant('t')).head()).seq, 1)
  })

  test('is not made where something else is', async () => {
    const blobs = memoryBlobStore()
    await run(blobs.put('other', Buffer.from('x')))
    await assert.rejects(makeStore(world(blobs), settings), { _tag: 'NotAStore' })
  })
})
