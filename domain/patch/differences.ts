/**
 * What differs between two documents, in their bytes. Numbers compare as they are written (1.10 is not 1.1), and members in any order.
 */
import { elementsOf, isArrayAt, isObjectAt, membersOf, type Span } from '../body/index.js'
import { root } from './edit.js'
import { isSame } from './equal.js'

export interface Difference {
  /** Names of members, and indexes of elements: for a removal in the document before, for anything else in the one after. */
  readonly path: ReadonlyArray<string | number>
  /** The bytes as they stand; absent for an addition. */
  readonly before?: Uint8Array
  /** Absent for a removal. */
  readonly after?: Uint8Array
}

/** A document and a value in it. */
interface Value {
  readonly bytes: Uint8Array
  readonly span: Span
}

type Path = ReadonlyArray<string | number>

/** In document order. `depth`: how many levels down; what differs below is told as a whole. */
export function* differencesBetween(
  before: Uint8Array,
  after: Uint8Array,
  depth = Number.POSITIVE_INFINITY,
): Generator<Difference> {
  yield* compared([], { bytes: before, span: root(before) }, { bytes: after, span: root(after) }, depth)
}

function* compared(path: Path, a: Value, b: Value, depth: number): Generator<Difference> {
  const isBoth = (is: typeof isObjectAt): boolean => is(a.bytes, a.span.start) && is(b.bytes, b.span.start)
  if (depth > 0 && isBoth(isObjectAt)) yield* objectsCompared(path, a, b, depth - 1)
  else if (depth > 0 && isBoth(isArrayAt)) yield* listsCompared(path, a, b, depth - 1)
  else if (!isSame(a.bytes, a.span, b.bytes, b.span)) yield { path, before: cut(a), after: cut(b) }
}

function* objectsCompared(path: Path, a: Value, b: Value, depth: number): Generator<Difference> {
  const there = new Map([...membersOf(b.bytes, b.span.start)].map((member) => [member.name, member]))
  for (const { name, ...span } of membersOf(a.bytes, a.span.start)) {
    const other = there.get(name)
    there.delete(name)
    const own: Value = { bytes: a.bytes, span }
    if (other === undefined) yield { path: [...path, name], before: cut(own) }
    else yield* compared([...path, name], own, { bytes: b.bytes, span: other }, depth)
  }
  for (const [name, span] of there) yield { path: [...path, name], after: cut({ bytes: b.bytes, span }) }
}

function* listsCompared(path: Path, a: Value, b: Value, depth: number): Generator<Difference> {
  const [own, other] = [a, b].map(({ bytes, span }) =>
    [...elementsOf(bytes, span.start)].map((each): Value => ({ bytes, span: each })),
  ) as [Value[], Value[]]
  const { paired, end } = alignment(own.length, other.length, (i, j) => {
    const [one, two] = [own[i] as Value, other[j] as Value]
    return isSame(one.bytes, one.span, two.bytes, two.span)
  })
  for (let i = 0; i < paired; i++) yield* compared([...path, i], own[i] as Value, other[i] as Value, depth)
  for (let i = paired; i < own.length - end; i++) yield { path: [...path, i], before: cut(own[i] as Value) }
  for (let i = paired; i < other.length - end; i++) yield { path: [...path, i], after: cut(other[i] as Value) }
}

/**
 * How two lists lie beside each other: `end` elements at their ends are the same, the first `paired` ones are compared one by one, and
 * those in between are in the longer one only. So an insertion does not shift all that follows it.
 */
export function alignment(
  before: number,
  after: number,
  isSameAt: (i: number, j: number) => boolean,
): { readonly paired: number; readonly end: number } {
  const least = Math.min(before, after)
  let start = 0
  while (start < least && isSameAt(start, start)) start++
  let end = 0
  while (end < least - start && isSameAt(before - 1 - end, after - 1 - end)) end++
  return { paired: least - end, end }
}

const cut = ({ bytes, span }: Value): Uint8Array => bytes.subarray(span.start, span.end)
