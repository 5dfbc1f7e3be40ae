/**
 * Plans a transaction Bundle on one head: which resource each entry means, which links lead where, and the operations that follow, in
 * the order of FHIR. What its conditions have selected is looked at again when the operations are decided.
 */
import { scanBody } from '../../domain/body/index.js'
import type { Premise, Transaction } from '../../domain/decide.js'
import { annalsError } from '../../domain/error.js'
import { type Interaction, isWrite, rankOf, type Write } from '../../domain/fhir/bundle/interaction.js'
import { type Entry, placeOf } from '../../domain/fhir/bundle/read.js'
import type { Condition } from '../../domain/fhir/condition.js'
import { foundBy } from '../../domain/fhir/found-by.js'
import { applyJsonPatch } from '../../domain/patch/json-patch.js'
import type { Ids } from '../../domain/ports/index.js'
import { refKey } from '../../domain/resource.js'
import { makeOverlay, type Overlay, type Selection } from '../../domain/selection.js'
import { mapBounded, orThrow } from '../../domain/task.js'
import type { Limits } from '../limits.js'
import type { Matching } from '../read/matching.js'
import type { Reader } from '../read/reader.js'
import { withLinks } from './linked.js'
import { operationOf } from './operation.js'

export interface PlanDeps {
  readonly ids: Ids
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

/** Which resource a write means. */
export interface Identity {
  /** `undefined`: what was to be deleted is not there. */
  readonly id: string | undefined
  /** The store has just made the id. */
  readonly assigned: boolean
  /** A condition selects it. */
  readonly selected: boolean
}

/** Conditions at one head, each looked up once. */
export interface Lookup {
  readonly seq: number
  readonly selections: ReadonlyArray<Selection>
  select(condition: Condition): Promise<ReadonlyArray<string>>
}

export async function planBundle(deps: PlanDeps, asked: ReadonlyArray<Asked>): Promise<Omit<Transaction, 'request'>> {
  const { reader, limits } = deps
  const { seq } = await reader.head()
  const lookup = makeLookup(deps, seq)
  const identities = new Map<Interaction, Identity>()
  await mapBounded(asked, limits.concurrency, async ({ interaction }) => {
    if (isWrite(interaction)) identities.set(interaction, await identify(deps, lookup, interaction))
  })
  const writers = writersOf(identities)
  const { bodies: sent, premises } = await bodiesOf(deps, asked, identities, seq)
  const overlay = overlayOf(asked, identities, sent)
  checkConditions(identities, writers, overlay)
  const bodies = await withLinks(deps, asked, { identities, sent }, lookup, overlay)
  const operations = await mapBounded(inOrder(asked), limits.concurrency, ({ interaction }, place) =>
    operationOf(reader, interaction, identities.get(interaction), bodies.get(interaction), { seq, place }),
  )
  return { operations, premises, selections: lookup.selections }
}

function makeLookup({ matching }: PlanDeps, seq: number): Lookup {
  const selections: Selection[] = []
  const known = new Map<string, Promise<ReadonlyArray<string>>>()
  const find = async (condition: Condition): Promise<ReadonlyArray<string>> => {
    const ids = (await matching.match(condition, { seq })).map(({ pointer }) => pointer.id)
    selections.push({ condition, ids, seq })
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

async function identify({ ids }: PlanDeps, lookup: Lookup, write: Write): Promise<Identity> {
  if ('target' in write && 'id' in write.target) return { id: write.target.id, assigned: false, selected: false }
  const condition = conditionOf(write)
  const fresh = { id: ids.uuid(), assigned: true, selected: false }
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
function writersOf(identities: ReadonlyMap<Interaction, Identity>): ReadonlyMap<string, number> {
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

/** What is to be written, before its links are replaced. What a patch makes depends on the version that it was made of. */
async function bodiesOf(
  { reader, limits }: PlanDeps,
  asked: ReadonlyArray<Asked>,
  identities: ReadonlyMap<Interaction, Identity>,
  seq: number,
): Promise<{ readonly bodies: ReadonlyMap<Interaction, Uint8Array>; readonly premises: ReadonlyArray<Premise> }> {
  const bodies = new Map<Interaction, Uint8Array>()
  const premises: Premise[] = []
  await mapBounded(asked, limits.concurrency, async ({ interaction }) => {
    if ('body' in interaction) bodies.set(interaction, interaction.body)
    if (interaction.kind !== 'patch') return
    const { type, index, patch } = interaction
    const ref = { type, id: identities.get(interaction)?.id as string }
    const pointer = await reader.versionWithin(ref, { seq })
    if (pointer === undefined || pointer.op === 'delete') return
    const current = await reader.body(pointer)
    bodies.set(interaction, orThrow(applyJsonPatch(placeOf(index, 'resource'), patch, current, limits.maxBodyBytes)))
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
    const { id, selected } = identities.get(interaction) ?? {}
    if (id === undefined || (interaction.kind === 'create' && selected)) continue
    if (interaction.kind === 'delete') overlay.add(interaction.type, id, undefined)
    const body = sent.get(interaction)
    if (body !== undefined) overlay.add(interaction.type, id, foundBy(body, orThrow(scanBody(body))))
  }
  return overlay
}

/** What an entry looks for is not what another one makes: it would come to something else in another order. */
function checkConditions(
  identities: ReadonlyMap<Interaction, Identity>,
  writers: ReadonlyMap<string, number>,
  overlay: Overlay,
): void {
  for (const [interaction, identity] of identities) {
    const condition = conditionOf(interaction)
    if (condition === undefined || interaction.kind === 'delete') continue
    const { type } = condition
    for (const id of overlay.select(condition, []))
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
