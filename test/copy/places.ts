/** Where copies come from and go to, in memory and on folders, and what two places have to have in common afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openEmbedded } from '../../adapters/embedded/index.js'
import type { BlobStore, Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import type { CopyOptions, CopyReport } from '../../src/copy/api.js'
import type { Store } from '../../src/store.js'
import { type HandClock, handClock } from '../protocol/hand-clock.js'
import { openStore, type SharedPorts, sharedMemory, type Through } from '../store/processes.js'
import { type History, live, tale } from './histories.js'

export interface Place {
  readonly clock: HandClock
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  /** Another store over the same ports, or over what `through` makes of them. */
  open(through?: Partial<Through>): Promise<Store>
  end(): Promise<void>
}

/** Some bodies are large under these. */
export const limits = { maxInlineBytes: 60, maxCommitEvents: 3 }

const placeOver = (shared: SharedPorts, end = async (): Promise<void> => undefined): Place => ({
  clock: shared.clock,
  blobs: shared.blobs,
  pointers: shared.pointers,
  open: (through = {}) => openStore(shared, { ...through, limits: { ...limits, ...through.limits } }),
  end,
})

export const inMemory = async (): Promise<Place> => placeOver(sharedMemory())

export async function onDisk(): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), 'annals-copy-'))
  const clock = handClock()
  const adapters = await run(openEmbedded(join(root, 'store'), { create: true, clock }))
  return placeOver({ ...adapters, clock }, async () => {
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
