/** Where copies come from and go to, in memory and on folders, and what two places have to have in common afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openEmbedded } from '../../adapters/embedded/index.js'
import { memoryBlobStore, memoryDoorbell, memoryPointerStore } from '../../adapters/memory/index.js'
import { systemIds } from '../../adapters/system-ids.js'
import type { BlobStore, Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import type { CopyOptions, CopyReport } from '../../src/copy/api.js'
import { defaultLimits, type Limits } from '../../src/limits.js'
import { makeStore, type Store } from '../../src/store.js'
import { type HandClock, handClock } from '../protocol/hand-clock.js'
import { type History, live, tale } from './histories.js'

export interface Place {
  readonly clock: HandClock
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  /** Another store over the same ports, or over what `through` makes of them. */
  open(through?: Partial<Through>): Promise<Store>
  end(): Promise<void>
}

export interface Through {
  readonly limits: Partial<Limits>
  readonly recover: boolean
  blobs(blobs: BlobStore): BlobStore
  pointers(pointers: PointerStore): PointerStore
}

/** Some bodies are large under these. */
export const limits = { maxInlineBytes: 60, maxCommitEvents: 3 }

type Ports = Pick<Parameters<typeof makeStore>[0], 'blobs' | 'pointers' | 'doorbell'>

function placeOver(ports: Ports, clock: HandClock, end: () => Promise<void>): Place {
  const { blobs, pointers } = ports
  const same = <A>(port: A): A => port
  return {
    clock,
    blobs,
    pointers,
    open: (through = {}) =>
      makeStore(
        {
          ...ports,
          url: 'test:',
          blobs: (through.blobs ?? same)(blobs),
          pointers: (through.pointers ?? same)(pointers),
          clock,
          ids: systemIds,
          baton: { leaseMs: 1_000, turnMs: 0, pollMs: 5, lookMs: 60_000 },
          pollMs: 1_000,
          pointersLost: false,
          close: async () => undefined,
        },
        { create: true, recover: through.recover ?? false, limits: { ...defaultLimits, ...limits, ...through.limits } },
      ),
    end,
  }
}

export async function inMemory(): Promise<Place> {
  const clock = handClock()
  const ports = { blobs: memoryBlobStore(), pointers: memoryPointerStore({ clock }), doorbell: memoryDoorbell() }
  return placeOver(ports, clock, async () => undefined)
}

export async function onDisk(): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), 'annals-copy-'))
  const clock = handClock()
  const adapters = await run(openEmbedded(join(root, 'store'), { create: true, clock }))
  return placeOver(adapters, clock, async () => {
    await adapters.close()
    rmSync(root, { recursive: true, force: true })
  })
}

/** `prefix` makes the request keys others than those of an earlier filling. */
export async function filled(place: Place, transactions: History = tale, prefix = 'r'): Promise<Place> {
  const store = await place.open()
  await live(await store.tenant('t', { kind: 'json' }), transactions, prefix)
  await store.close()
  return place
}

/** Copies the tenant `t` by two stores that are opened for it and closed again. */
export async function copy(from: Place, to: Place, options: CopyOptions = {}): Promise<CopyReport> {
  const [source, destination] = [await from.open(), await to.open()]
  try {
    return await source.copy('t', destination, options)
  } finally {
    await destination.close()
    await source.close()
  }
}

/** Every object of a tenant, by its key, as latin1. */
export async function objectsOf({ blobs }: Place, tenant = 't'): Promise<Map<string, string>> {
  const { entries, more } = await run(blobs.list(`${tenant}/`, { limit: 1_000 }))
  expect(more).toBe(false)
  const found = new Map<string, string>()
  for (const { key } of entries)
    found.set(key, Buffer.from((await run(blobs.get(key)))?.bytes ?? []).toString('latin1'))
  return found
}

/** Every item that a log makes, by its key: neither leases nor checkpoints. */
export async function itemsOf({ pointers }: Place): Promise<Map<string, Pick<Item, 'attributes' | 'expiresAt'>>> {
  const items = new Map<string, Pick<Item, 'attributes' | 'expiresAt'>>()
  let token: string | undefined
  do {
    const page = await run(pointers.scan({ pkPrefixes: [''], limit: 500, token }))
    for (const { pk, sk, attributes, expiresAt } of page.items)
      if (!/^[LC]#/.test(pk))
        items.set(`${pk} ${sk}`, { attributes: { ...attributes }, ...(expiresAt === undefined ? {} : { expiresAt }) })
    token = page.token
  } while (token !== undefined)
  return new Map([...items].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export async function differencesOf(place: Place, tenant = 't'): Promise<string[]> {
  const found: string[] = []
  const store = await place.open()
  await store.verify(tenant, { onDifference: ({ kind, key }) => found.push(`${kind} ${key}`) })
  await store.close()
  return found
}

/** Object by object, item by item, and without a difference. */
export async function expectEqual(from: Place, to: Place): Promise<void> {
  expect(await objectsOf(to)).toEqual(await objectsOf(from))
  expect(await itemsOf(to)).toEqual(await itemsOf(from))
  expect(await differencesOf(to)).toEqual([])
}

/** Nothing was written there, but that it is a store. */
export async function expectUntouched(to: Place): Promise<void> {
  expect(await objectsOf(to)).toEqual(new Map())
  expect(await itemsOf(to)).toEqual(new Map())
}
