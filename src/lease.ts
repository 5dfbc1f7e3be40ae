/**
 * Who is at work on something: an item with an end, which is taken and renewed by compare-and-set. It saves work, and nothing depends
 * on it: two that are at work do the same thing twice, or find in the state that both move that one of them is to stop.
 */
import type { Clock, Item, ItemKey, PointerStore } from '../domain/ports/index.js'
import { attempt, run } from '../domain/task.js'

export interface LeaseDeps {
  readonly pointers: PointerStore
  readonly clock: Clock
}

/** What an item says besides: how far the work has come. */
export type Told = Item['attributes']

export interface Lease {
  /** As often as one likes. Answers false if somebody else has it; trouble with the lease is no trouble with the work. */
  renew(told?: Told): Promise<boolean>
  /** Lets others have it at once, and leaves the item there for them to find. */
  release(): Promise<void>
  /** There is nothing left to be found. */
  end(): Promise<void>
}

/** How long somebody who died keeps others from it, in milliseconds. */
const defaultLeaseMs = 15_000

/** Renews it until the signal aborts, and calls `lost` when somebody else has it. Resolves then. */
export async function keepLease(
  { clock }: Pick<LeaseDeps, 'clock'>,
  lease: Lease,
  signal: AbortSignal,
  lost: () => void,
  { leaseMs = defaultLeaseMs, told = (): Told => ({}) } = {},
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(leaseMs / 3, signal)
    if (!signal.aborted && !(await lease.renew(told()))) return lost()
  }
}

/** Whether somebody has it. */
export const isHeld = ({ attributes: { until } }: Item, clock: Clock): boolean =>
  typeof until === 'number' && until > clock.now() / 1000

/** Takes what is free; `undefined`: somebody has it. Trouble with the store of pointers is no answer, and thrown. */
export async function takeLease(
  { pointers, clock }: LeaseDeps,
  key: ItemKey,
  leaseMs = defaultLeaseMs,
): Promise<Lease | undefined> {
  const held = await run(pointers.get(key.pk, key.sk))
  if (held !== undefined && isHeld(held, clock)) return undefined
  const nowMs = (): number => clock.now() / 1000
  let rev = held?.rev ?? 0
  let until = nowMs() + leaseMs
  const taken = await run(pointers.compareAndSet({ ...key, attributes: { until } }, rev))
  if (!taken.done) return undefined
  rev++
  return {
    async renew(told) {
      if (until - nowMs() > leaseMs * freshPart) return true
      const next = nowMs() + leaseMs
      const swapped = await pointers.compareAndSet({ ...key, attributes: { ...told, until: next } }, rev)()
      if (swapped._tag === 'Left') return true
      if (!swapped.right.done) return false
      rev++
      until = next
      return true
    },
    // Whatever comes of these two, the lease ends by itself.
    release: async () => void (await pointers.compareAndSet(freeItem(key), rev)()),
    end: async () => void (await pointers.compareAndSet(goneItem(key, clock), rev)()),
  }
}

/** The same where nothing depends on it: trouble with the store of pointers is no reason not to begin. */
export async function leaseIfPossible(deps: LeaseDeps, key: ItemKey): Promise<Lease | undefined> {
  const taken = await attempt(() => takeLease(deps, key))()
  return taken._tag === 'Left' ? unleased : taken.right
}

const unleased: Lease = { renew: async () => true, release: async () => undefined, end: async () => undefined }

/** A lease is not renewed as long as so much of it is left. */
const freshPart = 0.75

/** Of something that waits for somebody. */
export const freeItem = (key: ItemKey): Item => ({ ...key, attributes: { until: 0 } })

/** Who may write and not delete lets an item expire: then it is absent at once. */
export const goneItem = (key: ItemKey, clock: Clock): Item => ({
  ...freeItem(key),
  expiresAt: Math.floor(clock.now() / 1_000_000) - 1,
})
