/**
 * What is remembered of a projection of one log, all of it changed by compare-and-set:
 * - one item for each version that runs: its place, its memo, and whether it is parked or being rebuilt;
 * - one item for the projection: which version serves.
 */
import { type LogId, projectionSk, projectionsPk, servingSk } from '../domain/keys.js'
import type { Item, PointerStore } from '../domain/ports/index.js'
import { run } from '../domain/task.js'
import { everyItem } from '../domain/walk.js'
import type { Place } from './projection.js'

/** `running`: applies what comes. `parked`: failed too often, waits for a person. The rest is a rebuild, step by step. */
export type CheckpointState = 'running' | 'parked' | 'resetting' | 'rebuilding' | 'sweeping'

export interface Checkpoint {
  readonly place: Place
  readonly state: CheckpointState
  readonly memo?: string
  readonly settings: string
  /** Why it is parked, at which event, after how many failures, and in which state it goes on. */
  readonly parked?: Parked
  /** Microseconds since 1970. */
  readonly savedAt: number
  readonly rev: number
}

export interface Parked {
  readonly position: string
  readonly cause: string
  readonly failures: number
  readonly was: Exclude<CheckpointState, 'parked'>
}

/** Which version serves. `begins`: the head at the first start of a projection with side effects. */
export interface Serving {
  readonly version: number
  readonly rev: number
}

export interface Recorded {
  readonly name: string
  readonly serving?: Serving
  /** By version. */
  readonly checkpoints: ReadonlyMap<number, Checkpoint>
}

export interface CheckpointStore {
  load(name: string, version: number): Promise<Checkpoint | undefined>
  /** Writes if the stored one is still `rev`; `undefined` when somebody else was faster. */
  save(name: string, version: number, next: Omit<Checkpoint, 'rev'>, rev: number): Promise<Checkpoint | undefined>
  serving(name: string): Promise<Serving | undefined>
  /** Answers whether this call changed it. */
  serve(name: string, version: number, rev: number): Promise<boolean>
  /** Removes the checkpoint of a version that no longer serves. */
  remove(name: string, version: number): Promise<void>
  /** Everything recorded of one log, by name. */
  list(): Promise<ReadonlyArray<Recorded>>
}

interface Found {
  readonly name: string
  serving?: Serving
  readonly checkpoints: Map<number, Checkpoint>
}

export function checkpointStore(pointers: PointerStore, { tenant, partition }: LogId): CheckpointStore {
  const pk = projectionsPk(tenant, partition)

  async function load(name: string, version: number): Promise<Checkpoint | undefined> {
    const item = await run(pointers.get(pk, projectionSk(name, version)))
    return item && fromItem(item)
  }

  async function serving(name: string): Promise<Serving | undefined> {
    const item = await run(pointers.get(pk, servingSk(name)))
    return item && servingFromItem(item)
  }

  async function list(): Promise<ReadonlyArray<Recorded>> {
    const found = new Map<string, Found>()
    for await (const item of everyItem(pointers, pk)) {
      const [name = '', version] = item.sk.split('@')
      const recorded: Found = found.get(name) ?? { name, checkpoints: new Map() }
      if (version === undefined) recorded.serving = servingFromItem(item)
      else recorded.checkpoints.set(Number(version), fromItem(item))
      found.set(name, recorded)
    }
    return [...found.values()]
  }

  return {
    load,
    serving,
    list,
    async save(name, version, next, rev) {
      const item: Item = { pk, sk: projectionSk(name, version), attributes: attributesOf(next) }
      const swapped = await run(pointers.compareAndSet(item, rev))
      return swapped.done ? { ...next, rev: swapped.item.rev ?? rev + 1 } : undefined
    },
    async serve(name, version, rev) {
      return (await run(pointers.compareAndSet({ pk, sk: servingSk(name), attributes: { version } }, rev))).done
    },
    async remove(name, version) {
      for (;;) {
        const found = await load(name, version)
        if (found === undefined) return
        const sk = projectionSk(name, version)
        if ((await run(pointers.transact([{ kind: 'delete', pk, sk, expected: found.rev }]))).done) return
      }
    },
  }
}

function attributesOf({ place, state, memo, settings, parked, savedAt }: Omit<Checkpoint, 'rev'>): Item['attributes'] {
  const { seq, hash, at, done } = place
  return {
    seq,
    hash,
    at,
    done,
    state,
    settings,
    savedAt,
    ...(memo === undefined ? undefined : { memo }),
    ...(parked === undefined ? undefined : { parked: JSON.stringify(parked) }),
  }
}

function fromItem({ attributes, rev = 0 }: Item): Checkpoint {
  const { seq, hash, at, done, state, memo, settings, parked, savedAt } = attributes
  return {
    place: { seq, hash, at, done } as Place,
    state: state as CheckpointState,
    settings: String(settings),
    savedAt: savedAt as number,
    rev,
    ...(memo === undefined ? undefined : { memo: String(memo) }),
    ...(parked === undefined ? undefined : { parked: JSON.parse(String(parked)) as Parked }),
  }
}

const servingFromItem = ({ attributes, rev = 0 }: Item): Serving => ({ version: attributes.version as number, rev })
