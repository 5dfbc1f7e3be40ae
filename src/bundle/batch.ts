/**
 * Batches: each entry is a transaction of its own, under a request key of its own. They are processed in the order of a transaction, so
 * that what is read is what the others have written, and none may depend on another.
 */
import { annalsError, isAnnalsError } from '../../domain/error.js'
import { isWrite, rankOf, rankOfReads } from '../../domain/fhir/bundle/interaction.js'
import { conditionalLinksOf, linksOf } from '../../domain/fhir/bundle/links.js'
import { type Entry, placeOf } from '../../domain/fhir/bundle/read.js'
import type { EntryResponse } from '../../domain/fhir/bundle/response.js'
import { outcomeOf, statusOf } from '../../domain/fhir/outcome.js'
import { refKey } from '../../domain/resource.js'
import { mapBounded } from '../../domain/task.js'
import type { BundleOptions } from './api.js'
import { takesTransaction } from './linked.js'
import type { Asked } from './plan.js'
import { makeRoom, type Room } from './room.js'
import { askedBy, type BundleDeps, digestOf, transact } from './transact.js'

/** Entries that write and are under way at once: enough to share commits. */
const width = 256

/** Answers in the order of the request. */
export async function processBatch(
  deps: BundleDeps,
  entries: ReadonlyArray<Entry>,
  provenance: Asked | undefined,
  options: BundleOptions,
): Promise<EntryResponse[]> {
  const fullUrls = new Map(
    entries.flatMap(({ fullUrl = '', index }) => (fullUrl.startsWith('urn:') ? [[fullUrl, index] as const] : [])),
  )
  if (provenance !== undefined) checkIndependent(deps, provenance, fullUrls)
  const answers: EntryResponse[] = []
  const answer = async (entry: Entry, process: () => EntryResponse | Promise<EntryResponse>): Promise<void> => {
    answers[entry.index] = await orOutcome(entry, process)
  }
  const asked: Asked[] = []
  const room = makeRoom(deps.limits)
  const writers = new Map<string, number>()
  for (const entry of entries)
    await answer(entry, () => {
      const one = askedBy(deps, entry, options)
      checkIndependent(deps, one, fullUrls)
      checkAlone(one, writers)
      asked.push(one)
      return { status: 200 }
    })
  for (const rank of new Set(asked.map(({ interaction }) => rankOf(interaction)).sort()))
    await mapBounded(
      asked.filter(({ interaction }) => rankOf(interaction) === rank),
      rank === rankOfReads ? deps.limits.concurrency : width,
      (one) => answer(one.entry, () => processOne(deps, one, provenance, room, options)),
    )
  return answers
}

async function processOne(
  deps: BundleDeps,
  asked: Asked,
  provenance: Asked | undefined,
  room: Room,
  options: BundleOptions,
): Promise<EntryResponse> {
  const { entry } = asked
  const request = options.request === undefined ? undefined : `${options.request}:${entry.index}`
  const digest = (): string => digestOf(entry, entry.resource)
  const work = { asked: [asked], provenance, room, isTransaction: false }
  const { answers } = await transact(deps, work, digest, { ...options, request })
  return answers[0] as EntryResponse
}

async function orOutcome(
  { index }: Entry,
  process: () => EntryResponse | Promise<EntryResponse>,
): Promise<EntryResponse> {
  try {
    return await process()
  } catch (error) {
    if (!isAnnalsError(error)) throw error
    return { status: statusOf(error), outcome: outcomeOf(error, placeOf, placeOf(index)) }
  }
}

/** Of two that write the same resource, the later one would come to something else without the earlier one. */
function checkAlone({ entry, interaction }: Asked, writers: Map<string, number>): void {
  if (!isWrite(interaction) || !('target' in interaction) || !('id' in interaction.target)) return
  const key = refKey({ type: interaction.type, id: interaction.target.id })
  const earlier = writers.get(key)
  if (earlier === undefined) writers.set(key, entry.index)
  else {
    const problem = `it writes the same resource as ${placeOf(earlier)}; the entries of a batch do not depend on each other`
    throw annalsError('InvalidInput', { what: placeOf(entry.index), problem })
  }
}

/**
 * Only a transaction can write what its entries say of each other, and find what a condition selects. Links to where a resource stands
 * already are none of that. `fullUrls`: those of a Bundle that are no places.
 */
export function checkIndependent(
  { fhirVersion }: BundleDeps,
  { entry, interaction }: Asked,
  fullUrls: ReadonlyMap<string, number>,
): void {
  if (interaction.kind !== 'create' && interaction.kind !== 'update') return
  const { body, type } = interaction
  const links = fullUrls.size === 0 ? [] : linksOf(body, type, fhirVersion)
  const others = links.flatMap(({ text }) => fullUrls.get(text) ?? [])
  const other = others.find((index) => index !== entry.index)
  if (other === undefined && conditionalLinksOf(body, type).length === 0) return
  throw takesTransaction(entry.index, other === undefined ? undefined : placeOf(other))
}
