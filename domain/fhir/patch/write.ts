/** Writes operations as a FHIRPath Patch: a Parameters resource. Values go into it byte for byte. (FHIR R4, FHIRPath Patch) */
import { below, type Composite, type Element, type Field, fieldsOf, kindAt, resourceAt, typeIn } from './fields.js'
import { isOpenType } from './types.js'

/** An element in its object: what an operation brings. */
export interface Brought {
  readonly object: Composite
  readonly field: Field
  readonly element: Element
}

export type Operation =
  | { readonly kind: 'add'; readonly path: string; readonly name: string; readonly value: Brought }
  | { readonly kind: 'insert'; readonly path: string; readonly index: number; readonly value: Brought }
  | { readonly kind: 'replace'; readonly path: string; readonly value: Brought }
  | { readonly kind: 'delete'; readonly path: string }

export function encodePatch(operations: ReadonlyArray<Operation>): Buffer {
  if (operations.length === 0) return Buffer.from('{"resourceType":"Parameters"}')
  const parts: Uint8Array[] = []
  operations.forEach((operation, i) => {
    parts.push(Buffer.from(i === 0 ? '{"resourceType":"Parameters","parameter":[' : ','))
    parts.push(...encoded(operation))
  })
  return Buffer.concat([...parts, Buffer.from(']}')])
}

function encoded(operation: Operation): Uint8Array[] {
  const told: object[] = [
    { name: 'type', valueCode: operation.kind },
    { name: 'path', valueString: operation.path },
  ]
  if (operation.kind === 'add') told.push({ name: 'name', valueString: operation.name })
  if (operation.kind === 'insert') told.push({ name: 'index', valueInteger: operation.index })
  const lead = `{"name":"operation","part":${JSON.stringify(told).slice(0, -1)}`
  if (operation.kind === 'delete') return [Buffer.from(`${lead}]}`)]
  return [Buffer.from(`${lead},`), ...partOf('value', operation.value), Buffer.from(']}')]
}

/** A part of this name with the value as `value[x]`, as a resource, or in parts where its type has none. */
function partOf(name: string, brought: Brought): Uint8Array[] {
  const { object, field, element } = brought
  const { bytes } = object
  const { value, beside } = element
  const cut = (span: { start: number; end: number }): Uint8Array => bytes.subarray(span.start, span.end)
  const pieces: Uint8Array[] = [Buffer.from(`{"name":${JSON.stringify(name)}`)]
  const put = (member: string, content: Uint8Array): void => void pieces.push(Buffer.from(`,"${member}":`), content)
  const type = typeIn(object, field, element)
  const isOpen = isOpenType(type)
  const written = isOpen ? `value${type.slice(0, 1).toUpperCase()}${type.slice(1)}` : 'valueString'
  const kind = value && kindAt(bytes, value)
  if (value !== undefined && kind === 'object' && !(isOpen && beside === undefined))
    if (resourceAt(bytes, value.start, object.place.fhirVersion) !== undefined) put('resource', cut(value))
    else put('part', inParts(below(object, field, element) as Composite))
  else if (value !== undefined && kind !== undefined) put(written, cut(value))
  if (beside !== undefined) put(`_${written}`, cut(beside))
  return [...pieces, Buffer.from('}')]
}

function inParts(object: Composite): Uint8Array {
  const parts = [...fieldsOf(object).values()].flatMap((field) =>
    field.elements.map((element) => partOf(field.name, { object, field, element })),
  )
  const joined = parts.flatMap((part, i) => (i === 0 ? part : [Buffer.from(','), ...part]))
  return Buffer.concat([Buffer.from('['), ...joined, Buffer.from(']')])
}
