/**
 * Plans a transaction Bundle on one head: which resource each entry means, which links lead where, and the operations that follow, in
 * the order of FHIR. What its conditions have selected is looked at again when the operations are decided. Where nothing is looked up,
 * nothing is read: an interaction that names its resource goes to the writer as fast as any other write.
 */
import { scanBody } from '../../domain/body/index.js'
import type { Operation, Premise, Transaction } from '../../domain/decide.js'
import { type Interaction, isWrite, rankOf } from '../../domain/fhir/bundle/interaction.js'
import { type Entry, placeOf } from '../../domain/fhir/bundle/read.js'
import type { Condition } from '../../domain/fhir/condition.js'
import { foundBy } from '../../domain/fhir/found-by.js'
import { applyPatch } from '../../domain/fhir/patch/index.js'
import type { FhirVersion } from '../../domain/fhir/version.js'
import { makeOverlay, type Overlay, type Selection } from '../../domain/selection.js'
import { mapBounded, orThrow } from '../../domain/task.js'
import type { Limits } from '../limits.js'
import type { Matching } from '../read/matching.js'
import type { Reader } from '../read/reader.js'
import { limit } from '../write/prepare.js'
import { checkConditions, type Identity, identify, writersOf } from './identity.js'
import { withLinks } from './linked.js'
import { operationOf } from './operation.js'
import type { Permit } from './permit.js'
import { targetsOf, withTargets } from './provenance.js'

export interface PlanDeps {
  readonly fhirVersion: FhirVersion
  /** A new id for a resource of a type. */
  newId(type: string): string
  readonly reader: Reader
  readonly matching: Matching
  readonly limits: Limits
}

/** An entry with what it asks for. */
export interface Asked {
  readonly entry: Entry
  readonly interaction: Interaction
}

/** In the order in which they are written and read. Every entry is one operation, so that results lead back to entries. */
export const inOrder = (asked: ReadonlyArray<Asked>): ReadonlyArray<Asked> =>
  [...asked].sort((a, b) => rankOf(a.interaction) - rankOf(b.interaction) || a.entry.index - b.entry.index)

/** Conditions at one head, each looked up once. */
export interface Lookup {
  /** The head, read when it is first asked for. */
  seq(): Promise<number>
  readonly selections: ReadonlyArray<Selection>
  select(condition: Condition): Promise<ReadonlyArray<string>>
}

/** What goes along with the entries. */
export interface PlanOptions {
  readonly permit?: Permit
  readonly provenance?: Asked
  readonly isTransaction: boolean
}

export async function planBundle(
  deps: PlanDeps,
  entries: ReadonlyArray<Asked>,
  { permit, provenance, isTransaction }: PlanOptions,
): Promise<Omit<Transaction, 'request'>> {
  const { reader, limits } = deps
  const asked = provenance === undefined ? entries : [...entries, provenance]
  const lookup = makeLookup(deps)
  const identities = new Map<Interaction, Identity>()
  await mapBounded(asked, limits.concurrency, async ({ interaction }) => {
    if (isWrite(interaction)) identities.set(interaction, await identify(deps.newId, lookup, interaction))
  })
  const writers = writersOf(identities)
  const { bodies: sent, premises } = await bodiesOf(deps, asked, identities, lookup)
  const overlay = once(() => overlayOf(asked, identities, sent))
  checkConditions(identities, writers, overlay)
  const bodies = await withLinks(deps, asked, { identities, sent, permit, isTransaction }, lookup, overlay)
  const operation = ({ interaction }: Asked, place: number, body = bodies.get(interaction)): Promise<Operation> =>
    operationOf(reader, interaction, identities.get(interaction), body, { lookup, place })
  const operations = await mapBounded(inOrder(entries), limits.concurrency, (each, place) => operation(each, place))
  const { selections } = lookup
  if (provenance === undefined) return { operations, premises, selections }
  const targets = await targetsOf(deps, entries, identities, bodies, await lookup.seq())
  const body = withTargets(bodies.get(provenance.interaction) as Uint8Array, targets.references, limits)
  const last = targets.references.length === 0 ? [] : [await operation(provenance, operations.length, body)]
  return { operations: [...operations, ...last], premises: [...premises, ...targets.premises], selections }
}

function makeLookup({ reader, matching }: PlanDeps): Lookup {
  const selections: Selection[] = []
  const known = new Map<string, Promise<ReadonlyArray<string>>>()
  const seq = once(async () => (await reader.head()).seq)
  const find = async (condition: Condition): Promise<ReadonlyArray<string>> => {
    const within = { seq: await seq() }
    const ids = (await matching.match(condition, within)).map(({ pointer }) => pointer.id)
    selections.push({ condition, ids, ...within })
    return ids
  }
  return {
    seq,
    selections,
    select(condition) {
      const key = JSON.stringify(condition)
      const found = known.get(key) ?? find(condition)
      known.set(key, found)
      return found
    },
  }
}

/** What is to be written, before its links are replaced. What a patch makes depends on the version that it was made of. */
async function bodiesOf(
  { reader, limits, fhirVersion }: PlanDeps,
  asked: ReadonlyArray<Asked>,
  identities: ReadonlyMap<Interaction, Identity>,
  lookup: Lookup,
): Promise<{ readonly bodies: ReadonlyMap<Interaction, Uint8Array>; readonly premises: ReadonlyArray<Premise> }> {
  const bodies = new Map<Interaction, Uint8Array>()
  const premises: Premise[] = []
  let made = 0
  await mapBounded(asked, limits.concurrency, async ({ interaction }) => {
    // What is there already is not created.
    if (interaction.kind === 'create' && identities.get(interaction)?.selected) return
    if ('body' in interaction) bodies.set(interaction, interaction.body)
    if (interaction.kind !== 'patch') return
    const { type, index, patch } = interaction
    const ref = { type, id: identities.get(interaction)?.id as string }
    const pointer = await reader.versionWithin(ref, { seq: await lookup.seq() })
    if (pointer === undefined || pointer.op === 'delete') return
    const current = await reader.body(pointer)
    const bounds = { maxBytes: limits.maxBodyBytes, fhirVersion }
    const patched = orThrow(applyPatch(placeOf(index, 'resource'), patch, current, bounds))
    // A patch may make anything of a resource, and only JSON objects can be looked into.
    orThrow(scanBody(patched))
    // A few bytes of a patch may stand for a large resource.
    made += patched.length
    limit('the Bundle', made, limits.maxTransactionBytes, 'bytes')
    bodies.set(interaction, patched)
    premises.push({ ...ref, version: pointer.version })
  })
  return { bodies, premises }
}

/** What the Bundle makes of the resources that it writes, as conditions see them. */
function overlayOf(
  asked: ReadonlyArray<Asked>,
  identities: ReadonlyMap<Interaction, Identity>,
  sent: ReadonlyMap<Interaction, Uint8Array>,
): Overlay {
  const overlay = makeOverlay()
  for (const { interaction } of asked) {
    const { id } = identities.get(interaction) ?? {}
    if (id === undefined) continue
    if (interaction.kind === 'delete') overlay.add(interaction.type, id, undefined)
    const body = sent.get(interaction)
    if (body !== undefined) overlay.add(interaction.type, id, foundBy(body, orThrow(scanBody(body))))
  }
  return overlay
}

/** Made when it is first asked for, and kept. */
function once<A>(make: () => A): () => A {
  let made: { readonly value: A } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
