import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { memoryPointerStore } from '../../adapters/memory/index.js'
import { systemClock } from '../../adapters/system-clock.js'
import { makeBaton } from '../../src/write/baton.js'

describe('the baton', () => {
  test('is had after one lease, however many writers died while they queued for it', async () => {
    const leaseMs = 200
    const pointers = memoryPointerStore({ clock: systemClock })
    const join = (writer: string) => {
      const stop = new AbortController()
      const options = { leaseMs, turnMs: 0, pollMs: 1, lookMs: 0 }
      const deps = {
        tenant: 't',
        partition: 0,
        writer,
        pointers,
        clock: systemClock,
        signal: stop.signal,
        options,
        onWait: () => undefined,
      }
      const turn = makeBaton(deps).acquire(true)
      return { turn, die: () => stop.abort() }
    }
    const dying = ['holder', 'second', 'third', 'fourth', 'fifth'].map(join)
    await dying[0]?.turn
    for (const writer of dying) writer.die()
    await Promise.all(dying.map(({ turn }) => turn))
    const before = performance.now()
    await join('living').turn
    assert.ok(performance.now() - before < 3 * leaseMs)
  })
})
