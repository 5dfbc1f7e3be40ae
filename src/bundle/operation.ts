/** The operation of one entry, once it is known which resource it means and what its links lead to. */
import { scanBody } from '../../domain/body/index.js'
import type { Expectation, Operation } from '../../domain/decide.js'
import { type Document, readDocument } from '../../domain/document.js'
import { annalsError } from '../../domain/error.js'
import type { Interaction } from '../../domain/fhir/bundle/interaction.js'
import { placeOf } from '../../domain/fhir/bundle/read.js'
import { orThrow } from '../../domain/task.js'
import type { Reader } from '../read/reader.js'
import type { Identity } from './identity.js'
import type { Lookup } from './plan.js'

/** Stands for a resource where a condition selects none: it is no FHIR id. */
const nothing = '_'

/** `body`: with its links replaced. `place`: of the operation among the others. Reads check that what they want is there, so that all fail with them, or none. */
export async function operationOf(
  reader: Reader,
  interaction: Interaction,
  { id = nothing, assigned, selected }: Identity = { id: undefined, assigned: false, selected: false },
  body: Uint8Array | undefined,
  { lookup, place }: { readonly lookup: Lookup; readonly place: number },
): Promise<Operation> {
  const { type, index } = interaction
  const check = (expect: Expectation, checked = id): Operation => ({ kind: 'check', type, id: checked, expect })
  const put = (method: 'POST' | 'PUT' | 'PATCH', expect: Expectation): Operation => {
    const document = documentOf(body ?? new Uint8Array(), type, index)
    return { kind: 'put', type, id, idAssigned: assigned, method, expect, onlyIfChanged: false, body: document }
  }
  switch (interaction.kind) {
    case 'create':
      return selected ? check('exists') : put('POST', 'absent')
    case 'update': {
      const { ifMatch, onlyCreate, target } = interaction
      if ('id' in target) checkId(interaction.body, id, index)
      const isNew = onlyCreate || ('condition' in target && !selected)
      return put(assigned ? 'POST' : 'PUT', ifMatch ?? (isNew ? 'absent' : 'any'))
    }
    case 'patch':
      // Nothing to patch: the check says so.
      if (body === undefined) return check('exists')
      if (orThrow(scanBody(body)).id?.text === id) return put('PATCH', interaction.ifMatch ?? 'exists')
      throw annalsError('InvalidInput', { what: placeOf(index, 'resource'), problem: 'a patch cannot change the id' })
    case 'delete':
      return id === nothing
        ? check(interaction.ifMatch ?? 'any')
        : { kind: 'delete', type, id, expect: interaction.ifMatch ?? 'any' }
    case 'read': {
      const { id, version } = interaction
      if (version === undefined) return check('exists', id)
      const seq = await lookup.seq()
      const pointer = await reader.version({ type, id }, version)
      if (pointer !== undefined && pointer.seq <= seq && pointer.op !== 'delete') return check('any', id)
      const actual = pointer === undefined || pointer.seq > seq ? 0 : version
      const conflict = { operation: place, type, id, expected: 'exists', actual, deleted: actual > 0 } as const
      throw annalsError('Conflict', { conflicts: [conflict] })
    }
    default:
      return check('any')
  }
}

/** Only an update by id says so twice. */
function checkId(body: Uint8Array, id: string, index: number): void {
  const sent = orThrow(scanBody(body)).id
  if (sent?.text === id) return
  const isAbsent = sent === undefined ? ({ isAbsent: true } as const) : undefined
  const problem = 'it has to be there, and the id of the URL'
  throw annalsError('InvalidInput', { what: placeOf(index, 'resource.id'), problem, ...isAbsent })
}

/** A body that is refused is named by its entry. */
function documentOf(bytes: Uint8Array, type: string, index: number): Document {
  const read = readDocument('fhir', bytes, type, undefined)
  if (read._tag === 'Right') return read.right
  const error = read.left
  const what = placeOf(index, 'resource')
  if (error._tag === 'InvalidBody') {
    const path = error.data.path === '' ? what : `${what}.${error.data.path}`
    throw annalsError('InvalidBody', { ...error.data, path })
  }
  throw error._tag === 'InvalidInput' ? annalsError('InvalidInput', { ...error.data, what }) : error
}
