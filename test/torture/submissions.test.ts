/** Processes that work on submissions, and are killed. */
import { expect, test } from 'vitest'
import { tortureSubmissions } from './submissions.js'

test('manifests whose processes are killed are written once, counted right, or taken back whole', async () => {
  const seed = Number(process.env.ANNALS_TORTURE_SEED ?? Date.now() % 2 ** 31)
  const { problems, ...counts } = await tortureSubmissions({ seed, kills: 4 })
  console.log(`submissions with seed ${seed}: ${JSON.stringify(counts)}`)
  expect(problems, `seed ${seed}`).toEqual([])
  expect(counts.kills).toBeGreaterThanOrEqual(2)
  expect(counts.lines).toBeGreaterThan(0)
  expect(counts.aborted).toBeGreaterThan(0)
}, 300_000)
