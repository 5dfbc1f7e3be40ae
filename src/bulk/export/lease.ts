/**
 * Who is at work on an export: an item with an end, which is taken and renewed by compare-and-set, and which tells of the progress
 * between two checkpoints. It saves work, and the state decides: whoever lost the lease can no longer move it.
 */
import { exportSk, exportsPk } from '../../../domain/keys.js'
import type { Clock, Item, ItemKey, PointerStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import type { Limits } from '../../limits.js'
import type { ExportProgress } from './api.js'

export interface LeaseDeps {
  readonly tenant: string
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly limits: Limits
}

/** What an item says. */
export interface Held {
  readonly owner: string
  /** Milliseconds since 1970. */
  readonly until: number
  readonly rev: number
  readonly progress?: ExportProgress
}

export interface Lease {
  /** Answers false if somebody else has it. Trouble with the store of pointers is no answer, and thrown. */
  renew(progress: ExportProgress): Promise<boolean>
  /** Lets others have the export at once. */
  release(): Promise<void>
  /** The export has ended: nobody needs to look at it any more. */
  end(): Promise<void>
}

export async function heldBy(
  { tenant, pointers }: Pick<LeaseDeps, 'tenant' | 'pointers'>,
  job: string,
): Promise<Held | undefined> {
  const item = await run(pointers.get(exportsPk, exportSk(tenant, job)))
  return item && heldFrom(item)
}

export function heldFrom({ attributes, rev = 0 }: Item): Held {
  const { owner, until, commits, total, resources, bytes } = attributes as Record<string, number> & { owner: string }
  const known = { commits, resources, bytes } as ExportProgress
  const progress = commits === undefined ? undefined : total === undefined ? known : { ...known, total }
  return { owner, until: until ?? 0, rev, ...(progress === undefined ? undefined : { progress }) }
}

/** Takes what is free; `undefined`: somebody has it. */
export async function takeLease(deps: LeaseDeps, job: string, owner: string): Promise<Lease | undefined> {
  const { tenant, pointers, clock, limits } = deps
  const { exportLeaseMs } = limits
  const nowMs = (): number => clock.now() / 1000
  const key = { pk: exportsPk, sk: exportSk(tenant, job) }
  const held = await heldBy(deps, job)
  if (held !== undefined && held.until > nowMs()) return undefined
  let rev = held?.rev ?? 0

  async function write(until: number, progress?: ExportProgress): Promise<boolean> {
    const attributes = { owner, until, ...progress } as Item['attributes']
    const swapped = await run(pointers.compareAndSet({ ...key, attributes }, rev))
    if (swapped.done) rev++
    return swapped.done
  }

  if (!(await write(nowMs() + exportLeaseMs))) return undefined
  return {
    renew: (progress) => write(nowMs() + exportLeaseMs, progress),
    // Whatever comes of these two, the lease ends by itself.
    release: async () => void (await pointers.compareAndSet({ ...key, attributes: { owner: '', until: 0 } }, rev)()),
    end: async () => void (await pointers.compareAndSet(goneItem(key, clock), rev)()),
  }
}

/** Who may write and not delete lets an item expire: then it is absent at once. */
const goneItem = (key: ItemKey, clock: Clock): Item => ({
  ...key,
  attributes: { owner: '', until: 0 },
  expiresAt: Math.floor(clock.now() / 1_000_000) - 1,
})

/** Says that an export is there to be worked on, so that any process finds it. */
export const offer = async ({ tenant, pointers }: Pick<LeaseDeps, 'tenant' | 'pointers'>, job: string): Promise<void> =>
  void (await run(
    pointers.compareAndSet({ pk: exportsPk, sk: exportSk(tenant, job), attributes: { owner: '', until: 0 } }, 0),
  ))

/** Takes the lease away from whoever has it: it finds out when it renews. */
export async function revoke(deps: Omit<LeaseDeps, 'limits'>, job: string): Promise<void> {
  const held = await heldBy(deps, job)
  if (held === undefined) return
  const key = { pk: exportsPk, sk: exportSk(deps.tenant, job) }
  await deps.pointers.compareAndSet(goneItem(key, deps.clock), held.rev)()
}
