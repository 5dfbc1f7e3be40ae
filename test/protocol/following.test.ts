/** A bell may lose rings, repeat them and bring them in any order: whoever follows a log hears each commit once, in order. */
import { randomInt } from 'node:crypto'
import { Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { memoryBlobStore, memoryPointerStore } from '../../adapters/memory/index.js'
import { systemClock } from '../../adapters/system-clock.js'
import { systemIds } from '../../adapters/system-ids.js'
import type { Doorbell, Ring } from '../../domain/ports/index.js'
import { defaultLimits } from '../../src/limits.js'
import { makeStore, type Tenant } from '../../src/store.js'
import { makeRandom } from '../simulation/random.js'

type Fate = (ring: Ring, next: () => number) => ReadonlyArray<Ring>

/** What becomes of a ring on its way. */
const bells: ReadonlyArray<[string, Fate]> = [
  ['loses every ring', () => []],
  ['repeats every ring', (ring) => [ring, ring, ring]],
  [
    'tells wrong numbers, and other logs',
    (ring) => [
      { log: 'u/0', seq: 99 },
      { ...ring, seq: 1 },
      { ...ring, seq: 99 },
    ],
  ],
  ['does not know the log', () => [{ log: '*', seq: 0 }]],
  ['loses, repeats and delays as chance has it', (ring, next) => Array(Math.floor(next() * 3)).fill(ring)],
]

/** A bell of which a ring is heard when its turn comes: at once, or after some of those that come later. */
function poorBell(fate: Fate, next: () => number): Doorbell {
  const rings = new Subject<Ring>()
  const waiting: Ring[] = []
  return {
    ring: (log, seq) => {
      waiting.push(...fate({ log, seq }, next))
      while (waiting.length > 3 || (waiting.length > 0 && next() < 0.5))
        rings.next(waiting.splice(Math.floor(next() * waiting.length), 1)[0] as Ring)
    },
    listen: () => rings.asObservable(),
  }
}

const commits = 40

async function heardBy(follower: Tenant, until: number): Promise<number[]> {
  const heard: number[] = []
  for await (const { seq } of follower.commits({ follow: true })) {
    heard.push(seq)
    if (seq === until) break
  }
  return heard
}

describe('a follower with a bell that', () => {
  test.each(bells)('%s hears each commit once, in order', async (_, fate) => {
    const seed = randomInt(2 ** 31)
    const shared = { blobs: memoryBlobStore(), pointers: memoryPointerStore() }
    const doorbell = poorBell(fate, makeRandom(seed).next)
    const open = async (): Promise<Tenant> => {
      const store = await makeStore(
        {
          ...shared,
          url: 'memory:',
          doorbell,
          clock: systemClock,
          ids: systemIds,
          baton: { leaseMs: 1_000, turnMs: 0, pollMs: 1, lookMs: 0 },
          pollMs: 1_000,
          pointersLost: false,
          close: async () => undefined,
        },
        { create: true, recover: false, limits: defaultLimits },
      )
      return store.tenant('t', { kind: 'json' })
    }
    const writer = await open()
    const followers = [heardBy(await open(), commits), heardBy(await open(), commits)]
    for (let n = 1; n <= commits; n++) await writer.create('Note', `{"n":${n}}`)
    const all = Array.from({ length: commits }, (_, i) => i + 1)
    for (const heard of await Promise.all(followers)) expect(heard, `seed ${seed}`).toEqual(all)
  })
})
