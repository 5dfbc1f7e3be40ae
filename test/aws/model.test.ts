/** The store against a map, on real servers. */
import fc from 'fast-check'
import { test } from 'vitest'
import { kinds, limits, property, seed } from '../properties/model.js'
import { handClock } from '../protocol/hand-clock.js'
import { loseTable, makePlace } from './stores.js'
import { describeWorlds } from './worlds.js'

describeWorlds(`a tenant, with seed ${seed},`, (world) => {
  async function onServers() {
    const place = await makePlace(world)
    const clock = handClock()
    return {
      open: () => place.open({ limits, clock, aws: { stream: false } }),
      losePointers: () => loseTable(world, place),
      tick: (ms: number) => clock.move(ms),
      end: () => undefined,
    }
  }

  test.each(kinds)('of kind %s answers as a map would', async (kind) => {
    await fc.assert(property(kind, onServers, 25), { numRuns: 4, seed, interruptAfterTimeLimit: 60_000, verbose: 1 })
  })
})
