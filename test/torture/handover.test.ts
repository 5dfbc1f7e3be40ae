/** Processes that share the projections of all tenants, and are killed. */
import { expect, test } from 'vitest'
import { handover, leaseMs } from './handover.js'

/** Over the lease: until another process is scheduled, has opened the log and written its first page, on two busy cores. */
const slackMs = 1_000

test('a worker that is killed under load hands over when its lease ends, and nothing is missing or doubled', async () => {
  const seed = Number(process.env.ANNALS_TORTURE_SEED ?? Date.now() % 2 ** 31)
  const { tookMs, problems, ...counts } = await handover({ seed, kills: 6 })
  const sorted = tookMs.sort((a, b) => a - b)
  const [median, longest] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1) ?? 0]
  console.log(
    `hand-over with seed ${seed}: ${JSON.stringify({ ...counts, handovers: sorted.length, median, longest })}`,
  )
  expect(problems, `seed ${seed}`).toEqual([])
  expect(sorted.length).toBeGreaterThan(0)
  expect(longest, `seed ${seed}`).toBeLessThan(leaseMs + slackMs)
})
