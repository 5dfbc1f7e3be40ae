/** The store against a map: in memory and on a folder. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, test } from 'vitest'
import { run } from '../../domain/task.js'
import { openStore } from '../../src/open.js'
import { handClock } from '../protocol/hand-clock.js'
import { makeWorld } from '../protocol/world.js'
import { kinds, limits, type Place, property, seed } from './model.js'

function inMemory(): Place {
  const world = makeWorld()
  return {
    open: async () => (await world.open({ limits })).store,
    losePointers: () => run(world.pointers.deleteByPrefix([''])),
    tick: (ms) => world.clock.move(ms),
    end: () => undefined,
  }
}

function onDisk(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'annals-model-'))
  const clock = handClock()
  return {
    open: () => openStore(`file:${folder}`, { limits, clock }),
    losePointers: async () => rmSync(join(folder, 'pointers'), { recursive: true, force: true }),
    tick: (ms) => clock.move(ms),
    end: () => rmSync(folder, { recursive: true, force: true }),
  }
}

describe.each(kinds)(`a tenant of kind %s, with seed ${seed},`, (kind) => {
  test('answers as a map would, in memory', async () => {
    await fc.assert(property(kind, inMemory, 80), { numRuns: 100, seed })
  })

  test('answers as a map would, on a folder', async () => {
    await fc.assert(property(kind, onDisk, 40), { numRuns: 20, seed, interruptAfterTimeLimit: 40_000 })
  })
})
