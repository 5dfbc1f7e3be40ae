/** Which resource each write of a Bundle means, and that no two mean the same. */
import { scanBody } from '../../domain/body/index.js'
import { annalsError } from '../../domain/error.js'
import type { Interaction, Write } from '../../domain/fhir/bundle/interaction.js'
import { placeOf } from '../../domain/fhir/bundle/read.js'
import type { Condition } from '../../domain/fhir/condition.js'
import { refKey } from '../../domain/resource.js'
import type { Overlay } from '../../domain/selection.js'
import { orThrow } from '../../domain/task.js'
import type { Lookup } from './plan.js'

/** Which resource a write means. */
export interface Identity {
  /** `undefined`: what was to be deleted is not there. */
  readonly id: string | undefined
  /** The store has just made the id. */
  readonly assigned: boolean
  /** A condition selects it. */
  readonly selected: boolean
}

export async function identify(newId: (type: string) => string, lookup: Lookup, write: Write): Promise<Identity> {
  if ('target' in write && 'id' in write.target) return { id: write.target.id, assigned: false, selected: false }
  const condition = conditionOf(write)
  const fresh = { id: newId(write.type), assigned: true, selected: false }
  if (condition === undefined) return fresh
  const place = placeOf(write.index, write.kind === 'create' ? 'request.ifNoneExist' : 'request.url')
  const found = await lookup.select(condition)
  if (found.length > 1) throw annalsError('MultipleMatches', { what: place, matches: found.length })
  const sentId = write.kind === 'update' ? orThrow(scanBody(write.body)).id?.text : undefined
  const [id] = found
  if (id !== undefined) {
    if (sentId === undefined || sentId === id) return { id, assigned: false, selected: true }
    const problem = 'its id is another than that of the resource which the condition selects; leave it out, or mend it'
    throw annalsError('InvalidInput', { what: placeOf(write.index, 'resource.id'), problem })
  }
  switch (write.kind) {
    case 'create':
      return fresh
    case 'update':
      return sentId === undefined ? fresh : { id: sentId, assigned: false, selected: false }
    case 'patch':
      throw annalsError('NoMatch', { what: place })
    default:
      return { id: undefined, assigned: false, selected: false }
  }
}

/** No resource is written by two entries, whether they name it or select it. Answers which entry writes which. */
export function writersOf(identities: ReadonlyMap<Interaction, Identity>): ReadonlyMap<string, number> {
  const writers = new Map<string, number>()
  for (const [{ type, index }, { id }] of identities) {
    if (id === undefined) continue
    const key = refKey({ type, id })
    const earlier = writers.get(key)
    if (earlier !== undefined) throw sameResource(Math.min(earlier, index), Math.max(earlier, index))
    writers.set(key, index)
  }
  return writers
}

/** What an entry looks for is not what another one makes: it would come to something else in another order. */
export function checkConditions(
  identities: ReadonlyMap<Interaction, Identity>,
  writers: ReadonlyMap<string, number>,
  overlay: () => Overlay,
): void {
  for (const [interaction, identity] of identities) {
    const condition = conditionOf(interaction)
    if (condition === undefined || interaction.kind === 'delete') continue
    const { type } = condition
    for (const id of overlay().select(condition, []))
      if (id !== identity.id) {
        const other = writers.get(refKey({ type, id })) as number
        throw sameResource(Math.min(other, interaction.index), Math.max(other, interaction.index))
      }
  }
}

const conditionOf = (interaction: Interaction): Condition | undefined =>
  interaction.kind === 'create'
    ? interaction.ifNoneExist
    : 'target' in interaction && 'condition' in interaction.target
      ? interaction.target.condition
      : undefined

const sameResource = (earlier: number, later: number) =>
  annalsError('InvalidInput', {
    what: placeOf(later),
    problem: `it writes or selects the same resource as ${placeOf(earlier)}; a transaction writes each resource once`,
  })
