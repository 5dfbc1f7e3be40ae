/** What an operation is asked for: by the query, or by a Parameters resource. Whatever it does not take is refused. */
import type { FastifyRequest } from 'fastify'
import * as E from 'fp-ts/lib/Either.js'
import { scanBody } from '../../../domain/body/index.js'
import { queryOf } from '../context.js'
import { HttpProblem } from '../failures.js'
import { checkContentType } from '../formats.js'
import { inParameter, type Place, placeOfError } from '../places.js'
import type { Operation, Parameter } from './definitions.js'

export interface Input {
  text(name: string): string | undefined
  texts(name: string): ReadonlyArray<string>
  /** `false` where it is not said. */
  flag(name: string): boolean | undefined
  count(name: string): number | undefined
  /** Where the first of these parameters that is given stands; where it comes several times, all parameters. */
  place(...names: ReadonlyArray<string>): Place
  /** What is wrong with a parameter, where it stands. */
  problem(name: string, problem: string, code?: string, status?: number): HttpProblem
}

/** A value, and where it stands. */
export interface Given {
  readonly name: string
  readonly value: unknown
  readonly place: Place
}

export function inputOf(request: FastifyRequest, operation: Operation): Input {
  const given = givenIn(request)
  const values = new Map<string, (string | number | boolean)[]>()
  for (const { name, value, place } of given) {
    const parameter = operation.takes.find((each) => each.name === name)
    if (parameter === undefined) throw refused(unknown(operation), place, 'not-supported')
    const read = readers[parameter.type ?? 'string']?.(value, parameter)
    if (read === undefined) throw refused(`${name}: ${wanted(parameter)} is needed`, place)
    const before = values.get(name) ?? []
    if (before.length > 0 && parameter.max !== '*') throw refused(`${name}: it is given once`, place)
    values.set(name, [...before, read])
  }
  const placeOf = (name: string): Place => given.find((each) => each.name === name)?.place ?? inParameter(name)
  for (const { name, min } of operation.takes)
    if (min === 1 && !values.has(name)) throw refused(`${name}: it is needed`, placeOf(name), 'required')
  const place = (...names: ReadonlyArray<string>): Place => {
    const name = names.find((each) => values.has(each)) ?? names[0] ?? 'parameter'
    const isInBody = given.some((each) => each.name === name && each.place.expression !== undefined)
    return isInBody && (values.get(name)?.length ?? 0) > 1 ? { expression: ['Parameters.parameter'] } : placeOf(name)
  }
  const first = <A>(name: string): A | undefined => values.get(name)?.[0] as A | undefined
  return {
    text: first,
    texts: (name) => (values.get(name) ?? []) as string[],
    flag: first,
    count: first,
    place,
    problem: (name, problem, code = 'value', status = 400) =>
      new HttpProblem(status, code, `${name}: ${problem}`, {}, placeOf(name)),
  }
}

const refused = (message: string, place: Place, code = 'value'): HttpProblem =>
  new HttpProblem(400, code, message, {}, place)

const unknown = ({ code, takes }: Operation): string =>
  takes.length === 0 ? `$${code} takes no parameters` : `$${code} takes ${takes.map(({ name }) => name).join(', ')}`

/** What the query says, and behind it what a Parameters resource does. */
export const givenIn = (request: FastifyRequest): ReadonlyArray<Given> => [...inQuery(request), ...inBody(request)]

const inQuery = (request: FastifyRequest): Given[] =>
  [...queryOf(request)].map(([name, value]) => ({
    name,
    value,
    place: inParameter(/^[\w:.-]{1,40}$/.test(name) ? name : 'parameter'),
  }))

/** What a Parameters resource has as its parameters, whatever that is; `undefined`: it has none. */
export function parametersIn(body: Buffer): unknown {
  const scanned = scanBody(body)
  if (E.isLeft(scanned)) throw refused(scanned.left.message, placeOfError(scanned.left, 'Parameters'), 'structure')
  const { resourceType, parameter } = JSON.parse(body.toString()) as {
    readonly resourceType?: unknown
    readonly parameter?: unknown
  }
  if (resourceType === 'Parameters') return parameter
  throw refused('a Parameters resource is needed', { expression: ['Parameters'] }, 'invalid')
}

/** A POST may come without a body. */
function inBody(request: FastifyRequest): Given[] {
  const body = request.body as Buffer | undefined
  if (request.method !== 'POST' || body === undefined || body.length === 0) return []
  checkContentType(request)
  const parameter = parametersIn(body)
  if (parameter === undefined) return []
  if (!Array.isArray(parameter))
    throw refused('a list is needed', { expression: ['Parameters.parameter'] }, 'structure')
  return parameter.map((each: unknown, i): Given => {
    const place = { expression: [`Parameters.parameter[${i}]`] } as const
    if (typeof each !== 'object' || each === null) throw refused('an object is needed', place, 'structure')
    const { name, ...rest } = each as Record<string, unknown>
    const values = Object.entries(rest).filter(([member]) => member.startsWith('value'))
    if (typeof name !== 'string') throw refused('a name is needed', place, 'required')
    return { name, value: values.length === 1 ? values[0]?.[1] : undefined, place }
  })
}

type Reader = (value: unknown, parameter: Parameter) => string | number | boolean | undefined

/** A query has texts only; of a Parameters resource the type of the value is not looked at, as long as it is one of its kind. */
const readers: Readonly<Partial<Record<NonNullable<Parameter['type']>, Reader>>> = {
  string: (value) => {
    if (Number.isSafeInteger(value)) return String(value)
    return typeof value === 'string' && value !== '' ? value : undefined
  },
  code: (value, { codes = [] }) => codes.find((code) => code === value),
  boolean: (value) => [true, false].find((each) => value === each || value === String(each)),
  positiveInt: (value) => numberFrom(1, value),
  unsignedInt: (value) => numberFrom(0, value),
}

const numberFrom = (least: number, value: unknown): number | undefined => {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return Number.isSafeInteger(number) && (number as number) >= least ? (number as number) : undefined
}

const wanted = ({ type, codes = [] }: Parameter): string =>
  type === 'boolean'
    ? 'true or false'
    : type === 'positiveInt'
      ? 'a whole number from 1'
      : type === 'unsignedInt'
        ? 'a whole number from 0'
        : type === 'code'
          ? `one of ${codes.join(', ')}`
          : 'a text'
