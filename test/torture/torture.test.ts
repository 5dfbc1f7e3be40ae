import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { torture } from './torture.js'

describe('an embedded store whose writers are killed', () => {
  test('loses, doubles and changes nothing that it acknowledged', async () => {
    const seed = Number(process.env.ANNALS_TORTURE_SEED ?? Date.now() % 2 ** 31)
    const summary = await torture({ kills: 12, writers: 3, seed })
    assert.deepEqual(summary.problems, [], `seed ${seed}, store ${summary.folder}`)
    assert.ok(summary.kills >= 12)
    assert.ok(summary.acknowledged > 0)
  })
})
