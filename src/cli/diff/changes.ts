/** What differs between two documents, by JSON path. Numbers compare as they are written: 1.10 is not 1.1. */
import { isLosslessNumber, parse, stringify } from 'lossless-json'

export type ChangeOp = 'add' | 'remove' | 'change'

export interface Change {
  /** `name[0].given[1]`; the whole document is `$`. */
  readonly path: string
  readonly op: ChangeOp
  /** JSON text, compact; numbers have every digit. Absent for an addition. */
  readonly before?: string
  /** Absent for a removal. */
  readonly after?: string
}

/** The changes that lead from one document to the other, in document order. The order of members is not compared. */
export function changesBetween(before: string, after: string): Change[] {
  const changes: Change[] = []
  compare(parse(before), parse(after), '', changes)
  return changes
}

function compare(a: unknown, b: unknown, path: string, changes: Change[]): void {
  if (isRecord(a) && isRecord(b)) compareObjects(a, b, path, changes)
  else if (Array.isArray(a) && Array.isArray(b)) compareArrays(a, b, path, changes)
  else if (!isSame(a, b)) changes.push({ path: path || '$', op: 'change', before: textOf(a), after: textOf(b) })
}

type JsonObject = Record<string, unknown>

function compareObjects(a: JsonObject, b: JsonObject, path: string, changes: Change[]): void {
  for (const name of Object.keys(a)) {
    const at = memberPath(path, name)
    if (Object.hasOwn(b, name)) compare(a[name], b[name], at, changes)
    else changes.push({ path: at, op: 'remove', before: textOf(a[name]) })
  }
  for (const name of Object.keys(b))
    if (!Object.hasOwn(a, name)) changes.push({ path: memberPath(path, name), op: 'add', after: textOf(b[name]) })
}

/** What the arrays begin and end with alike is left out, so that an insertion does not shift all that follows it. */
function compareArrays(a: unknown[], b: unknown[], path: string, changes: Change[]): void {
  const least = Math.min(a.length, b.length)
  let start = 0
  while (start < least && isSame(a[start], b[start])) start++
  let end = 0
  while (end < least - start && isSame(a[a.length - 1 - end], b[b.length - 1 - end])) end++
  const common = least - end
  for (let i = start; i < common; i++) compare(a[i], b[i], `${path}[${i}]`, changes)
  for (let i = common; i < a.length - end; i++)
    changes.push({ path: `${path}[${i}]`, op: 'remove', before: textOf(a[i]) })
  for (let i = common; i < b.length - end; i++) changes.push({ path: `${path}[${i}]`, op: 'add', after: textOf(b[i]) })
}

function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, i) => isSame(value, b[i]))
  if (!isRecord(a) || !isRecord(b)) return a === b || textOf(a) === textOf(b)
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]))
  )
}

const isRecord = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)

const textOf = (value: unknown): string => stringify(value) ?? 'null'

function memberPath(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$-]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`
  return path === '' ? name : `${path}.${name}`
}
