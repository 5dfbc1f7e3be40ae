/** Who works on which part of a bulk job: an advisory lease, so that work is not done twice. Nothing depends on it. */
import { bulkPk } from '../../domain/keys.js'
import type { Clock, Ids, PointerStore } from '../../domain/ports/index.js'

export interface LeaseDeps {
  readonly tenant: string
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly ids: Ids
}

export interface Lease {
  /** Called between steps. */
  renew(): Promise<void>
  release(): Promise<void>
}

export const leaseMs = 15_000

/** `undefined`: somebody else works on it. Trouble with the lease is no trouble with the work. */
export async function takeLease({ tenant, pointers, clock, ids }: LeaseDeps, name: string): Promise<Lease | undefined> {
  const pk = bulkPk(tenant)
  const nowMs = (): number => clock.now() / 1000
  const owner = ids.uuid()
  const held = await pointers.get(pk, name)()
  const attributes = held._tag === 'Right' ? held.right?.attributes : undefined
  if (typeof attributes?.until === 'number' && attributes.until > nowMs()) return undefined
  let rev = held._tag === 'Right' ? (held.right?.rev ?? 0) : 0
  let until = 0

  async function write(end: number): Promise<boolean> {
    const swapped = await pointers.compareAndSet({ pk, sk: name, attributes: { owner, until: end } }, rev)()
    if (swapped._tag === 'Left') return true
    if (!swapped.right.done) return false
    rev++
    until = end
    return true
  }

  if (!(await write(nowMs() + leaseMs))) return undefined
  return {
    async renew() {
      if (until - nowMs() < (leaseMs * 2) / 3) await write(nowMs() + leaseMs)
    },
    async release() {
      if (until > 0) await write(0)
    },
  }
}
