/** Bundles of FHIR: a transaction is one commit or nothing, the entries of a batch stand for themselves. */
import { scanBody } from '../../domain/body/index.js'
import { sha256 } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { type Entry, placeOf, readBundle } from '../../domain/fhir/bundle/read.js'
import { type EntryResponse, encodeResponse } from '../../domain/fhir/bundle/response.js'
import { callsInOneTurn, orThrow, turn } from '../../domain/task.js'
import type { BodyInput } from '../api.js'
import { bytesOf, limit, notesOf } from '../write/prepare.js'
import type { BundleOptions, BundleResponse, InteractionRequest } from './api.js'
import { checkIndependent, processBatch } from './batch.js'
import { readProvenance } from './provenance.js'
import { makeRoom } from './room.js'
import { askedBy, type BundleDeps, digestOf, transact } from './transact.js'

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
  const { maxEntries = limits.maxTransactionOperations } = options
  limit('the Bundle', entries.length, Math.min(maxEntries, limits.maxTransactionOperations), 'entries')
  for (const { index, resource } of entries)
    limit(placeOf(index, 'resource'), resource?.length ?? 0, limits.maxBodyBytes, 'bytes')
  notesOf(options)
  const provenance = readProvenance(options.provenance, limits)
  const others = async (): Promise<void> => (entries.length < callsInOneTurn ? undefined : turn())
  await others()
  if (type === 'batch') return responseOf('batch-response', await processBatch(deps, entries, provenance, options))
  const asked = entries.map((entry) => askedBy(deps, entry, options))
  const work = { asked, provenance, room: makeRoom(limits), isTransaction: true }
  await others()
  const { transaction, answers } = await transact(deps, work, () => sha256(bytes), options)
  await others()
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
  const asked = askedBy(deps, entry, options)
  for (const each of provenance === undefined ? [asked] : [asked, provenance]) checkIndependent(deps, each, new Map())
  const work = { asked: [asked], provenance, room: makeRoom(deps.limits), isTransaction: false }
  const { answers } = await transact(deps, work, () => digestOf(entry, bytes), options)
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
