/**
 * The Provenance that comes beside an interaction or a Bundle: written with what they write, in the same transaction, and about that.
 * Its targets name versions: what was planned to be written is written as that version, or planned anew. (FHIR R4, Provenance: HTTP header)
 */
import { membersOf, type Outline, scanBody } from '../../domain/body/index.js'
import type { Premise } from '../../domain/decide.js'
import { annalsError } from '../../domain/error.js'
import type { Interaction } from '../../domain/fhir/bundle/interaction.js'
import { beside } from '../../domain/fhir/bundle/read.js'
import { add } from '../../domain/patch/edit.js'
import { mapBounded } from '../../domain/task.js'
import type { BodyInput } from '../api.js'
import type { Limits } from '../limits.js'
import { bytesOf, limit } from '../write/prepare.js'
import type { Identity } from './identity.js'
import type { Asked, PlanDeps } from './plan.js'

const type = 'Provenance'
const what = 'provenance'

/** As a further entry, which is created if the others write anything. */
export function readProvenance(input: BodyInput | undefined, { maxBodyBytes }: Limits): Asked | undefined {
  if (input === undefined) return undefined
  const body = bytesOf(input)
  limit(what, body.length, maxBodyBytes, 'bytes')
  checkProvenance(body, outlineOf(body))
  return {
    entry: { index: beside, request: { method: 'POST', url: type }, resource: body },
    interaction: { index: beside, type, kind: 'create', body },
  }
}

function outlineOf(body: Uint8Array): Outline {
  const scanned = scanBody(body)
  if (scanned._tag === 'Right') return scanned.right
  if (scanned.left._tag !== 'InvalidBody') throw scanned.left
  throw annalsError('InvalidBody', { ...scanned.left.data, path: what })
}

function checkProvenance(body: Uint8Array, { open, resourceType }: Outline): void {
  if (resourceType?.text !== type) throw invalid(`it is no ${type}; it says "resourceType": "${type}"`)
  for (const { name } of membersOf(body, open - 1))
    if (name === 'target') throw invalid('it has a target, which is set here: it is what was written; leave it out')
}

const invalid = (problem: string) => annalsError('InvalidInput', { what, problem })

/** Versions that are written, and those that are deleted. */
export interface Targets {
  readonly references: ReadonlyArray<string>
  /** What their numbers follow from. A resource that the store has just named has no earlier version. */
  readonly premises: ReadonlyArray<Premise>
}

/** `bodies`: of what is written. What was found is not created, and what is not there is not deleted. */
export async function targetsOf(
  { reader, limits }: PlanDeps,
  asked: ReadonlyArray<Asked>,
  identities: ReadonlyMap<Interaction, Identity>,
  bodies: ReadonlyMap<Interaction, Uint8Array>,
  seq: number,
): Promise<Targets> {
  const premises: Premise[] = []
  const references = await mapBounded(asked, limits.concurrency, async ({ interaction }) => {
    const { type, kind } = interaction
    const { id, assigned } = identities.get(interaction) ?? {}
    if (id === undefined || (kind !== 'delete' && !bodies.has(interaction))) return []
    const pointer = assigned ? undefined : await reader.versionWithin({ type, id }, { seq })
    const { version = 0 } = pointer ?? {}
    if (!assigned) premises.push({ type, id, version })
    if (kind !== 'delete') return [`${type}/${id}/_history/${version + 1}`]
    return pointer === undefined || pointer.op === 'delete' ? [] : [`${type}/${id}/_history/${version}`]
  })
  return { references: references.flat(), premises }
}

/** The Provenance as it is written. Every byte that was sent stays. */
export function withTargets(body: Uint8Array, references: ReadonlyArray<string>, { maxBodyBytes }: Limits): Uint8Array {
  const targets = Buffer.from(JSON.stringify(references.map((reference) => ({ reference }))))
  const whole = add(body, ['target'], targets)
  if (typeof whole === 'string') throw new TypeError(whole)
  limit(what, whole.length, maxBodyBytes, 'bytes')
  return whole
}
