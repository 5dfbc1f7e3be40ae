/**
 * Writes the members that the server owns (`id`, `meta.versionId`, `meta.lastUpdated`) into a body. Every other byte
 * survives, but for newlines between tokens, which become spaces so that a body is one line.
 *
 * The plan is made once per body: the body without the three values, and where they go. Stamping is then four copies,
 * so a commit that lost a race stamps again at the price of a copy.
 */
import { Buffer } from 'node:buffer'
import * as E from 'fp-ts/lib/Either.js'
import type { AnnalsError } from '../error.js'
import { asBuffer, BACKSLASH, CR, LF, QUOTE, SPACE } from './bytes.js'
import type { Meta, Outline } from './outline.js'
import { invalidBody } from './problem.js'

/** What the server owns. Texts must be well-formed (no halves of surrogate pairs). */
export interface Stamp {
  readonly id: string
  readonly versionId: string
  readonly lastUpdated: string
}

type Owned = keyof Stamp

/** A body whose stamp is still open. It holds a copy of the body. */
export interface StampPlan {
  /** The body without the three values. Their quotes are there. */
  readonly template: Buffer
  /** Which value goes where in the template, in order. */
  readonly slots: ReadonlyArray<{ readonly member: Owned; readonly at: number }>
}

/** Decides where the stamp goes. A `meta` that is no object is an `InvalidBody`. */
export function planStamp(bytes: Uint8Array, outline: Outline): E.Either<AnnalsError, StampPlan> {
  const { meta } = outline
  if (meta !== undefined && meta.kind !== 'object') {
    return E.left(invalidBody(bytes, meta.start, "'meta' has to be an object; send one or leave it out"))
  }
  return E.right(assemble(asBuffer(toLine(bytes, outline)), splicesOf(outline)))
}

/** The length in bytes of the stamped body. */
export function stampedLength(plan: StampPlan, stamp: Stamp): number {
  return (
    plan.template.length + escapedLength(stamp.id) + escapedLength(stamp.versionId) + escapedLength(stamp.lastUpdated)
  )
}

/** Writes the stamped body into `target`, which has room for it from `offset`; gives the offset behind it. */
export function stampInto(plan: StampPlan, stamp: Stamp, target: Buffer, offset: number): number {
  const { template, slots } = plan
  let from = 0
  let to = offset
  for (const { member, at } of slots) {
    template.copy(target, to, from, at)
    to = writeEscaped(stamp[member], target, to + at - from)
    from = at
  }
  template.copy(target, to, from)
  const end = to + template.length - from
  if (end > target.length) throw new RangeError(`a stamped body needs ${end - target.length} bytes more room`)
  return end
}

/** The body with spaces in the place of newlines: the same bytes if it has none, else a copy. */
export function toLine(bytes: Uint8Array, outline: Outline): Uint8Array {
  if (!outline.newlines) return bytes
  const line = Buffer.from(bytes)
  for (let i = 0; i < line.length; i++) if (line[i] === LF || line[i] === CR) line[i] = SPACE
  return line
}

/** Bytes from `start` to `end` of the body give way to `parts`. */
interface Splice {
  readonly start: number
  readonly end: number
  readonly parts: ReadonlyArray<Part>
}

/** Text as it stands, or the name of the value that goes here. */
type Part = { readonly text: string } | Owned

const text = (value: string): Part => ({ text: value })

function splicesOf(outline: Outline): ReadonlyArray<Splice> {
  const { meta } = outline
  if (meta === undefined) {
    const parts = [text('","meta":{"versionId":"'), 'versionId', text('","lastUpdated":"'), 'lastUpdated', text('"}')]
    return [spliceId(outline, parts as ReadonlyArray<Part>)]
  }
  return [spliceId(outline, [text('"')]), ...spliceMeta(meta)].sort((a, b) => a.start - b.start)
}

/** `after` closes the quote of the value, and may go on. */
function spliceId({ id, resourceType, open, empty }: Outline, after: ReadonlyArray<Part>): Splice {
  if (id !== undefined) return { start: id.start, end: id.end, parts: [text('"'), 'id', ...after] }
  if (resourceType !== undefined) {
    const { end } = resourceType
    return { start: end, end, parts: [text(',"id":"'), 'id', ...after] }
  }
  return { start: open, end: open, parts: [text('"id":"'), 'id', ...after, text(empty ? '' : ',')] }
}

function spliceMeta(meta: Meta): ReadonlyArray<Splice> {
  const splices: Splice[] = []
  const missing: Part[] = []
  for (const member of ['versionId', 'lastUpdated'] as const) {
    const present = meta[member]
    if (present !== undefined) {
      splices.push({ start: present.start, end: present.end, parts: [text('"'), member, text('"')] })
    } else missing.push(text(`${missing.length > 0 ? ',' : ''}"${member}":"`), member, text('"'))
  }
  if (missing.length === 0) return splices
  if (meta.members > 0) missing.push(text(','))
  return [{ start: meta.start + 1, end: meta.start + 1, parts: missing }, ...splices]
}

function assemble(line: Buffer, splices: ReadonlyArray<Splice>): StampPlan {
  const template = Buffer.allocUnsafe(templateLength(line, splices))
  const slots: Array<{ member: Owned; at: number }> = []
  let from = 0
  let to = 0
  for (const { start, end, parts } of splices) {
    to += line.copy(template, to, from, start)
    for (const part of parts) {
      if (typeof part === 'string') slots.push({ member: part, at: to })
      else to += template.write(part.text, to, 'latin1')
    }
    from = end
  }
  line.copy(template, to, from)
  return { template, slots }
}

function templateLength(line: Buffer, splices: ReadonlyArray<Splice>): number {
  let length = line.length
  for (const { start, end, parts } of splices) {
    length -= end - start
    for (const part of parts) if (typeof part !== 'string') length += part.text.length
  }
  return length
}

/** Printable ASCII without quote and backslash stands in JSON as it is. */
function isPlain(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if (c < SPACE || c > 0x7e || c === QUOTE || c === BACKSLASH) return false
  }
  return true
}

const escaped = (value: string): string => JSON.stringify(value).slice(1, -1)

const escapedLength = (value: string): number => (isPlain(value) ? value.length : Buffer.byteLength(escaped(value)))

/** Short texts are the rule: a loop over them costs less than a call of the native encoder. */
function writeEscaped(value: string, target: Buffer, offset: number): number {
  if (!isPlain(value)) return offset + target.write(escaped(value), offset, 'utf8')
  for (let i = 0; i < value.length; i++) target[offset + i] = value.charCodeAt(i)
  return offset + value.length
}
