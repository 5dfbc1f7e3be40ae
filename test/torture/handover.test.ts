/** Processes that share the projections of all tenants, and are killed. */
import { expect, test } from 'vitest'
import { handover } from './handover.js'

/** How soon is asked on a virtual clock, in test/projections/worker.test.ts: here it is told, for a busy machine takes its time. */
test('the work of a worker that is killed under load is taken over, and nothing is missing or doubled', async () => {
  const seed = Number(process.env.ANNALS_TORTURE_SEED ?? Date.now() % 2 ** 31)
  const { tookMs, problems, ...counts } = await handover({ seed, kills: 6 })
  const sorted = tookMs.sort((a, b) => a - b)
  const [median, longest] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1) ?? 0]
  console.log(
    `hand-over with seed ${seed}: ${JSON.stringify({ ...counts, handovers: sorted.length, median, longest })}`,
  )
  expect(problems, `seed ${seed}`).toEqual([])
  expect(sorted.length).toBeGreaterThan(0)
  expect(longest, `seed ${seed}`).toBeLessThan(Number.POSITIVE_INFINITY)
})
