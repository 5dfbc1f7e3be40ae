/**
 * A worker: one of any number of processes that share the projections of all tenants. It holds leases on its fair share,
 * runs what it holds, takes over what the dead have left, and gives away what is too much when others join.
 */
import { setMaxListeners } from 'node:events'
import { backOff } from '../domain/backoff.js'
import type { Clock, Ids, PointerStore } from '../domain/ports/index.js'
import { type Lease, makeLeases } from './leases.js'
import { childOf } from './stopping.js'

/** One projection of one log. */
export interface Task {
  readonly key: string
  /** Runs until the signal aborts, or until there is nothing to do for a while. */
  run(signal: AbortSignal): Promise<void>
}

export interface WorkerDeps {
  readonly name: string
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly ids: Ids
  /** How long a worker that died keeps others from its work, in milliseconds. */
  readonly leaseMs: number
  /** Everything that there is to run, for all workers together. Asked at every turn. */
  tasks(): Promise<ReadonlyArray<Task>>
  /** Hears what goes wrong; the worker goes on. `task` is absent when the leases themselves could not be kept. */
  onFailure(error: unknown, task?: string): void
}

interface Held {
  lease: Lease
  readonly stop: () => void
  readonly ended: Promise<void>
}

/** Pause after a task has come to rest, parked for instance, before it is asked again; in milliseconds. */
const restMs = 2_000

/** Works until the signal aborts, then gives everything back. */
export async function work(deps: WorkerDeps, signal: AbortSignal): Promise<void> {
  const { clock, ids, leaseMs } = deps
  const leases = makeLeases({ ...deps, worker: deps.name })
  const held = new Map<string, Held>()
  const nowMs = (): number => clock.now() / 1000
  // Every task that is held listens to it.
  setMaxListeners(0, signal)

  while (!signal.aborted) {
    let sleepMs = leaseMs / 3
    try {
      sleepMs = Math.min(sleepMs, await turn())
    } catch (error) {
      deps.onFailure(error)
      dropExpired()
    }
    await clock.sleep(Math.max(1, sleepMs), signal)
  }
  await Promise.all([...held.values()].map(giveUp))
  await leases.leave().catch(deps.onFailure)

  /** Renews, gives away, takes. Answers in how many milliseconds the next lease of somebody else may end. */
  async function turn(): Promise<number> {
    await leases.announce()
    const [tasks, workers, taken] = [await deps.tasks(), await leases.workers(), await leases.list()]
    const share = Math.ceil(tasks.length / workers.length)
    const known = new Set(tasks.map(({ key }) => key))
    for (const each of [...held.values()]) {
      if (!known.has(each.lease.key) || held.size > share) await giveUp(each)
      else await renew(each)
    }
    const free = tasks.filter(({ key }) => !held.has(key) && (taken.get(key)?.until ?? 0) <= nowMs())
    for (const task of shuffled(free)) {
      if (held.size >= share || signal.aborted) break
      const lease = await leases.take(task.key, taken.get(task.key)?.rev ?? 0)
      if (lease !== undefined) start(task, lease)
    }
    const ends = [...taken.values()].filter(({ key, until }) => !held.has(key) && known.has(key) && until > nowMs())
    // Who lives has renewed long before: an end that comes sooner than the next turn is that of a dead one's lease.
    return Math.min(leaseMs / 3, ...ends.map(({ until }) => until - nowMs() + 1))
  }

  async function renew(each: Held): Promise<void> {
    const renewed = await leases.take(each.lease.key, each.lease.rev)
    if (renewed === undefined) drop(each)
    else each.lease = renewed
  }

  /** Ends the task first: whoever takes over finds its checkpoint at rest. */
  async function giveUp(each: Held): Promise<void> {
    drop(each)
    await each.ended
    await leases.release(each.lease)
  }

  function drop(each: Held): void {
    each.stop()
    held.delete(each.lease.key)
  }

  /** The leases could not be renewed: what others may have by now is not worked on. */
  function dropExpired(): void {
    for (const each of [...held.values()]) if (each.lease.until <= nowMs()) drop(each)
  }

  function start(task: Task, lease: Lease): void {
    const own = childOf(signal)
    held.set(task.key, { lease, stop: own.release, ended: keepRunning(task, own.signal) })
  }

  async function keepRunning(task: Task, stopped: AbortSignal): Promise<void> {
    for (let failures = 0; !stopped.aborted; ) {
      try {
        await task.run(stopped)
        failures = 0
        await clock.sleep(restMs, stopped)
      } catch (error) {
        deps.onFailure(error, task.key)
        await backOff(clock, ids, firstBackOff + failures++, stopped)
      }
    }
  }

  /** So that workers that begin together do not race for the same tasks. */
  function shuffled(tasks: ReadonlyArray<Task>): ReadonlyArray<Task> {
    const order = tasks.map((task) => ({ task, place: ids.random() }))
    return order.sort((a, b) => a.place - b.place).map(({ task }) => task)
  }
}

const firstBackOff = 4
