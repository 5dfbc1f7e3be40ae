/** What is asked for together, as one transaction: planned on one head, written in one commit, answered entry by entry. */
import { sha256 } from '../../domain/commit.js'
import { type AnnalsError, annalsError, isAnnalsError, type VersionConflict } from '../../domain/error.js'
import { type Interaction, interactionOf, isWrite } from '../../domain/fhir/bundle/interaction.js'
import { needsOf } from '../../domain/fhir/bundle/needs.js'
import type { Entry } from '../../domain/fhir/bundle/read.js'
import type { EntryResponse } from '../../domain/fhir/bundle/response.js'
import type { Kind } from '../../domain/resource.js'
import { orThrow } from '../../domain/task.js'
import { type PlannedDeps, writePlanned } from '../write/planned.js'
import { notesOf } from '../write/prepare.js'
import type { BundleOptions } from './api.js'
import { checkNeeds } from './permit.js'
import { type Asked, inOrder, type PlanDeps, planBundle } from './plan.js'
import { respond } from './respond.js'
import type { Room } from './room.js'

export interface BundleDeps extends PlanDeps, PlannedDeps {
  readonly kind: Kind
}

/** A URL of this server is as good as one that is relative to its base. */
export function askedBy({ fhirVersion }: BundleDeps, entry: Entry, { base }: BundleOptions): Asked {
  const { url } = entry.request
  const isOwn = base !== undefined && url.startsWith(`${base}/`)
  const relative = isOwn ? { ...entry, request: { ...entry.request, url: url.slice(base.length + 1) } } : entry
  return { entry: relative, interaction: orThrow(interactionOf(relative, fhirVersion)) }
}

export const digestOf = ({ request }: Entry, body: Uint8Array = Buffer.of()): string =>
  sha256(Buffer.concat([Buffer.from(JSON.stringify(request)), body]))

export interface Work {
  readonly asked: ReadonlyArray<Asked>
  readonly provenance: Asked | undefined
  /** For the bodies that are answered. */
  readonly room: Room
  /** Whether its entries may refer to each other, and to what conditions select. */
  readonly isTransaction: boolean
}

/** `digest`: of what is asked for, without the Provenance. */
export async function transact(
  deps: BundleDeps,
  { asked, provenance: given, room, isTransaction }: Work,
  digest: () => string,
  options: BundleOptions,
): Promise<{ readonly answers: EntryResponse[]; readonly transaction?: string }> {
  const ordered = inOrder(asked)
  const notes = notesOf(options)
  const { permit } = options
  // Of what writes nothing, there is nothing to tell.
  const provenance = asked.some(({ interaction }) => isWrite(interaction)) ? given : undefined
  const all = provenance === undefined ? asked : [...asked, provenance]
  checkNeeds(permit, () => all.flatMap(({ interaction }) => needsOf(interaction)))
  const plan = async () => ({ ...(await planBundle(deps, asked, { permit, provenance, isTransaction })), ...notes })
  const whole = (): string =>
    given === undefined ? digest() : sha256(`${digest()} ${sha256(given.entry.resource as Uint8Array)}`)
  try {
    const written = await writePlanned(deps, { name: 'the Bundle', digest: whole, plan }, options)
    const answers = await respond(deps, ordered, written, room, options)
    const { result } = written
    return result.id === undefined ? { answers } : { answers, transaction: result.id }
  } catch (error) {
    throw isAnnalsError(error) ? byEntry(error, ordered) : error
  }
}

/** Conflicts name their entries. */
function byEntry(error: AnnalsError, ordered: ReadonlyArray<Asked>): AnnalsError {
  if (error._tag !== 'Conflict') return error
  const conflicts = error.data.conflicts.map((conflict): VersionConflict => {
    const { entry, interaction } = ordered[conflict.operation] ?? {}
    const operation = entry?.index ?? conflict.operation
    if (interaction === undefined) return { ...conflict, operation }
    return {
      ...conflict,
      operation,
      ...(selectsNothing(interaction, conflict) ? { isUnselected: true } : undefined),
      ...(demands(interaction) ? { isDemanded: true } : undefined),
    }
  })
  return annalsError('Conflict', { conflicts: conflicts.sort((a, b) => a.operation - b.operation) })
}

/** What is patched has to be there anyway. */
const demands = (interaction: Interaction): boolean =>
  (interaction.kind === 'update' || interaction.kind === 'delete') && interaction.ifMatch === 'exists'

/** What a condition has selected is there, and only its absence or another version of it can be in the way. */
function selectsNothing(interaction: Interaction, { actual, expected }: VersionConflict): boolean {
  if (!('target' in interaction && 'condition' in interaction.target)) return false
  return actual === 0 || (expected === 'absent' && !(interaction.kind === 'update' && interaction.onlyCreate))
}
