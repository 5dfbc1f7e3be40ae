/** Bundles of FHIR: a transaction is one commit or nothing, the entries of a batch stand for themselves. */
import { scanBody } from '../../domain/body/index.js'
import { sha256 } from '../../domain/commit.js'
import { type AnnalsError, annalsError, isAnnalsError } from '../../domain/error.js'
import { interactionOf, isWrite } from '../../domain/fhir/bundle/interaction.js'
import { linksOf } from '../../domain/fhir/bundle/links.js'
import { needsOf } from '../../domain/fhir/bundle/needs.js'
import { type Entry, placeOf, readBundle } from '../../domain/fhir/bundle/read.js'
import { conditionalReference } from '../../domain/fhir/bundle/resolve.js'
import { type EntryResponse, encodeResponse } from '../../domain/fhir/bundle/response.js'
import { outcomeOf, statusOf } from '../../domain/fhir/outcome.js'
import type { Kind } from '../../domain/resource.js'
import { mapBounded, orThrow } from '../../domain/task.js'
import type { BodyInput } from '../api.js'
import { type PlannedDeps, writePlanned } from '../write/planned.js'
import { bytesOf, limit, notesOf } from '../write/prepare.js'
import type { BundleOptions, BundleResponse, InteractionRequest } from './api.js'
import { checkNeeds } from './permit.js'
import { type Asked, inOrder, type PlanDeps, planBundle } from './plan.js'
import { readProvenance } from './provenance.js'
import { respond } from './respond.js'

export interface BundleDeps extends PlanDeps, PlannedDeps {
  readonly kind: Kind
}

/** Entries of a batch that are under way at once: enough to share commits. */
const batchWidth = 256

export async function processBundle(
  deps: BundleDeps,
  body: BodyInput,
  options: BundleOptions,
): Promise<BundleResponse> {
  const { kind, limits } = deps
  if (kind !== 'fhir')
    throw annalsError('NotSupported', { what: 'Bundle', problem: 'only tenants of the kind fhir take Bundles' })
  const bytes = bytesOf(body)
  limit('the Bundle', bytes.length, limits.maxTransactionBytes, 'bytes')
  const { type, entries } = orThrow(readBundle(bytes))
  limit('the Bundle', entries.length, limits.maxTransactionOperations, 'entries')
  for (const { index, resource } of entries)
    limit(placeOf(index, 'resource'), resource?.length ?? 0, limits.maxBodyBytes, 'bytes')
  notesOf(options)
  const provenance = readProvenance(options.provenance, limits)
  if (type === 'batch') return batch(deps, entries, provenance, options)
  const asked = entries.map(askedBy)
  const { transaction, answers } = await transact(deps, { asked, provenance }, () => sha256(bytes), options)
  return responseOf('transaction-response', answers, transaction)
}

/** As the only entry of a transaction: what is said of `Bundle.entry[0]` is said of the interaction. */
export async function processInteraction(
  deps: BundleDeps,
  { method, url, body, ...conditions }: InteractionRequest,
  options: BundleOptions,
): Promise<EntryResponse> {
  if (deps.kind !== 'fhir')
    throw annalsError('NotSupported', { what: 'interaction', problem: 'it takes a tenant of the kind fhir' })
  const bytes = body === undefined ? undefined : bytesOf(body)
  limit('the body', bytes?.length ?? 0, deps.limits.maxBodyBytes, 'bytes')
  // A JSON Patch is a list; in an entry it would be a Binary.
  const resource = method === 'PATCH' && bytes !== undefined && isList(bytes) ? patchBinary(bytes) : bytes
  if (resource !== undefined) orThrow(scanBody(resource))
  const entry: Entry = { index: 0, request: { method, url, ...conditions }, resource }
  const provenance = readProvenance(options.provenance, deps.limits)
  const asked = [askedBy(entry)]
  const { answers } = await transact(deps, { asked, provenance }, () => digestOf(entry, bytes), options)
  return answers[0] as EntryResponse
}

const isList = (bytes: Uint8Array): boolean => bytes.find((byte) => byte > 0x20) === 0x5b

const patchBinary = (patch: Uint8Array): Uint8Array =>
  Buffer.from(
    JSON.stringify({
      resourceType: 'Binary',
      contentType: 'application/json-patch+json',
      data: Buffer.from(patch).toString('base64'),
    }),
  )

const digestOf = ({ request }: Entry, body: Uint8Array = Buffer.of()): string =>
  sha256(Buffer.concat([Buffer.from(JSON.stringify(request)), body]))

const askedBy = (entry: Entry): Asked => ({ entry, interaction: orThrow(interactionOf(entry)) })

interface Work {
  readonly asked: ReadonlyArray<Asked>
  readonly provenance: Asked | undefined
}

/** `digest`: of what is asked for, without the Provenance. */
async function transact(
  deps: BundleDeps,
  { asked, provenance: given }: Work,
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
  const plan = async () => ({ ...(await planBundle(deps, asked, { permit, provenance })), ...notes })
  const whole = (): string =>
    given === undefined ? digest() : sha256(`${digest()} ${sha256(given.entry.resource as Uint8Array)}`)
  try {
    const written = await writePlanned(deps, { name: 'the Bundle', digest: whole, plan }, options)
    const answers = await respond(deps, ordered, written, options)
    const { result } = written
    return result.id === undefined ? { answers } : { answers, transaction: result.id }
  } catch (error) {
    throw isAnnalsError(error) ? byEntry(error, ordered) : error
  }
}

/** Conflicts name their entries. */
function byEntry(error: AnnalsError, ordered: ReadonlyArray<Asked>): AnnalsError {
  if (error._tag !== 'Conflict') return error
  const conflicts = error.data.conflicts.map((conflict) => ({
    ...conflict,
    operation: ordered[conflict.operation]?.entry.index ?? conflict.operation,
  }))
  return annalsError('Conflict', { conflicts: conflicts.sort((a, b) => a.operation - b.operation) })
}

/** Each entry is a transaction of its own, under a request key of its own. None may depend on another. */
async function batch(
  deps: BundleDeps,
  entries: ReadonlyArray<Entry>,
  provenance: Asked | undefined,
  options: BundleOptions,
): Promise<BundleResponse> {
  const fullUrls = new Map(entries.map(({ fullUrl, index }) => [fullUrl, index]))
  if (provenance !== undefined) checkIndependent(provenance, fullUrls)
  const answers = await mapBounded(entries, batchWidth, async (entry): Promise<EntryResponse> => {
    try {
      const request = options.request === undefined ? undefined : `${options.request}:${entry.index}`
      const asked = askedBy(entry)
      checkIndependent(asked, fullUrls)
      const digest = (): string => digestOf(entry, entry.resource)
      const { answers } = await transact(deps, { asked: [asked], provenance }, digest, { ...options, request })
      return answers[0] as EntryResponse
    } catch (error) {
      if (!isAnnalsError(error)) throw error
      return { status: statusOf(error), outcome: outcomeOf(error, placeOf, placeOf(entry.index)) }
    }
  })
  return responseOf('batch-response', answers)
}

/** Only a transaction can write what its entries say of each other. Links to where a resource stands already are none of that. */
function checkIndependent({ entry, interaction }: Asked, fullUrls: ReadonlyMap<string | undefined, number>): void {
  if (interaction.kind !== 'create' && interaction.kind !== 'update') return
  for (const { kind, text } of linksOf(interaction.body, interaction.type)) {
    const other = text.startsWith('urn:') ? fullUrls.get(text) : undefined
    const refersTo = other !== undefined && other !== entry.index ? placeOf(other) : undefined
    if (refersTo === undefined && !(kind === 'reference' && conditionalReference.test(text))) continue
    const problem = `it refers to ${refersTo ?? 'what a condition selects'}; that takes a Bundle of type transaction`
    throw annalsError('InvalidInput', { what: placeOf(entry.index, 'resource'), problem })
  }
}

const responseOf = (
  type: BundleResponse['type'],
  entries: ReadonlyArray<EntryResponse>,
  transaction?: string,
): BundleResponse => ({
  type,
  ...(transaction === undefined ? undefined : { transaction }),
  entries,
  bytes: () => encodeResponse(type, entries),
})
