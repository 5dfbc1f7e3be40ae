/** What a caller asks of an export, checked before anything is read or written. */
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import { isResourceType } from '../../../domain/fhir/resource-types.js'
import { readElements } from '../../../domain/fhir/subset.js'
import { readTypeFilters } from '../../../domain/fhir/type-filter.js'
import { type FhirVersion, releaseNames } from '../../../domain/fhir/version.js'
import { parseInstant } from '../../../domain/instant.js'
import { typeIndexPk } from '../../../domain/keys.js'
import type { PointerStore } from '../../../domain/ports/index.js'
import { checkId, checkSegment, checkType, type Kind } from '../../../domain/resource.js'
import { everyShard } from '../../../domain/shards.js'
import { orThrow, run } from '../../../domain/task.js'
import type { Limits } from '../../limits.js'
import type { ExportOptions } from './api.js'
import type { ExportedLog } from './snapshot.js'
import type { ExportRequest } from './state.js'

export interface RequestDeps {
  readonly kind: Kind
  readonly fhirVersion: FhirVersion
  readonly shards: number
  readonly pointers: PointerStore
  readonly limits: Limits
  readonly logs: ReadonlyArray<ExportedLog>
}

const maxEntries = 1_000
const maxOutcomes = 1_000

export async function requestOf(deps: RequestDeps, options: ExportOptions): Promise<ExportRequest> {
  const { deleted, to, base, outcomes = [] } = options
  const since = instantIn('since', options.since)
  const until = instantIn('until', options.until)
  if (since !== undefined && until !== undefined && since > until) refuse('since', 'it is later than until')
  if (deleted === true && since === undefined) refuse('deleted', 'deletions are told with since only')
  for (const [what, url] of Object.entries({ to, base }))
    if (url !== undefined && typeof url !== 'string') refuse(what, 'it is a URL')
  if (!Array.isArray(outcomes) || outcomes.length > maxOutcomes)
    refuse('outcomes', `it is a list of at most ${maxOutcomes}`)
  const types = listIn('types', options.types)?.map((type) => orThrow(checkType(deps.kind, type)))
  for (const type of types ?? []) if (!(await isKnown(deps, type))) refuse('types', unknownType(deps, type))
  const request = {
    ...levelOf(deps, options),
    base,
    types: types && [...new Set(types)].sort(),
    ...contentOf(deps, options, types),
    since,
    until,
    to,
    deleted: deleted ?? true,
    outcomes: outcomes.map((outcome) => ({ ...outcome })),
  }
  // What is not said is no part of it: it is compared as text.
  return JSON.parse(JSON.stringify(request)) as ExportRequest
}

function levelOf(
  { kind, limits }: RequestDeps,
  { level = 'system', patients: said }: ExportOptions,
): Pick<ExportRequest, 'level' | 'group' | 'patients'> {
  const group = typeof level === 'object' && level !== null ? level.group : undefined
  if (group === undefined && level !== 'system' && level !== 'patient')
    refuse('level', "it is 'system', 'patient', or { group } with the id of a Group")
  if (kind === 'json' && (level !== 'system' || said !== undefined)) throw onlyFhir('level')
  if (level === 'system' && said !== undefined) refuse('patients', 'a system is exported whole: say level')
  const patients = listIn('patients', said, limits.maxExportPatients)?.map((id) => orThrow(checkId('fhir', id)))
  return {
    level: group === undefined ? (level as 'system' | 'patient') : 'group',
    group: group === undefined ? undefined : orThrow(checkId('fhir', group)),
    patients: patients && [...new Set(patients)].sort(),
  }
}

function contentOf(
  { kind }: RequestDeps,
  { typeFilters, elements }: ExportOptions,
  types: ReadonlyArray<string> | undefined,
): Pick<ExportRequest, 'typeFilters' | 'elements'> {
  if (kind === 'json' && typeFilters !== undefined) throw onlyFhir('typeFilters')
  if (kind === 'json' && elements !== undefined) throw onlyFhir('elements')
  const filters = listIn('typeFilters', typeFilters)
  for (const type of orThrow(readTypeFilters('typeFilters', filters ?? [])).keys())
    if (types?.includes(type) === false)
      refuse('typeFilters', `there is a filter of ${type}, which types does not name`)
  const names = listIn('elements', elements)
  orThrow(readElements('elements', names ?? []))
  return { typeFilters: filters, elements: names }
}

const onlyFhir = (what: string): AnnalsError =>
  annalsError('NotSupported', { what, problem: 'only FHIR resources are selected by what they say' })

/** An id is the segment of a key. */
export const checkJob = (id: string): string => orThrow(checkSegment('export', id))

function instantIn(what: string, said: string | Date | undefined): number | undefined {
  if (said === undefined) return undefined
  if (typeof said === 'string') {
    const parsed = parseInstant(said)
    return parsed._tag === 'Right' ? parsed.right : refuse(what, (parsed.left.data as { problem: string }).problem)
  }
  if (said instanceof Date && !Number.isNaN(said.getTime())) return said.getTime() * 1000
  return refuse(what, 'an instant is needed, such as 2026-11-22T10:15:30Z')
}

/** A list that is given has something in it: an empty one would mean all to one reader and nothing to another. */
function listIn(what: string, list: ReadonlyArray<string> | undefined, most = maxEntries): string[] | undefined {
  if (list === undefined) return undefined
  if (!Array.isArray(list) || list.length === 0) refuse(what, 'it is a list of one or more; leave it out for all')
  if (list.length > most)
    throw annalsError('LimitExceeded', { what, limit: most, actual: list.length, unit: 'entries' })
  return list.map((each) => (typeof each === 'string' ? each : refuse(what, 'it is a list of texts')))
}

/** A type of FHIR, or one of which the tenant has had something. */
async function isKnown({ kind, fhirVersion, shards, pointers, logs }: RequestDeps, type: string): Promise<boolean> {
  if (kind === 'fhir' && isResourceType(type, fhirVersion)) return true
  for (const { log } of logs)
    for (const shard of everyShard(shards))
      if ((await run(pointers.query({ pk: typeIndexPk(log, type, shard), limit: 1 }))).items.length > 0) return true
  return false
}

const unknownType = ({ kind, fhirVersion }: RequestDeps, type: string): string =>
  kind === 'fhir'
    ? `there is no type '${type}' in FHIR ${releaseNames[fhirVersion]}, and nothing of it in this tenant`
    : `there is nothing of the type '${type}' in this tenant`

function refuse(what: string, problem: string): never {
  throw annalsError('InvalidInput', { what, problem })
}
