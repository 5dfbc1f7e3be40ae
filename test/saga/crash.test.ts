/** A saga ends all-in or all-compensated, wherever a process dies or pauses. */
import { describe, expect, test } from 'vitest'
import { storeManifestKey } from '../../domain/keys.js'
import { dying } from '../copy/faults.js'
import { outcome } from '../protocol/world.js'
import { after, before, conflicting, contentsOf, makePlace, requestsOf, steps, together } from './place.js'

const variants = [
  ['one by one', steps, 'sequential', 1],
  ['side by side', steps, 'parallel', 1],
  ['with a step that conflicts', conflicting, 'sequential', 1],
  ['over the logs of a tenant', together, 'sequential', 2],
] as const

describe.each(variants)('a saga %s', (_, steps, strategy, partitions) => {
  const hasConflict = steps === conflicting
  test.each([
    ['before', false],
    ['after', true],
  ])(
    'whose process dies %s any call is brought to its end by another',
    async (_, happens) => {
      const seen = new Set<string>()
      let step = 0
      for (let passes = false; !passes; step++) {
        const place = await makePlace(partitions)
        const { fate, died, isDead } = dying(step, happens)
        const store = await place.open(fate)
        const running = outcome(store.saga(steps, { id: 's', strategy }))
        await Promise.race([running, died])
        passes = !isDead()
        const next = await place.open()
        await next.sagas.resumeAll()
        const report = await next.sagas.report('s')
        const state = report?.state ?? 'never begun'
        seen.add(state)
        expect(['completed', 'compensated', 'never begun'], `call ${step}: ${JSON.stringify(report)}`).toContain(state)
        expect(await contentsOf(place), `call ${step}`).toEqual(state === 'completed' ? after : before)
        const requests = await requestsOf(place)
        expect(new Set(requests).size, `call ${step}`).toBe(requests.length)
        // A second recovery finds nothing to do.
        expect(await next.sagas.resumeAll()).toEqual([])
        if (report !== undefined) expect(await next.sagas.resume('s'), `call ${step}`).toEqual(report)
        expect(await requestsOf(place), `call ${step}`).toEqual(requests)
        if (passes) expect(state).toBe(hasConflict ? 'compensated' : 'completed')
      }
      expect(step).toBeGreaterThan(30)
      expect(seen).toContain(hasConflict ? 'compensated' : 'completed')
    },
    120_000,
  )

  test('whose process pauses at any call changes nothing any more when another has ended it', async () => {
    let step = 0
    const seen = new Set<string>()
    for (let passes = false; !passes; step++) {
      const place = await makePlace(partitions)
      let calls = 0
      let wake = (): void => undefined
      let tell = (): void => undefined
      const sleep = new Promise<void>((resolve) => {
        wake = resolve
      })
      const paused = new Promise<void>((resolve) => {
        tell = resolve
      })
      const at = step
      const zombie = await place.open(async ({ key }, proceed) => {
        if (key !== storeManifestKey && calls++ >= at) {
          tell()
          await sleep
        }
        return proceed()
      })
      const running = outcome(zombie.saga(steps, { id: 's', strategy }))
      await Promise.race([running, paused])
      passes = calls <= at
      const next = await place.open()
      const cancelled = AbortSignal.abort()
      // Whoever takes over turns back wherever it still can.
      await next.sagas.resumeAll({ signal: cancelled })
      const plan = await next.sagas.report('s')
      if (plan !== undefined && (plan.state === 'running' || plan.state === 'compensating'))
        await next.sagas.resume('s', { signal: cancelled })
      const ended = await next.sagas.report('s')
      if (ended !== undefined) {
        expect(['completed', 'compensated'], `call ${at}: ${JSON.stringify(ended)}`).toContain(ended.state)
        expect(await contentsOf(place), `call ${at}`).toEqual(ended.state === 'completed' ? after : before)
        seen.add(ended.state)
      }
      wake()
      const answer = await running
      const report = await next.sagas.report('s')
      if (ended !== undefined) expect(report, `call ${at}`).toEqual(ended)
      expect(answer, `call ${at}`).toMatchObject({ state: report?.state })
      expect(await contentsOf(place), `call ${at}`).toEqual(report?.state === 'completed' ? after : before)
    }
    expect(seen).toContain('compensated')
    expect(step).toBeGreaterThan(20)
  }, 120_000)
})
