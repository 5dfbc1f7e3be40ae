/** Memory that several processes share, each behind ports that a test breaks or pauses. */
import type { SagaStep } from '../../src/saga/api.js'
import type { Store } from '../../src/store.js'
import { type Fate, through } from '../copy/faults.js'
import type { HandClock } from '../protocol/hand-clock.js'
import { openStore, sharedMemory } from '../store/processes.js'

export interface Place {
  readonly open: (fate?: Fate) => Promise<Store>
  readonly clock: HandClock
}

export const tenants = ['a', 'b', 'c']

/** Three tenants, each with the note `n` that says `before`. `a` may have several logs. */
export async function makePlace(partitions = 1): Promise<Place> {
  const shared = sharedMemory()
  const open = (fate?: Fate): Promise<Store> => openStore(shared, fate && through(fate))
  const store = await open()
  for (const name of tenants)
    await (await store.tenant(name, { kind: 'json', partitions: name === 'a' ? partitions : 1 })).create(
      'Note',
      { text: 'before' },
      { id: 'n' },
    )
  return { open, clock: shared.clock }
}

export const steps: ReadonlyArray<SagaStep> = [
  { tenant: 'a', operations: [{ op: 'update', type: 'Note', id: 'n', body: '{"text":"after"}' }] },
  {
    tenant: 'b',
    operations: [
      { op: 'create', type: 'Note', id: 'new', body: { text: 'new' } },
      { op: 'delete', type: 'Note', id: 'n' },
    ],
  },
  { tenant: 'a', operations: [{ op: 'create', type: 'Note', id: 'new', body: Buffer.from('{"text":"new"}') }] },
]

/** The same in fewer steps: with two logs, the notes of `a` are in one each. */
export const together: ReadonlyArray<SagaStep> = [
  { tenant: 'a', operations: [...(steps[0]?.operations ?? []), ...(steps[2]?.operations ?? [])] },
  ...steps.slice(1, 2),
]

export const conflicting: ReadonlyArray<SagaStep> = [
  ...steps,
  { tenant: 'c', operations: [{ op: 'update', type: 'Note', id: 'n', body: '{}', expect: 7 }] },
]

/** What is there, and how many versions each resource has. */
export async function contentsOf(place: Place): Promise<Record<string, string>> {
  const store = await place.open()
  const found: Record<string, string> = {}
  for (const name of tenants)
    for (const id of ['n', 'new']) {
      const version = await (await store.tenant(name)).read('Note', id)
      found[`${name}/${id}`] = version === undefined || version.deleted ? '-' : version.text()
    }
  return found
}

const untouched = { 'c/n': '{"text":"before"}', 'c/new': '-' }
export const before = {
  'a/n': '{"text":"before"}',
  'a/new': '-',
  'b/n': '{"text":"before"}',
  'b/new': '-',
  ...untouched,
}
export const after = {
  'a/n': '{"text":"after"}',
  'a/new': '{"text":"new"}',
  'b/n': '-',
  'b/new': '{"text":"new"}',
  ...untouched,
}

/** The request keys of a saga in the logs: each stands there once at most. */
export async function requestsOf(place: Place): Promise<string[]> {
  const store = await place.open()
  const found: string[] = []
  for (const name of tenants)
    for await (const { transactions } of (await store.tenant(name)).commits())
      for (const { request } of transactions) if (request !== undefined) found.push(request)
  return found.sort()
}
