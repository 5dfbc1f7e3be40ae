/**
 * The item of an export, which is there until it has ended: by it any process finds the export, says that it works on it, and tells how
 * far it has come since the last checkpoint. The state decides: whoever lost the lease can no longer move it.
 */
import { exportSk, exportsPk } from '../../../domain/keys.js'
import type { Item, ItemKey, PointerStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { freeItem, goneItem, type LeaseDeps, type Told } from '../../lease.js'
import type { ExportProgress } from './api.js'

export interface TenantLeases extends LeaseDeps {
  readonly tenant: string
}

export const leaseKey = (tenant: string, job: string): ItemKey => ({ pk: exportsPk, sk: exportSk(tenant, job) })

export function leaseOf({ tenant, pointers }: Omit<TenantLeases, 'clock'>, job: string): Promise<Item | undefined> {
  const { pk, sk } = leaseKey(tenant, job)
  return run(pointers.get(pk, sk))
}

/** `total` may be unknown: what is not known is not said. */
export const toldOf = ({ total, ...known }: ExportProgress): Told => (total === undefined ? known : { ...known, total })

export function progressOf({ attributes }: Item): ExportProgress | undefined {
  const { commits, total, resources, bytes } = attributes as Record<string, number>
  const known = { commits, resources, bytes } as ExportProgress
  return commits === undefined ? undefined : total === undefined ? known : { ...known, total }
}

/** Says that an export is there to be worked on. */
export const offer = async (
  { tenant, pointers }: { tenant: string; pointers: PointerStore },
  job: string,
): Promise<void> => void (await run(pointers.compareAndSet(freeItem(leaseKey(tenant, job)), 0)))

/** Takes the lease away from whoever has it: it finds out when it renews. */
export async function revoke(deps: TenantLeases, job: string): Promise<void> {
  const held = await leaseOf(deps, job)
  if (held !== undefined)
    await deps.pointers.compareAndSet(goneItem(leaseKey(deps.tenant, job), deps.clock), held.rev ?? 0)()
}
