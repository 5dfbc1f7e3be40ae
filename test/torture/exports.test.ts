/** Processes that work on exports, and are killed. */
import { expect, test } from 'vitest'
import { tortureExports } from './exports.js'

test('an export whose processes are killed is the state at its snapshot, no resource twice and no part lost', async () => {
  const seed = Number(process.env.ANNALS_TORTURE_SEED ?? Date.now() % 2 ** 31)
  const { problems, ...counts } = await tortureExports({ seed, kills: 4 })
  console.log(`exports with seed ${seed}: ${JSON.stringify(counts)}`)
  expect(problems, `seed ${seed}`).toEqual([])
  expect(counts.kills).toBeGreaterThanOrEqual(3)
  expect(counts.parts).toBeGreaterThan(20)
}, 300_000)
