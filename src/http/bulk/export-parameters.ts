/** What is asked of a bulk export, by a query or a Parameters resource. (Bulk Data Access, query parameters) */
import type { FastifyRequest } from 'fastify'
import { isResourceType } from '../../../domain/fhir/resource-types.js'
import { readElements } from '../../../domain/fhir/subset.js'
import { readTypeFilters } from '../../../domain/fhir/type-filter.js'
import type { FhirVersion } from '../../../domain/fhir/version.js'
import { formatInstant } from '../../../domain/instant.js'
import type { ExportOptions, Outcome } from '../../index.js'
import { periodIn } from '../context.js'
import { HttpProblem, issueOf } from '../failures.js'
import { ndjsonTypes } from '../formats.js'
import { readMediaType } from '../negotiation.js'
import { type Given, givenIn } from '../operations/input.js'
import { inParameter, type Place } from '../places.js'
import { isLenient } from '../preferences.js'

export type Level = 'system' | 'patient' | 'group'

export interface Asked {
  readonly options: Pick<
    ExportOptions,
    'types' | 'typeFilters' | 'elements' | 'since' | 'until' | 'patients' | 'outcomes'
  >
  /** What is wrong with a parameter, where it stands. */
  problem(name: string, problem: string, code?: string, status?: number): HttpProblem
}

const [outputFormat, since, until, type, elements, typeFilter, patient] = [
  '_outputFormat',
  '_since',
  '_until',
  '_type',
  '_elements',
  '_typeFilter',
  'patient',
] as const

const once: ReadonlyArray<string> = [outputFormat, since, until]
export const exportParameters: ReadonlyArray<string> = [...once, type, elements, typeFilter, patient]

export function askedOf(request: FastifyRequest, level: Level): Asked {
  const given = givenIn(request)
  const reading = makeReading(given, isLenient(request))
  reading.checkNames()
  checkFormat(reading, request.fhirVersion)
  const types = typesIn(reading, request.fhirVersion)
  const patients = patientsIn(reading, level)
  const typeFilters = typeFiltersIn(reading)
  const names = reading.list(elements)
  for (const { value, place } of names) {
    const read = readElements(elements, [value])
    if (read._tag === 'Left') throw problemAt(elements, read.left.data, place)
  }
  const from = reading.period(since)
  const to = reading.period(until)
  const options = {
    ...(types.length === 0 ? undefined : { types }),
    ...(typeFilters.length === 0 ? undefined : { typeFilters }),
    ...(names.length === 0 ? undefined : { elements: names.map(({ value }) => value) }),
    ...(patients.length === 0 ? undefined : { patients }),
    ...(from === undefined ? undefined : { since: formatInstant(from.from) }),
    // The last instant of what the client does not tell apart.
    ...(to === undefined ? undefined : { until: formatInstant(to.until - 1) }),
    ...(reading.passedOver.length === 0 ? undefined : { outcomes: reading.passedOver }),
  }
  return {
    options,
    problem: (name, problem, code = 'value', status = 400) =>
      refused(name, problem, reading.placeOf(name), code, status),
  }
}

interface Text {
  readonly value: string
  readonly place: Place
}

interface Reading {
  readonly given: ReadonlyArray<Given>
  /** What a lenient client is told among the errors of the export. */
  readonly passedOver: ReadonlyArray<Outcome>
  /** Throws it, or passes it over where the client is lenient. */
  passOver(problem: HttpProblem): void
  checkNames(): void
  placeOf(name: string): Place
  texts(name: string): ReadonlyArray<Text>
  /** With commas, or again and again. */
  list(name: string): ReadonlyArray<Text>
  period(name: string): ReturnType<typeof periodIn> | undefined
}

function makeReading(given: ReadonlyArray<Given>, lenient: boolean): Reading {
  const passedOver: Outcome[] = []
  const placeOf = (name: string): Place => given.find((each) => each.name === name)?.place ?? inParameter(name)

  function passOver(problem: HttpProblem): void {
    if (!lenient) throw problem
    passedOver.push(issueOf(problem.code, problem.message, problem.place))
  }

  function texts(name: string): Text[] {
    return given
      .filter((each) => each.name === name)
      .map(({ value, place }) => {
        if (typeof value === 'string' && value !== '') return { value, place }
        throw refused(name, 'a text is needed; leave it out for all', place)
      })
  }

  function list(name: string): Text[] {
    return texts(name).flatMap(({ value, place }) =>
      value.split(',').map((part) => {
        if (part.trim() !== '') return { value: part.trim(), place }
        throw refused(name, 'something is missing beside a comma', place)
      }),
    )
  }

  function checkNames(): void {
    const seen = new Set<string>()
    for (const { name, place } of given) {
      if (once.includes(name) && seen.has(name)) throw refused(name, 'it may be there once only', place)
      seen.add(name)
      if (exportParameters.includes(name)) continue
      const said = /^[\w:.-]{1,40}$/.test(name) ? name : 'a parameter'
      const known = exportParameters.join(', ')
      const problem = `it is none of ${known}; with 'Prefer: handling=lenient' it is passed over`
      passOver(refused(said, problem, place, 'not-supported'))
    }
  }

  function period(name: string) {
    const [text] = texts(name)
    return text && periodIn(name, text.value)
  }

  return { given, passedOver, passOver, checkNames, placeOf, texts, list, period }
}

const refused = (name: string, problem: string, place: Place, code = 'value', status = 400): HttpProblem =>
  new HttpProblem(status, code, `${name}: ${problem}`, {}, place)

const problemAt = (name: string, data: object, place: Place): HttpProblem =>
  refused(name, 'problem' in data ? String(data.problem) : 'there are too many', place)

/** A plus that was not percent-encoded has become a space on its way. */
function checkFormat(reading: Reading, served: FhirVersion): void {
  for (const { value, place } of reading.texts(outputFormat)) {
    const { type, parameters } = readMediaType(value.replace(/(\w) (?=\w)/g, '$1+'))
    if (ndjsonTypes.has(type) && (parameters.get('fhirversion') ?? served) === served) continue
    const known = [...ndjsonTypes].join(', ')
    throw refused(outputFormat, `it is one of ${known}, of FHIR ${served}`, place, 'not-supported')
  }
}

/** If all of them are passed over, that is not to mean all types. */
function typesIn(reading: Reading, served: FhirVersion): ReadonlyArray<string> {
  const said = reading.list(type)
  const known = said.filter(({ value, place }) => {
    if (isResourceType(value, served)) return true
    const problem = `there is no type '${value.slice(0, 40)}' in FHIR ${served}; with 'Prefer: handling=lenient' it is passed over`
    reading.passOver(refused(type, problem, place, 'not-supported'))
    return false
  })
  if (said.length > 0 && known.length === 0)
    throw refused(type, `none of them is a type of FHIR ${served}`, reading.placeOf(type), 'not-supported')
  return known.map(({ value }) => value)
}

/** Filters of one type mean any of them: one that is passed over takes the others of its type with it. */
function typeFiltersIn(reading: Reading): ReadonlyArray<string> {
  const dropped = new Set<string>()
  const said = reading.texts(typeFilter).flatMap(({ value, place }) =>
    // Within a query a comma separates alternatives.
    value.split(/,(?=[A-Z][A-Za-z]*\?)/).map((query) => ({ query, place })),
  )
  for (const { query, place } of said) {
    const read = readTypeFilters(typeFilter, [query])
    if (read._tag === 'Right') continue
    const problem = problemAt(typeFilter, read.left.data, place)
    if (read.left._tag !== 'NotSupported') throw problem
    reading.passOver(new HttpProblem(problem.status, 'not-supported', problem.message, {}, place))
    dropped.add(typeOfQuery(query))
  }
  return said.map(({ query }) => query).filter((query) => !dropped.has(typeOfQuery(query)))
}

const typeOfQuery = (query: string): string => query.split('?', 1)[0] as string

function patientsIn(reading: Reading, level: Level): ReadonlyArray<string> {
  return reading.given
    .filter(({ name }) => name === patient)
    .map(({ value, place }) => {
      if (level === 'system') throw refused(patient, 'a whole system has no patients to choose', place, 'not-supported')
      if (typeof value === 'string')
        throw refused(patient, 'patients are named in the Parameters of a POST, each as a valueReference', place)
      const { reference } = (value ?? {}) as { readonly reference?: unknown }
      const [, id] = /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(String(reference)) ?? []
      if (id !== undefined) return id
      throw refused(patient, 'a reference such as Patient/123 is needed', place)
    })
}
