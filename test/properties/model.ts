/** The store against a map, over any sequence of commands, at any place: FHIR and plain JSON. */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import type { Store, Tenant } from '../../src/store.js'
import { commands, type Real, type Vocabulary } from './commands.js'
import type { Version } from './reference.js'

export type Kind = 'fhir' | 'json'
/** ANNALS_MODEL_SEED repeats a run. */
export const seed = Number(process.env.ANNALS_MODEL_SEED ?? randomInt(2 ** 31))

export const kinds: ReadonlyArray<Kind> = ['json', 'fhir']
export const limits = { maxInlineBytes: 200, maxCommitEvents: 3, cachedStates: 2, cacheBytes: 2_000 }

/** Of the indexes by type. */
const shardings = fc.constantFrom(1, 3)

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

export interface Place {
  readonly open: () => Promise<Store>
  readonly losePointers: () => Promise<unknown>
  readonly tick: (ms: number) => void
  readonly end: () => void
}

async function realOf(kind: Kind, shards: number, place: Place): Promise<Real & { end(): Promise<void> }> {
  let store = await place.open()
  const enter = (): Promise<Tenant> => store.tenant('t', { kind, shards })
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

/** `place` makes a new one for each sequence. */
export const property = (kind: Kind, place: () => Place | Promise<Place>, maxCommands: number) =>
  fc.asyncProperty(
    shardings,
    fc.commands(commands(vocabularies[kind]), { maxCommands, size: '+1' }),
    async (shards, list) => {
      const real = await realOf(kind, shards, await place())
      try {
        await fc.asyncModelRun(async () => ({ model: { log: [], seq: 0 }, real }), list)
      } finally {
        await real.end()
      }
    },
  )
