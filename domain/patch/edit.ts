/** Edits of a document in its bytes: a value is found, added or removed by its path, and every other byte stays. */
import { elementsOf, isArrayAt, isObjectAt, membersOf, type Span } from '../body/index.js'

const comma = Buffer.from(',')
const none = new Uint8Array()

export const missing = 'what its path names does not exist'

/** What stands there already gives way, in an object; in a list it moves on. Answers with the problem where it cannot be. */
export function add(bytes: Uint8Array, path: ReadonlyArray<string>, value: Uint8Array): Uint8Array | string {
  const name = path.at(-1)
  if (name === undefined) return splice(bytes, root(bytes), value)
  const parent = find(bytes, path.slice(0, -1))
  if (parent === undefined) return 'what would hold it does not exist'
  if (isObjectAt(bytes, parent.start)) {
    const members = [...membersOf(bytes, parent.start)]
    const present = members.find((member) => member.name === name)
    if (present !== undefined) return splice(bytes, present, value)
    const lead = `${members.length > 0 ? ',' : ''}${JSON.stringify(name)}:`
    const at = members.at(-1)?.end ?? parent.start + 1
    return splice(bytes, { start: at, end: at }, Buffer.concat([Buffer.from(lead), value]))
  }
  if (!isArrayAt(bytes, parent.start)) return 'what would hold it is neither object nor list'
  const elements = [...elementsOf(bytes, parent.start)]
  const index = name === '-' ? elements.length : indexOf(name)
  if (index === undefined || index > elements.length) return `the list has ${elements.length} elements`
  const next = elements[index]
  if (next !== undefined) return splice(bytes, { start: next.start, end: next.start }, Buffer.concat([value, comma]))
  const at = elements.at(-1)?.end ?? parent.start + 1
  return splice(bytes, { start: at, end: at }, elements.length > 0 ? Buffer.concat([comma, value]) : value)
}

export function remove(bytes: Uint8Array, path: ReadonlyArray<string>): Uint8Array | string {
  const name = path.at(-1)
  if (name === undefined) return 'the whole document cannot be removed'
  const parent = find(bytes, path.slice(0, -1))
  if (parent === undefined) return missing
  const isObject = isObjectAt(bytes, parent.start)
  if (!isObject && !isArrayAt(bytes, parent.start)) return missing
  const spans: ReadonlyArray<Span & { readonly name?: string }> = isObject
    ? [...membersOf(bytes, parent.start)]
    : [...elementsOf(bytes, parent.start)]
  const index = isObject ? spans.findIndex((span) => span.name === name) : (indexOf(name) ?? -1)
  const target = spans[index]
  if (target === undefined) return missing
  // With the comma before it; the first goes with the comma behind it.
  const before = spans[index - 1]
  if (before !== undefined) return splice(bytes, { start: before.end, end: target.end }, none)
  const after = spans[1]
  const start = parent.start + 1
  if (after === undefined) return splice(bytes, { start, end: target.end }, none)
  return splice(bytes, { start, end: isObject ? nameStart(bytes, target.end) : after.start }, none)
}

/** Where the name of the next member begins, behind the comma. */
function nameStart(bytes: Uint8Array, from: number): number {
  let i = from
  while (bytes[i] !== 0x22) i++
  return i
}

/** The value that a path names. */
export function find(bytes: Uint8Array, path: ReadonlyArray<string>): Span | undefined {
  let span: Span | undefined = root(bytes)
  for (const token of path) {
    if (span === undefined) return undefined
    span = childOf(bytes, span, token)
  }
  return span
}

function childOf(bytes: Uint8Array, { start }: Span, token: string): Span | undefined {
  if (isObjectAt(bytes, start)) {
    for (const member of membersOf(bytes, start)) if (member.name === token) return member
    return undefined
  }
  const index = isArrayAt(bytes, start) ? indexOf(token) : undefined
  if (index === undefined) return undefined
  let place = 0
  for (const element of elementsOf(bytes, start)) if (place++ === index) return element
  return undefined
}

export const root = (bytes: Uint8Array): Span => ({ start: skipSpace(bytes, 0), end: bytes.length })

export function skipSpace(bytes: Uint8Array, from: number): number {
  let i = from
  while ((bytes[i] as number) <= 0x20) i++
  return i
}

export const splice = (bytes: Uint8Array, { start, end }: Span, value: Uint8Array): Uint8Array =>
  Buffer.concat([bytes.subarray(0, start), value, bytes.subarray(end)])

const indexOf = (token: string): number | undefined => (/^(0|[1-9]\d{0,8})$/.test(token) ? Number(token) : undefined)
