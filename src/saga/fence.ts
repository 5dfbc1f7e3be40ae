/**
 * The fence of a saga in a tenant, and what the tenant's log says of the saga.
 *
 * Every step depends on the fence being absent, in the same commit as what it writes. Whoever compensates writes the fence
 * first: a step stands in the log before it, or never will, however long the process that tries it was paused. The fence
 * is a resource that is deleted in the commit that creates it, so only the history shows it, and a version remains a version.
 */
import { sha256 } from '../../domain/commit.js'
import { isAnnalsError } from '../../domain/error.js'
import { partitionOf } from '../../domain/partitions.js'
import type { OperationInput } from '../api.js'
import type { Tenant } from '../store.js'
import type { SagaLog } from './places.js'

export const fenceType = 'AnnalsSaga'

export const stepKey = (id: string, step: number): string => `saga:${id}:${step}`
export const undoKey = (id: string, step: number): string => `saga:${id}:${step}:undo`
export const correlationOf = (id: string): string => `saga:${id}`

/** The fence's id in one of the logs of a tenant: one that belongs to it. Where there is one log, it is that of the saga. */
export function fenceIdIn(id: string, partition: number, partitions: number): string {
  if (partitions === 1) return id
  const hash = sha256(id).slice(0, 40)
  for (let i = 0; ; i++)
    if (partitionOf({ type: fenceType, id: `${hash}-${i}` }, partitions) === partition) return `${hash}-${i}`
}

/** What a step depends on: no version of the fence, deleted ones included. */
export const unfenced = ({ fence }: SagaLog): OperationInput => ({ op: 'check', type: fenceType, id: fence, expect: 0 })

/** `correlation`: of the fence itself. */
export async function raiseFence({ tenant, fence: id }: SagaLog, correlation: string): Promise<void> {
  const body = { resourceType: fenceType, id }
  try {
    await tenant.transact(
      [
        { op: 'update', type: fenceType, id, body, expect: 0 },
        { op: 'delete', type: fenceType, id },
      ],
      { correlation },
    )
  } catch (error) {
    // It is there, of this process or another.
    if (!(isAnnalsError(error) && error._tag === 'Conflict')) throw error
  }
}

/** The transactions of the request keys of a correlation, from the log itself: receipts last for a day only. */
export async function writtenBy(
  tenant: Tenant,
  correlation: string,
  after: number,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  if ((await tenant.head()).seq <= after) return found
  for await (const { transactions } of tenant.commits({ from: after + 1, bodies: false }))
    for (const each of transactions)
      if (each.correlation === correlation && each.request !== undefined && !found.has(each.request))
        found.set(each.request, each.id)
  return found
}
