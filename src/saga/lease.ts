/** One process drives a saga at a time, so that work is not done twice. Nothing depends on it. */
import { sagasPk } from '../../domain/keys.js'
import type { Clock, Ids, PointerStore } from '../../domain/ports/index.js'

const leaseMs = 15_000
const pollMs = 500

export interface SagaLease {
  /** Called between steps. */
  renew(): Promise<void>
  release(): Promise<void>
}

export interface SagaLeaseDeps {
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly ids: Ids
}

/** Waits for whoever drives it, at most until its lease ends. Trouble with the lease is no trouble with the saga. */
export async function leaseSaga({ pointers, clock, ids }: SagaLeaseDeps, id: string): Promise<SagaLease> {
  const nowMs = (): number => clock.now() / 1000
  const owner = ids.uuid()
  let rev = 0
  let until = 0

  async function write(end: number): Promise<boolean> {
    const swapped = await pointers.compareAndSet({ pk: sagasPk, sk: id, attributes: { owner, until: end } }, rev)()
    if (swapped._tag === 'Left' || !swapped.right.done) return false
    rev++
    until = end
    return true
  }

  for (;;) {
    const held = await pointers.get(sagasPk, id)()
    if (held._tag === 'Left') break
    rev = held.right?.rev ?? 0
    if (((held.right?.attributes.until as number | undefined) ?? 0) <= nowMs()) {
      await write(nowMs() + leaseMs)
      break
    }
    await clock.sleep(pollMs)
  }

  return {
    async renew() {
      if (until > 0 && until - nowMs() < (leaseMs * 2) / 3) await write(nowMs() + leaseMs)
    },
    async release() {
      if (until > 0) await write(0)
    },
  }
}
