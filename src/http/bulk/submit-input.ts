/**
 * What `$bulk-submit` is told, in the dialects that are spoken: names in any capitals, URLs as any kind of text, and the states of both
 * vocabularies. (HL7 Bulk Data Access 4.0.0-ballot, submit; Argonaut before it)
 */
import type { FastifyRequest } from 'fastify'
import * as E from 'fp-ts/lib/Either.js'
import { checkSegment } from '../../../domain/resource.js'
import type { SubmissionName } from '../../index.js'
import { HttpProblem } from '../failures.js'
import { checkContentType, ndjsonTypes } from '../formats.js'
import { bulkSubmit, bulkSubmitStatus, type Operation } from '../operations/definitions.js'
import { parametersIn } from '../operations/input.js'
import type { Place } from '../places.js'
import { isLenient } from '../preferences.js'

export interface SubmitInput extends SubmissionName {
  readonly status?: 'in-progress' | 'completed' | 'stopped'
  readonly manifestUrl?: string
  readonly replaces?: string
  /** Of requests for the manifest and its files. */
  readonly headers: Readonly<Record<string, string>>
}

interface Given {
  readonly name: string
  readonly value: unknown
  readonly parts: ReadonlyArray<Given>
  readonly place: Place
}

const refused = (problem: string, place: Place, code = 'value', status = 400): HttpProblem =>
  new HttpProblem(status, code, problem, {}, place)

const inParameters: Place = { expression: ['Parameters.parameter'] }

/** Parameters that ask for what is not done. */
const unsupported: ReadonlySet<string> = new Set(['oauthmetadataurl', 'fileencryptionkey'])
/** What is known of a submission, and changes nothing. */
const passedOver: ReadonlySet<string> = new Set(['metadata', 'fhirbaseurl', 'outputformat', '_outputformat'])

const statuses: ReadonlyMap<string, NonNullable<SubmitInput['status']>> = new Map([
  ['in-progress', 'in-progress'],
  ['completed', 'completed'],
  ['complete', 'completed'],
  ['stopped', 'stopped'],
  ['aborted', 'stopped'],
])

export function submitInputOf(request: FastifyRequest): SubmitInput {
  const given = parametersOf(request)
  const find = (name: string): Given | undefined => given.find((each) => each.name === name)
  checkNames(request, given, bulkSubmit)
  const format = find('outputformat') ?? find('_outputformat')
  if (format !== undefined && !ndjsonTypes.has(String(format.value).split(';')[0]?.trim() ?? ''))
    throw refused('outputFormat: files of application/fhir+ndjson are taken', format.place, 'not-supported')
  const manifest = find('manifesturl')
  if (manifest !== undefined && find('fhirbaseurl') === undefined)
    throw refused('fhirBaseUrl: it is needed with manifestUrl', inParameters, 'required')
  const status = find('submissionstatus')
  const replaces = find('replacesmanifesturl')
  if (status === undefined && manifest === undefined && replaces === undefined)
    throw refused('submissionStatus or manifestUrl: one of them is needed', inParameters, 'required')
  return {
    ...nameIn(given),
    headers: Object.fromEntries(given.filter(({ name }) => name === 'filerequestheader').map(headerOf)),
    ...(status === undefined ? undefined : { status: statusOf(status) }),
    ...(manifest === undefined ? undefined : { manifestUrl: textOf(manifest) }),
    ...(replaces === undefined ? undefined : { replaces: textOf(replaces) }),
  }
}

/** Of which submission a status is asked for. */
export function statusInputOf(request: FastifyRequest): SubmissionName {
  const given = parametersOf(request)
  checkNames(request, given, bulkSubmitStatus)
  return nameIn(given)
}

function checkNames(request: FastifyRequest, given: ReadonlyArray<Given>, { code, takes }: Operation): void {
  const known = new Map(takes.map(({ name, max }) => [name.toLowerCase(), max]))
  const seen = new Set<string>()
  for (const { name, place } of given) {
    if (seen.has(name) && known.has(name) && known.get(name) !== '*') throw refused(`${name}: it is given once`, place)
    seen.add(name)
    // What others define has the name of a URL.
    const isKnown = known.has(name) || passedOver.has(name) || name.startsWith('import') || name.startsWith('http')
    if (!unsupported.has(name) && (isKnown || isLenient(request))) continue
    throw refused(`$${code} takes ${takes.map((each) => each.name).join(', ')}`, place, 'not-supported')
  }
}

function nameIn(given: ReadonlyArray<Given>): SubmissionName {
  const [submitter, submission] = ['submitter', 'submissionid'].map((name) => {
    const found = given.find((each) => each.name === name)
    if (found === undefined) throw refused(`${name}: it is needed`, inParameters, 'required')
    return found
  }) as [Given, Given]
  const { system = '', value } = (typeof submitter.value === 'object' ? (submitter.value ?? {}) : {}) as {
    readonly system?: unknown
    readonly value?: unknown
  }
  if (typeof value !== 'string' || value === '' || typeof system !== 'string')
    throw refused('submitter: an Identifier with a value is needed', submitter.place)
  return { submitter: keyOf(submitter, `${system}|${value}`), submission: keyOf(submission, textOf(submission)) }
}

/** What it is kept under. */
function keyOf({ name, place }: Given, text: string): string {
  const checked = checkSegment(name, text)
  if (E.isRight(checked)) return text
  throw refused(checked.left.message, place)
}

function parametersOf(request: FastifyRequest): Given[] {
  checkContentType(request)
  const body = request.body as Buffer | undefined
  if (body === undefined || body.length === 0)
    throw refused('a Parameters resource is needed', { expression: ['Parameters'] }, 'required')
  return given(parametersIn(body) ?? [], 'Parameters.parameter')
}

function given(list: unknown, path: string): Given[] {
  if (!Array.isArray(list)) throw refused('a list is needed', { expression: [path] }, 'structure')
  return list.map((each: unknown, i): Given => {
    const place: Place = { expression: [`${path}[${i}]`] }
    const {
      name,
      part = [],
      ...rest
    } = (typeof each === 'object' && each !== null ? each : {}) as Record<string, unknown>
    if (typeof name !== 'string') throw refused('a name is needed', place, 'required')
    const value = Object.entries(rest).find(([member]) => member.startsWith('value'))?.[1]
    return { name: name.toLowerCase(), value, parts: given(part, `${path}[${i}].part`), place }
  })
}

function textOf({ name, value, place }: Given): string {
  if (typeof value === 'string' && value !== '') return value
  throw refused(`${name}: a text is needed`, place)
}

function statusOf({ value, place }: Given): SubmitInput['status'] {
  const { code } = (typeof value === 'object' && value !== null ? value : { code: value }) as {
    readonly code?: unknown
  }
  const found = typeof code === 'string' ? statuses.get(code.toLowerCase()) : undefined
  if (found !== undefined) return found
  throw refused(`submissionStatus: one of ${[...statuses.keys()].join(', ')} is needed`, place)
}

function headerOf({ parts, place }: Given): [string, string] {
  const [name, value] = ['headername', 'headervalue'].map((part) => {
    const found = parts.find((each) => each.name === part)
    return found === undefined ? undefined : textOf(found)
  })
  if (name !== undefined && value !== undefined && /^[\w-]{1,100}$/.test(name) && /^[\t\x20-\x7e]*$/.test(value))
    return [name.toLowerCase(), value]
  throw refused('fileRequestHeader: the parts headerName and headerValue are needed', place)
}
