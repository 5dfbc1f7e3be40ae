/**
 * Which resources an export is about, and what is written of them. What the header of an event tells is asked first, so that bodies are
 * only looked into where that is not enough.
 */
import { belongsTo, patientPaths } from '../../../domain/fhir/compartment.js'
import { readElements, subsetOf } from '../../../domain/fhir/subset.js'
import { filterByBody, filterByHeader, readTypeFilters } from '../../../domain/fhir/type-filter.js'
import type { FhirVersion } from '../../../domain/fhir/version.js'
import type { EventHeader } from '../../../domain/header.js'
import { orThrow } from '../../../domain/task.js'
import { fenceType } from '../../saga/fence.js'
import type { IsPatient } from './patients.js'
import type { ExportRequest } from './state.js'

/** `by-body`: its body has to be looked at. */
export type Verdict = 'yes' | 'no' | 'by-body'

export interface Selection {
  /** By the header of a current version, in a commit of this instant. */
  verdict(event: EventHeader, at: number): Verdict
  /** Whether a deletion is told. It has no body: `by-body` asks for that of the version before it. */
  deletion(event: EventHeader, at: number): Verdict
  /** By the body. `at` is left out for what stood before a deletion, which was looked at for the instant of the deletion. */
  selects(event: EventHeader, at: number | undefined, body: Uint8Array): boolean
  /** What is written of a body that counts. */
  line(event: EventHeader, body: Uint8Array): Uint8Array
}

export function makeSelection(request: ExportRequest, fhirVersion: FhirVersion, isPatient: IsPatient): Selection {
  const { types, since, deleted, level, base } = request
  const wanted = types && new Set(types)
  const filters = orThrow(readTypeFilters('typeFilters', request.typeFilters ?? []))
  const elements = orThrow(readElements('elements', request.elements ?? []))
  const isMeant = isPatient ?? (() => true)
  /** The fences of sagas are the store's own. */
  const isOfType = ({ type }: EventHeader): boolean => (wanted === undefined ? type !== fenceType : wanted.has(type))

  function verdict(event: EventHeader, at: number): Verdict {
    const { type, id } = event
    if (!isOfType(event)) return 'no'
    const filtered = filters.get(type)
    const byFilter = filtered === undefined ? 'yes' : filterByHeader(filtered, id, at)
    if (byFilter === 'no' || (level !== 'system' && !patientPaths.has(type))) return 'no'
    const isClear = level === 'system' || (type === 'Patient' && isMeant(id))
    return byFilter === 'yes' && isClear ? 'yes' : 'by-body'
  }

  return {
    verdict,
    deletion: (event, at) => (since !== undefined && deleted ? verdict(event, at) : 'no'),
    selects({ type, id }, at, body) {
      const filtered = filters.get(type)
      if (filtered !== undefined && !filterByBody(filtered, id, at, body)) return false
      return level === 'system' || belongsTo(type, id, body, isMeant, base)
    },
    line({ type }, body) {
      const kept = elements(type)
      return kept === undefined ? body : subsetOf(body, type, kept, fhirVersion)
    },
  }
}
