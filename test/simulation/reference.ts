/** What a transaction does to resources, said once more and independently of the product: the judge's own opinion. */
import type { OperationInput } from '../../src/api.js'

/** A resource as it stands; version 0 is none. */
export interface Standing {
  readonly version: number
  readonly deleted: boolean
  /** What its body holds: every body of the simulation has a token of its own. */
  readonly token?: string
}

export interface ExpectedResult {
  readonly type: string
  readonly id: string
  readonly version: number
  readonly changed: boolean
  readonly op?: 'create' | 'update' | 'delete'
  readonly token?: string
}

export interface ExpectedConflict {
  readonly operation: number
  readonly actual: number
  readonly deleted: boolean
}

export interface Expected {
  readonly conflicts: ReadonlyArray<ExpectedConflict>
  readonly results: ReadonlyArray<ExpectedResult>
}

export const nothing: Standing = { version: 0, deleted: false }

export const keyOf = (type: string, id: string): string => `${type}/${id}`

export const tokenOf = (body: unknown): string | undefined => /"token":"([^"]*)"/.exec(String(body))?.[1]

/** `assigned` names the resource of a create without an id, which the store has named. */
export function expectedOf(
  operations: ReadonlyArray<OperationInput>,
  see: (key: string) => Standing,
  assigned: (event: number) => string,
): Expected {
  const own = new Map<string, Standing>()
  const conflicts: ExpectedConflict[] = []
  const results: ExpectedResult[] = []
  let events = 0
  operations.forEach((operation, place) => {
    const { type } = operation
    const id = operation.id ?? assigned(events)
    const key = keyOf(type, id)
    const before = own.get(key) ?? (operation.id === undefined ? nothing : see(key))
    const there = before.version > 0 && !before.deleted
    if (!meets(operation, before, there)) {
      conflicts.push({ operation: place, actual: before.version, deleted: before.deleted })
      return
    }
    const token = 'body' in operation ? tokenOf(operation.body) : undefined
    if (stays(operation, before, there, token)) {
      results.push({ type, id, version: before.version, changed: false })
      return
    }
    const version = before.version + 1
    const op = operation.op === 'delete' ? 'delete' : there ? 'update' : 'create'
    own.set(key, { version, deleted: op === 'delete', token })
    results.push({ type, id, version, changed: true, op, token })
    events++
  })
  return { conflicts, results }
}

function meets(operation: OperationInput, before: Standing, there: boolean): boolean {
  const expect = operation.op === 'create' ? 'absent' : (operation.expect ?? 'any')
  if (expect === 'any') return true
  if (expect === 'exists') return there
  if (expect === 'absent') return !there
  return before.version === expect
}

function stays(operation: OperationInput, before: Standing, there: boolean, token: string | undefined): boolean {
  if (operation.op === 'check') return true
  if (operation.op === 'delete') return !there
  return operation.op === 'update' && operation.onlyIfChanged === true && there && before.token === token
}
