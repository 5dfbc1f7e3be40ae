/** The store as a map that fits on a page: what every answer is held against. */
import type { HistoryOrder } from '../../domain/cursor.js'
import type { Op } from '../../domain/header.js'

export interface Version {
  readonly type: string
  readonly id: string
  readonly version: number
  readonly op: Op
  /** The body as the caller sent it; a deletion has none. */
  readonly body?: string
  readonly seq: number
  readonly index: number
  readonly at: string
}

export interface Write {
  readonly op: Op
  readonly type: string
  readonly id: string
  readonly body?: string
  readonly expect?: number | 'exists' | 'absent' | 'any'
}

export interface Reference {
  /** Every version in log order. */
  readonly log: Version[]
  seq: number
}

/** What a transaction would write, or the operations that conflict. */
export function outcomeOf(reference: Reference, writes: ReadonlyArray<Write>): Omit<Version, 'at'>[] | number[] {
  const log: Omit<Version, 'at'>[] = [...reference.log]
  const conflicts: number[] = []
  writes.forEach(({ op, type, id, body, expect = 'any' }, operation) => {
    const last = log.findLast((version) => version.type === type && version.id === id)
    const present = last !== undefined && last.op !== 'delete'
    const holds = { any: true, exists: present, absent: !present }[expect as string] ?? expect === (last?.version ?? 0)
    if (!holds) conflicts.push(operation)
    else if (op !== 'delete' || present) {
      const version = (last?.version ?? 0) + 1
      const kind = op === 'delete' ? op : present ? 'update' : 'create'
      log.push({ type, id, version, op: kind, body, seq: reference.seq + 1, index: log.length - reference.log.length })
    }
  })
  return conflicts.length > 0 ? conflicts : log.slice(reference.log.length)
}

export type Scope = { readonly type?: string; readonly id?: string }

/** The history of a scope within bounds, newest first unless told otherwise. */
export function historyOf(
  { log }: Reference,
  { type, id }: Scope,
  within: (version: Version) => boolean = () => true,
  order: HistoryOrder = 'newest-first',
): Version[] {
  const found = log
    .filter((version) => (type === undefined || version.type === type) && (id === undefined || version.id === id))
    .filter(within)
  return order === 'newest-first' ? found.reverse() : found
}
