/** Finds the elements that a path names, in the bytes of a resource. */
import { elementsOf, isArrayAt, isObjectAt, membersOf, type Span, textAt } from '../../body/index.js'
import type { FhirVersion } from '../version.js'
import { isTypeOf } from './choices.js'
import type { Place } from './elements.js'
import { type BinaryOperator, type Expression, type Path, PathProblem, type Step } from './path.js'

/** An element: where it stands as the tokens of a JSON Pointer, and what stands around its members. */
export interface Node {
  readonly tokens: ReadonlyArray<string>
  readonly span: Span
  readonly place: Place
}

/** Throws `PathProblem` where a function cannot be applied. */
export function locate(bytes: Uint8Array, path: Path, fhirVersion: FhirVersion): ReadonlyArray<Node> {
  const root = rootOf(bytes, fhirVersion)
  const [first, ...rest] = path
  const isType = first?.kind === 'member' && (first.name === root.place.resourceType || first.name === 'Resource')
  return follow(bytes, [root], isType ? rest : path)
}

function rootOf(bytes: Uint8Array, fhirVersion: FhirVersion): Node {
  let start = 0
  while (!isObjectAt(bytes, start)) start++
  return {
    tokens: [],
    span: { start, end: bytes.length },
    place: { fhirVersion, resourceType: typeAt(bytes, start) ?? '', members: [] },
  }
}

const typeAt = (bytes: Uint8Array, start: number): string | undefined => {
  for (const member of membersOf(bytes, start)) if (member.name === 'resourceType') return textAt(bytes, member)
  return undefined
}

const follow = (bytes: Uint8Array, from: ReadonlyArray<Node>, path: Path): ReadonlyArray<Node> =>
  path.reduce((nodes, step) => stepped(bytes, nodes, step), from)

function stepped(bytes: Uint8Array, nodes: ReadonlyArray<Node>, step: Step): ReadonlyArray<Node> {
  switch (step.kind) {
    case 'member':
      return nodes.flatMap((node) => childrenOf(bytes, node, step.name))
    case 'index':
      return nodes.slice(step.index, step.index + 1)
    default:
      return called(bytes, nodes, step)
  }
}

/** The elements of a name; those of a list one by one, and a choice whatever its type. */
export function childrenOf(bytes: Uint8Array, node: Node, name: string): Node[] {
  if (!isObjectAt(bytes, node.span.start)) return extended(bytes, node, name)
  const isIt = (member: string): boolean => member === name || isTypeOf(member, name, node.place)
  let beside: string | undefined
  for (const member of membersOf(bytes, node.span.start)) {
    if (isIt(member.name)) return below(bytes, node, member)
    if (isObjectAt(bytes, member.start) && isIt(member.name.replace(/^_/, ''))) beside = member.name.slice(1)
  }
  // A primitive value that is absent, with extensions that say why: nothing stands there.
  const nowhere = { start: bytes.length, end: bytes.length }
  return beside === undefined ? [] : below(bytes, node, { name: beside, ...nowhere })
}

/** The id and the extensions of a primitive value stand beside it, under its name with `_` before it. */
function extended(bytes: Uint8Array, { tokens, place }: Node, name: string): Node[] {
  if (name !== 'extension' && name !== 'id') return []
  const at = tokens.findLastIndex((token) => !/^\d+$/.test(token))
  const beside = [...tokens.slice(0, at), `_${tokens[at]}`, ...tokens.slice(at + 1)]
  let span: Span | undefined = rootOf(bytes, place.fhirVersion).span
  for (const token of beside) span = span && childAt(bytes, span, token)
  if (span === undefined || !isObjectAt(bytes, span.start)) return []
  return childrenOf(bytes, { tokens: beside, span, place }, name)
}

function childAt(bytes: Uint8Array, { start }: Span, token: string): Span | undefined {
  if (isObjectAt(bytes, start)) return [...membersOf(bytes, start)].find(({ name }) => name === token)
  return isArrayAt(bytes, start) ? [...elementsOf(bytes, start)][Number(token)] : undefined
}

function below(bytes: Uint8Array, { tokens, place }: Node, member: Span & { readonly name: string }): Node[] {
  const own = [...tokens, member.name]
  const node = (span: Span, tokens: ReadonlyArray<string>): Node => {
    const type = isObjectAt(bytes, span.start) ? typeAt(bytes, span.start) : undefined
    const around =
      type === undefined ? { members: [...place.members, member.name] } : { resourceType: type, members: [] }
    return { tokens, span, place: { ...place, ...around } }
  }
  if (!isArrayAt(bytes, member.start)) return [node(member, own)]
  return [...elementsOf(bytes, member.start)].map((span, i) => node(span, [...own, String(i)]))
}

function called(
  bytes: Uint8Array,
  nodes: ReadonlyArray<Node>,
  { name, argument }: Step & { kind: 'call' },
): ReadonlyArray<Node> {
  switch (name) {
    case 'first':
      return nodes.slice(0, 1)
    case 'last':
      return nodes.slice(-1)
    case 'tail':
      return nodes.slice(1)
    case 'skip':
      return nodes.slice(numberOf(argument))
    case 'take':
      return nodes.slice(0, numberOf(argument))
    case 'single':
      if (nodes.length > 1) throw new PathProblem(`single() finds ${nodes.length} elements`)
      return nodes
    case 'where':
      return nodes.filter((node) => isTrue(bytes, node, argument as Expression))
    case 'extension': {
      const url: Expression = { kind: 'path', path: [{ kind: 'member', name: 'url' }] }
      const isIt: Expression = { kind: 'binary', op: '=', left: url, right: argument as Expression }
      return nodes.flatMap((node) => childrenOf(bytes, node, 'extension')).filter((node) => isTrue(bytes, node, isIt))
    }
    case 'ofType': {
      const [type = ''] =
        argument?.kind === 'path' ? argument.path.flatMap((s) => (s.kind === 'member' ? [s.name] : [])).slice(-1) : []
      return nodes.filter(({ tokens, place }) => isOfType(tokens, place, type))
    }
    default:
      throw new PathProblem(`${name}() answers no element; it may stand in where()`)
  }
}

const isOfType = (tokens: ReadonlyArray<string>, { resourceType, members }: Place, type: string): boolean => {
  if (members.length === 0) return resourceType === type
  const name = tokens.findLast((token) => !/^\d+$/.test(token)) ?? ''
  return name.endsWith(`${type.slice(0, 1).toUpperCase()}${type.slice(1)}`)
}

const numberOf = (argument: Expression | undefined): number => (argument?.kind === 'number' ? argument.number : 0)

type Value = string | number | boolean

/** What a condition says of an element. Nothing is not true. */
function isTrue(bytes: Uint8Array, node: Node, condition: Expression): boolean {
  const values = evaluated(bytes, node, condition)
  return values.length > 0 && values[0] !== false
}

function evaluated(bytes: Uint8Array, node: Node, expression: Expression): ReadonlyArray<Value> {
  switch (expression.kind) {
    case 'text':
      return [expression.text]
    case 'number':
      return [expression.number]
    case 'boolean':
      return [expression.boolean]
    case 'binary':
      return compared(bytes, node, expression.op, expression.left, expression.right)
    default:
      return valuesAt(bytes, node, expression.path)
  }
}

function compared(
  bytes: Uint8Array,
  node: Node,
  op: BinaryOperator,
  left: Expression,
  right: Expression,
): ReadonlyArray<Value> {
  if (op === 'and') return [isTrue(bytes, node, left) && isTrue(bytes, node, right)]
  if (op === 'or') return [isTrue(bytes, node, left) || isTrue(bytes, node, right)]
  const [a, b] = [evaluated(bytes, node, left), evaluated(bytes, node, right)]
  if (a.length === 0 || b.length === 0) return []
  const isSame = a.length === b.length && a.every((value, i) => value === b[i])
  return [isSame === (op === '=')]
}

function valuesAt(bytes: Uint8Array, node: Node, path: Path): ReadonlyArray<Value> {
  const last = path.at(-1)
  if (last?.kind === 'call' && (last.name === 'exists' || last.name === 'empty' || last.name === 'not')) {
    const before = path.slice(0, -1)
    if (last.name === 'not') {
      const values = valuesAt(bytes, node, before)
      return values.length === 0 ? [] : [values[0] === false]
    }
    const found = follow(bytes, [node], before)
    const { argument } = last
    const some = argument === undefined ? found : found.filter((each) => isTrue(bytes, each, argument))
    return [some.length > 0 === (last.name === 'exists')]
  }
  return follow(bytes, [node], path).map(({ span }) => valueAt(bytes, span))
}

/** Of an object or a list, its bytes: it is equal to itself alone. */
function valueAt(bytes: Uint8Array, span: Span): Value {
  const text = textAt(bytes, span)
  if (text !== undefined) return text
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset + span.start, span.end - span.start)
    .toString()
    .trim()
  if (raw === 'true' || raw === 'false') return raw === 'true'
  return /^-?\d/.test(raw) ? Number(raw) : `\0${raw}`
}
