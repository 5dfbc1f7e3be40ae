/** What stamping has to know about a body, as byte offsets into it. The scan finds it on its way. */
import { decodeString, isText, MINUS, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './bytes.js'

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

/** A member of an object. Its value is the bytes from `start` to `end`, exclusive. */
export interface Member {
  /** Where the opening quote of the name stands. */
  readonly name: number
  readonly start: number
  readonly end: number
  readonly kind: JsonKind
  /** The decoded value of a string, `undefined` for every other kind. */
  readonly text: string | undefined
}

export interface Meta {
  readonly name: number
  readonly start: number
  readonly end: number
  readonly kind: JsonKind
  /** How many members it has; 0 unless it is an object. */
  readonly members: number
  readonly versionId: Member | undefined
  readonly lastUpdated: Member | undefined
}

export interface Outline {
  /** The offset just inside the root's `{`. */
  readonly open: number
  /** Whether the root has no members. */
  readonly empty: boolean
  /** Whether a line feed or a carriage return stands between tokens: nowhere else are they legal. */
  readonly newlines: boolean
  readonly resourceType: Member | undefined
  readonly id: Member | undefined
  readonly meta: Meta | undefined
  /** What resources are found by. */
  readonly identifier: Member | undefined
  readonly url: Member | undefined
}

/** Members that the scan marks on its way. `NONE` is any other member. */
export const NONE = 0
const RESOURCE_TYPE = 1
const ID = 2
export const META = 3
const VERSION_ID = 4
const LAST_UPDATED = 5
const IDENTIFIER = 6
const URL = 7

/** Where the marked members of one body stand. The scan reuses one, so that a body costs no allocation here. */
export class Marks {
  readonly names = new Int32Array(8)
  readonly starts = new Int32Array(8)
  readonly ends = new Int32Array(8)
  /** Members of the root and of `meta`. */
  rootMembers = 0
  metaMembers = 0

  reset(): void {
    this.starts.fill(-1)
    this.rootMembers = 0
    this.metaMembers = 0
  }

  begin(mark: number, name: number, start: number): void {
    this.names[mark] = name
    this.starts[mark] = start
  }
}

export const outlineOf = (bytes: Uint8Array, open: number, newlines: boolean, marks: Marks): Outline => ({
  open,
  empty: marks.rootMembers === 0,
  newlines,
  resourceType: memberOf(bytes, marks, RESOURCE_TYPE),
  id: memberOf(bytes, marks, ID),
  meta: metaOf(bytes, marks),
  identifier: memberOf(bytes, marks, IDENTIFIER),
  url: memberOf(bytes, marks, URL),
})

function memberOf(bytes: Uint8Array, marks: Marks, mark: number): Member | undefined {
  const start = marks.starts[mark]!
  if (start < 0) return undefined
  const end = marks.ends[mark]!
  const kind = kindAt(bytes, start)
  return {
    name: marks.names[mark]!,
    start,
    end,
    kind,
    text: kind === 'string' ? decodeString(bytes, start, end) : undefined,
  }
}

function metaOf(bytes: Uint8Array, marks: Marks): Meta | undefined {
  const start = marks.starts[META]!
  if (start < 0) return undefined
  return {
    name: marks.names[META]!,
    start,
    end: marks.ends[META]!,
    kind: kindAt(bytes, start),
    members: marks.metaMembers,
    versionId: memberOf(bytes, marks, VERSION_ID),
    lastUpdated: memberOf(bytes, marks, LAST_UPDATED),
  }
}

function kindAt(bytes: Uint8Array, start: number): JsonKind {
  const first = bytes[start]!
  if (first === QUOTE) return 'string'
  if (first === OPEN_OBJECT) return 'object'
  if (first === OPEN_ARRAY) return 'array'
  if (first === MINUS || (first >= 0x30 && first <= 0x39)) return 'number'
  return first === 0x6e ? 'null' : 'boolean'
}

/** The mark of a member of the root. `name` and `end` stand at its quote and behind the other one. */
export function markInRoot(bytes: Uint8Array, name: number, end: number, isEscaped: boolean): number {
  if (isEscaped) return rootMarks.get(decodeString(bytes, name, end)) ?? NONE
  const length = end - name - 2
  if (length === 2) return isText(bytes, name + 1, end - 1, 'id') ? ID : NONE
  if (length === 4) return isText(bytes, name + 1, end - 1, 'meta') ? META : NONE
  if (length === 10) return isText(bytes, name + 1, end - 1, 'identifier') ? IDENTIFIER : NONE
  if (length === 3) return isText(bytes, name + 1, end - 1, 'url') ? URL : NONE
  return length === 12 && isText(bytes, name + 1, end - 1, 'resourceType') ? RESOURCE_TYPE : NONE
}

/** The mark of a member of `meta`. */
export function markInMeta(bytes: Uint8Array, name: number, end: number, isEscaped: boolean): number {
  if (isEscaped) return metaMarks.get(decodeString(bytes, name, end)) ?? NONE
  const length = end - name - 2
  if (length === 9) return isText(bytes, name + 1, end - 1, 'versionId') ? VERSION_ID : NONE
  return length === 11 && isText(bytes, name + 1, end - 1, 'lastUpdated') ? LAST_UPDATED : NONE
}

const rootMarks: ReadonlyMap<string, number> = new Map([
  ['resourceType', RESOURCE_TYPE],
  ['id', ID],
  ['meta', META],
  ['identifier', IDENTIFIER],
  ['url', URL],
])
const metaMarks: ReadonlyMap<string, number> = new Map([
  ['versionId', VERSION_ID],
  ['lastUpdated', LAST_UPDATED],
])
