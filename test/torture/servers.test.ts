import { expect, test } from 'vitest'
import { startServer } from './servers.js'
import { torture } from './torture.js'

test('FHIR servers on one folder, killed or told to end under load, keep what their clients were answered, and no more', async () => {
  const seed = Number(process.env.ANNALS_TORTURE_SEED ?? Date.now() % 2 ** 31)
  const summary = await torture({ kills: 8, writers: 2, seed, start: startServer })
  expect(summary.problems, `seed ${seed}, store ${summary.folder}`).toEqual([])
  expect(summary).toMatchObject({ kills: 8, terminated: 4 })
  expect(summary.acknowledged).toBeGreaterThan(0)
})
