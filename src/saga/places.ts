/** Where the steps of a saga are written: one log each. A step whose resources are in several logs of a tenant becomes several steps. */
import { encodeSegment } from '../../domain/keys.js'
import { partitionOfText } from '../../domain/partitions.js'
import type { OperationInput } from '../api.js'
import type { Tenant } from '../store.js'
import type { SagaStep } from './api.js'
import { fenceIdIn } from './fence.js'

/** A log, and the step's operations in it. */
export interface PlacedStep extends SagaStep {
  /** Which log; absent where the tenant has one. */
  readonly partition?: number
}

export type Place = Pick<PlacedStep, 'tenant' | 'partition'>

/** A log as the driver of a saga uses it. */
export interface SagaLog {
  readonly tenant: Tenant
  /** The id of the saga's fence in it. */
  readonly fence: string
}

/** One place as one text. */
export const placeKey = ({ tenant, partition = 0 }: Place): string => `${encodeSegment(tenant)}/${partition}`

/** Each place once. */
export const placesOf = (steps: ReadonlyArray<Place>): ReadonlyMap<string, Place> =>
  new Map(steps.map((step) => [placeKey(step), step]))

export async function sagaLog(
  open: (name: string) => Promise<Tenant>,
  { tenant: name, partition = 0 }: Place,
  saga: string,
): Promise<SagaLog> {
  const { partitions } = await open(name)
  return { tenant: partitions[partition] as Tenant, fence: fenceIdIn(saga, partition, partitions.length) }
}

/** In the order of their first operations. What has no id yet goes with the first that has one, or where the saga's name says. */
export async function placed(
  open: (name: string) => Promise<Tenant>,
  steps: ReadonlyArray<SagaStep>,
  saga: string,
): Promise<ReadonlyArray<PlacedStep>> {
  const found: PlacedStep[] = []
  for (const [i, { tenant: name, operations }] of steps.entries()) {
    const tenant = await open(name)
    const many = tenant.partitions.length
    if (many === 1) found.push({ tenant: name, operations })
    else
      for (const [partition, own] of byPartition(tenant, operations, partitionOfText(`${saga} ${i}`, many)))
        found.push({ tenant: name, partition, operations: own })
  }
  return found
}

function byPartition(
  tenant: Tenant,
  operations: ReadonlyArray<OperationInput>,
  otherwise: number,
): ReadonlyMap<number, OperationInput[]> {
  const named = operations.find(({ id }) => id !== undefined)
  const unnamed = named?.id === undefined ? otherwise : tenant.partitionOf(named.type, named.id)
  const found = new Map<number, OperationInput[]>()
  if (operations.length === 0) found.set(unnamed, [])
  for (const operation of operations) {
    const { type, id } = operation
    const partition = id === undefined ? unnamed : tenant.partitionOf(type, id)
    found.set(partition, [...(found.get(partition) ?? []), operation])
  }
  return found
}
