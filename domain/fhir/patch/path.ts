/** The FHIRPath that patches locate elements by: its grammar, as a tree. (FHIRPath 2.0, and "simple subset" of FHIR R4, FHIRPath Patch) */

/** A path, from what it begins at. */
export type Path = ReadonlyArray<Step>

export type Step =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'call'; readonly name: FunctionName; readonly argument?: Expression }

export type Expression =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'boolean'; readonly boolean: boolean }
  | { readonly kind: 'binary'; readonly op: BinaryOperator; readonly left: Expression; readonly right: Expression }

export type BinaryOperator = '=' | '!=' | 'and' | 'or'

/** What each takes: `none`, a number, a text, an expression on each element, or one that may be left out. */
const functions = {
  first: 'none',
  last: 'none',
  tail: 'none',
  single: 'none',
  empty: 'none',
  not: 'none',
  skip: 'number',
  take: 'number',
  extension: 'text',
  ofType: 'type',
  where: 'expression',
  exists: 'optional',
} as const

export type FunctionName = keyof typeof functions

/** Why a path cannot be read. */
export class PathProblem {
  constructor(readonly problem: string) {}
}

const token =
  /\s*(?:('(?:[^'\\]|\\.)*')|(`[^`]+`)|(\d+(?:\.\d+)?)|(\$?[A-Za-z_][A-Za-z0-9_]*)|(@[0-9T:.+\-Z]+)|(!=|[().,=[\]])|(\S))/y

/** Throws `PathProblem`. */
export function parsePath(text: string): Path {
  const parser = parserOf(text)
  const path = parser.path()
  parser.end()
  return path
}

function parserOf(text: string) {
  const tokens: string[] = []
  token.lastIndex = 0
  while (token.lastIndex < text.trimEnd().length) {
    const match = token.exec(text)
    if (match === null) break
    if (match[7] !== undefined) throw new PathProblem(`'${match[7]}' cannot be in a path here`)
    tokens.push(match[0].trim())
  }
  let at = 0
  const peek = (): string | undefined => tokens[at]
  const take = (wanted?: string): string => {
    const found = tokens[at++]
    if (found === undefined || (wanted !== undefined && found !== wanted))
      throw new PathProblem(
        `${wanted === undefined ? 'more' : `'${wanted}'`} is needed ${found === undefined ? 'at its end' : `instead of '${found.slice(0, 40)}'`}`,
      )
    return found
  }
  const isName = (found: string | undefined): found is string => found !== undefined && /^[A-Za-z_`]/.test(found)

  function path(): Path {
    const steps: Step[] = []
    do {
      if (steps.length > 0) take('.')
      steps.push(...step())
    } while (peek() === '.')
    return steps
  }

  function step(): Step[] {
    const name = take()
    if (name === '$this') return indexes([])
    if (!isName(name)) throw new PathProblem(`'${String(name).slice(0, 40)}' is no name of an element`)
    if (peek() !== '(') return indexes([{ kind: 'member', name: name.replaceAll('`', '') }])
    take('(')
    const call = callOf(name)
    take(')')
    return indexes([call])
  }

  function indexes(steps: Step[]): Step[] {
    while (peek() === '[') {
      take('[')
      const index = take()
      if (!/^\d{1,9}$/.test(index)) throw new PathProblem(`'${index.slice(0, 40)}' is no index`)
      steps.push({ kind: 'index', index: Number(index) })
      take(']')
    }
    return steps
  }

  function callOf(name: string): Step {
    if (!Object.hasOwn(functions, name))
      throw new PathProblem(`the function ${name}() is not supported; there are ${Object.keys(functions).join(', ')}`)
    const known = name as FunctionName
    const takes = functions[known]
    if (takes === 'none' || (takes === 'optional' && peek() === ')')) return { kind: 'call', name: known }
    const argument = expression()
    const is = argument.kind
    const isRight: boolean =
      takes === 'number' || takes === 'text'
        ? is === takes
        : takes === 'type'
          ? is === 'path' && argument.path.every((each) => each.kind === 'member')
          : true
    if (!isRight) throw new PathProblem(`${name}() takes a ${takes}`)
    return { kind: 'call', name: known, argument }
  }

  const binary = (ops: ReadonlyArray<BinaryOperator>, operand: () => Expression) => (): Expression => {
    let left = operand()
    for (let op = peek(); ops.includes(op as BinaryOperator); op = peek()) {
      take()
      left = { kind: 'binary', op: op as BinaryOperator, left, right: operand() }
    }
    return left
  }
  const equality = binary(['=', '!='], operand)
  const conjunction = binary(['and'], equality)
  const expression = binary(['or'], conjunction)

  function operand(): Expression {
    const next = peek()
    if (next === undefined) take()
    const found = next as string
    if (found === '(') {
      take('(')
      const inner = expression()
      take(')')
      return inner
    }
    if (found.startsWith("'")) return { kind: 'text', text: unescaped(take().slice(1, -1)) }
    if (found.startsWith('@')) return { kind: 'text', text: take().slice(1) }
    if (/^\d/.test(found)) return { kind: 'number', number: Number(take()) }
    if (found === 'true' || found === 'false') return { kind: 'boolean', boolean: take() === 'true' }
    return { kind: 'path', path: path() }
  }

  return {
    path,
    end: () => {
      if (at < tokens.length) throw new PathProblem(`'${(tokens[at] as string).slice(0, 40)}' cannot follow here`)
    },
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' }

const unescaped = (text: string): string =>
  text.replace(/\\(?:u([0-9A-Fa-f]{4})|(.))/g, (_, code: string | undefined, char: string) =>
    code === undefined ? (escapes[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16)),
  )
