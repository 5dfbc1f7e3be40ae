/** Takes back the change of one line. */
import { annalsError } from '../../../domain/error.js'
import type { OperationInput } from '../../api.js'
import type { Tenant } from '../../store.js'
import type { LineResult } from './api.js'

/** `changes`: those of its file. A resource that was changed since is a `Conflict`. */
export async function undoLine(tenant: Tenant, changes: AsyncIterable<LineResult>, line: number): Promise<void> {
  const written: LineResult[] = []
  for await (const change of changes) {
    if (change.line === line) written.push(change)
    if (change.line > line) break
  }
  if (written.length === 0)
    throw annalsError('InvalidInput', { what: 'line', problem: 'it has changed nothing that could be taken back' })
  for (const { type = '', id = '', version = 0 } of written.reverse()) {
    const log = tenant.partitions[tenant.partitionOf(type, id)] as Tenant
    const before = version > 1 ? await log.read(type, id, { version: version - 1 }) : undefined
    const operation: OperationInput =
      before?.body === undefined
        ? { op: 'delete', type, id, expect: version }
        : { op: 'update', type, id, body: before.body, expect: version }
    await log.transact([operation])
  }
}
