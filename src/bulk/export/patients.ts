/** The patients that an export is about: those that are named, or the members of a Group, as they are at the snapshot. */
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import { groupMembers } from '../../../domain/fhir/group.js'
import type { VersionPointer } from '../../../domain/pointer.js'
import type { ResourceRef } from '../../../domain/resource.js'
import { mapBounded } from '../../../domain/task.js'
import type { Limits } from '../../limits.js'
import type { ExportedLog } from './snapshot.js'
import type { ExportRequest, LogEnd } from './state.js'

export interface PatientsDeps {
  readonly logs: ReadonlyArray<ExportedLog>
  /** Of the snapshot. */
  readonly ends: ReadonlyArray<LogEnd>
  readonly limits: Limits
}

/** Whether the patient of an id is meant; `undefined`: every one is. */
export type IsPatient = ((id: string) => boolean) | undefined

export async function patientsOf(
  deps: PatientsDeps,
  { level, group, patients, base }: ExportRequest,
): Promise<IsPatient> {
  const named = patients && new Set(patients)
  if (level !== 'group' || group === undefined) return named && ((id) => named.has(id))
  const members = await membersOf(deps, group, base)
  return (id) => members.has(id) && named?.has(id) !== false
}

/** Refuses what is not there, and patients who are no members. */
export async function checkPatients(deps: PatientsDeps, request: ExportRequest): Promise<void> {
  const { group, patients = [] } = request
  const isMember = group === undefined ? undefined : await patientsOf(deps, request)
  await mapBounded(patients, deps.limits.concurrency, async (id) => {
    if ((await found(deps, { type: 'Patient', id })) === undefined)
      throw invalid('patients', `there is no Patient/${id} at this instant`)
    if (isMember?.(id) === false) throw invalid('patients', `Patient/${id} is no member of Group/${group}`)
  })
}

async function membersOf(deps: PatientsDeps, group: string, base: string | undefined): Promise<ReadonlySet<string>> {
  const { maxExportPatients: limit } = deps.limits
  const patients = new Set<string>()
  const groups = new Set([group])
  for (const id of groups) {
    const there = await found(deps, { type: 'Group', id })
    if (there === undefined && id === group) throw invalid('group', `there is no Group/${group} at this instant`)
    if (there === undefined) continue
    for (const { type, id: member } of groupMembers(await there.from.reader.body(there.pointer), base)) {
      if (type === 'Patient') patients.add(member)
      else if (type === 'Group') groups.add(member)
      const actual = patients.size + groups.size
      if (actual > limit) throw annalsError('LimitExceeded', { what: 'the group', limit, actual, unit: 'members' })
    }
  }
  return patients
}

/** The version of a resource at the snapshot, with its log; `undefined`: there is none, or a deletion. */
async function found(
  { logs, ends }: PatientsDeps,
  ref: ResourceRef,
): Promise<{ readonly from: ExportedLog; readonly pointer: VersionPointer } | undefined> {
  for (const [i, from] of logs.entries()) {
    const pointer = await from.reader.versionWithin(ref, { seq: ends[i]?.seq ?? 0 })
    if (pointer !== undefined) return pointer.op === 'delete' ? undefined : { from, pointer }
  }
  return undefined
}

const invalid = (what: string, problem: string): AnnalsError => annalsError('InvalidInput', { what, problem })
