/** The store against a map, over any sequence of commands: in memory and on a folder, FHIR and plain JSON. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, test } from 'vitest'
import { run } from '../../domain/task.js'
import { openStore } from '../../src/open.js'
import type { Store, Tenant } from '../../src/store.js'
import { handClock } from '../protocol/hand-clock.js'
import { makeWorld } from '../protocol/world.js'
import { commands, type Real, type Vocabulary } from './commands.js'
import type { Version } from './reference.js'

type Kind = 'fhir' | 'json'
const limits = { maxInlineBytes: 200, maxCommitEvents: 3, cachedStates: 2, cacheBytes: 2_000 }

const values = fc.oneof(fc.string({ maxLength: 10 }), fc.string({ minLength: 190, maxLength: 220 }), fc.integer())

const vocabularies: Record<Kind, Vocabulary> = {
  json: {
    types: ['Note', '../..', 'a#b'],
    ids: ['a', 'ab', 'a/b', '..', '.', '%', ' ', 'ä😀', 'current.json'],
    bodies: () => values.map((value) => JSON.stringify({ value })),
  },
  fhir: {
    types: ['Patient', 'Observation'],
    ids: ['a', 'ab', '..', '-', 'A'],
    bodies: (resourceType, id) =>
      fc
        .tuple(values, fc.boolean())
        .map(([value, named]) => JSON.stringify({ resourceType, ...(named ? { id } : undefined), value })),
  },
}

/** A FHIR body as it comes back: with the members that the server owns, in their places. */
function stamped({ body = '', id, version, at }: Version): string {
  const { resourceType, id: named, ...rest } = JSON.parse(body)
  void named
  return JSON.stringify({ resourceType, id, meta: { versionId: String(version), lastUpdated: at }, ...rest })
}

const served = (kind: Kind) => (version: Version) => (kind === 'fhir' ? stamped(version) : (version.body ?? ''))

interface Place {
  readonly open: () => Promise<Store>
  readonly losePointers: () => Promise<unknown>
  readonly tick: (ms: number) => void
  readonly end: () => void
}

async function realOf(kind: Kind, place: Place): Promise<Real & { end(): Promise<void> }> {
  let store = await place.open()
  const enter = (): Promise<Tenant> => store.tenant('t', { kind })
  const real = {
    tenant: await enter(),
    served: served(kind),
    tick: place.tick,
    async reopen() {
      await store.close()
      store = await place.open()
      real.tenant = await enter()
    },
    async recover() {
      await store.close()
      await place.losePointers()
      store = await place.open()
      await store.recover('t')
      real.tenant = await enter()
    },
    async verify() {
      const found: string[] = []
      await store.verify('t', { onDifference: ({ kind, key }) => found.push(`${kind} ${key}`) })
      return found
    },
    async end() {
      await store.close()
      place.end()
    },
  }
  return real
}

function inMemory(): Place {
  const world = makeWorld()
  return {
    open: async () => (await world.open({ limits })).store,
    losePointers: () => run(world.pointers.deleteByPrefix('')),
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

const property = (kind: Kind, place: () => Place, maxCommands: number) =>
  fc.asyncProperty(fc.commands(commands(vocabularies[kind]), { maxCommands, size: '+1' }), async (list) => {
    const real = await realOf(kind, place())
    try {
      await fc.asyncModelRun(async () => ({ model: { log: [], seq: 0 }, real }), list)
    } finally {
      await real.end()
    }
  })

describe.each<Kind>(['json', 'fhir'])('a tenant of kind %s', (kind) => {
  test('answers as a map would, in memory', async () => {
    await fc.assert(property(kind, inMemory, 80), { numRuns: 100 })
  })

  test('answers as a map would, on a folder', async () => {
    await fc.assert(property(kind, onDisk, 40), { numRuns: 20, interruptAfterTimeLimit: 40_000 })
  })
})
