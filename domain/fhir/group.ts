/** The members of a FHIR Group, read from its bytes: it may have very many. */
import { isObjectAt, membersOf } from '../body/index.js'
import type { ResourceRef } from '../resource.js'
import { referenceAt, rootOf, valuesAt } from './compartment.js'
import { localReference } from './reference.js'

/** What it refers to, without those that are no longer in it. (`Group.member.inactive`) */
export function* groupMembers(group: Uint8Array, base?: string): Generator<ResourceRef> {
  for (const { start } of valuesAt(group, { start: rootOf(group), end: group.length }, ['member'], 0)) {
    if (!isObjectAt(group, start)) continue
    let entity: number | undefined
    let isInactive = false
    for (const member of membersOf(group, start)) {
      if (member.name === 'entity') entity = member.start
      else if (member.name === 'inactive') isInactive = group[member.start] === letterT
    }
    const reference = entity === undefined || !isObjectAt(group, entity) ? undefined : referenceAt(group, entity)
    const local = isInactive || reference === undefined ? undefined : localReference(reference, base)
    if (local !== undefined) yield local
  }
}

/** Of `true`. */
const letterT = 0x74
