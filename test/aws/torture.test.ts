/**
 * Processes that write to one store on real servers and are killed at random instants, through proxies that fail, cut, delay and
 * throttle, or as FHIR servers: nothing that was acknowledged is lost, doubled or different.
 */
import { expect, test } from 'vitest'
import { type FaultProxy, startFaultProxy } from '../servers/fault-proxy.js'
import type { Place as TorturePlace } from '../torture/place.js'
import { startServer } from '../torture/servers.js'
import { torture } from '../torture/torture.js'
import { loseTable, makePlace } from './stores.js'
import { describeWorlds, type World } from './worlds.js'

/** Of a hundred requests, so many are treated each way. */
const rates = {
  'error-before': 0.01,
  'error-after': 0.01,
  'reset-before': 0.005,
  'reset-after': 0.01,
  drop: 0.01,
  cut: 0.005,
  throttle: 0.01,
  delay: 0.05,
}

const seed = Number(process.env.ANNALS_TORTURE_SEED ?? Date.now() % 2 ** 31)

describeWorlds('writers that are killed behind a line that fails', (world) => {
  test('lose, double and change nothing that was acknowledged', async () => {
    const proxies: FaultProxy[] = []
    const through = async (target: string): Promise<string> => {
      const proxy = await startFaultProxy({ target, seed: seed + proxies.length, rates })
      proxies.push(proxy)
      return proxy.url
    }
    const s3 = await through(world.s3)
    const dynamodb = world.dynamodb === world.s3 ? s3 : await through(world.dynamodb)
    try {
      const makeTorturePlace = () => placeOf(world, { s3, dynamodb })
      const summary = await torture({ kills: 12, writers: 3, seed, makePlace: makeTorturePlace })
      const faults = proxies.flatMap(({ counts }) => Object.values(counts.injected)).reduce((a, b) => a + b, 0)
      console.log(`torture with seed ${seed}: ${JSON.stringify({ ...summary, faults })}`)
      expect(summary.problems, `seed ${seed}`).toEqual([])
      expect(summary.acknowledged).toBeGreaterThan(0)
      expect(faults).toBeGreaterThan(0)
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.stop()))
    }
  })
})

describeWorlds('FHIR servers that are killed, or told to end, under load', (world) => {
  test('keep what their clients were answered, and no more', async () => {
    const summary = await torture({
      kills: 6,
      writers: 2,
      seed,
      start: startServer,
      makePlace: () => placeOf(world, world),
    })
    console.log(`servers with seed ${seed}: ${JSON.stringify(summary)}`)
    expect(summary.problems, `seed ${seed}`).toEqual([])
    expect(summary).toMatchObject({ kills: 6, terminated: 3 })
    expect(summary.acknowledged).toBeGreaterThan(0)
  })
})

async function placeOf(world: World, through: Pick<World, 's3' | 'dynamodb'>): Promise<TorturePlace> {
  const calm = await makePlace(world)
  const url = calm.url
    .replace(`s3-endpoint=${world.s3}`, `s3-endpoint=${through.s3}`)
    .replace(`dynamodb-endpoint=${world.dynamodb}`, `dynamodb-endpoint=${through.dynamodb}`)
  return {
    // Requests of a line that fails so often are tried more often.
    url: `${url}&max-attempts=8`,
    calmUrl: calm.url,
    losePointers: () => loseTable(world, calm),
    end: async () => calm.url,
  }
}
