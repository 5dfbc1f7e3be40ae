/** What differs between two documents, by JSON path. Numbers compare as they are written: 1.10 is not 1.1. */
import { parse, stringify } from 'lossless-json'
import { type Difference, differencesBetween } from '../../../domain/patch/differences.js'

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
export const changesBetween = (before: string, after: string): Change[] =>
  [...differencesBetween(Buffer.from(before), Buffer.from(after))].map(({ path, before, after }) => ({
    path: textOf(path),
    op: before === undefined ? 'add' : after === undefined ? 'remove' : 'change',
    ...(before === undefined ? undefined : { before: compact(before) }),
    ...(after === undefined ? undefined : { after: compact(after) }),
  }))

const compact = (value: Uint8Array): string => stringify(parse(Buffer.from(value).toString())) ?? 'null'

const textOf = (path: Difference['path']): string => path.reduce<string>(memberPath, '') || '$'

function memberPath(path: string, name: string | number): string {
  if (typeof name === 'number' || !/^[A-Za-z_$][\w$-]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`
  return path === '' ? name : `${path}.${name}`
}
