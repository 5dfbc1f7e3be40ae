/** The two documents that say what a store and a tenant are. Written once, never changed. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { PathReporter } from 'io-ts/lib/PathReporter.js'
import { type AnnalsError, annalsError } from './error.js'
import { defaultFhirVersion, type FhirVersion } from './fhir/version.js'
import { isPartitions, maxPartitions } from './partitions.js'
import { isShards, maxShards } from './shards.js'

export const storeFormat = 'annals-store/1'
export const tenantFormat = 'annals-tenant/1'

const StoreManifestCodec = t.type({ format: t.string, created: t.string })
export type StoreManifest = t.TypeOf<typeof StoreManifestCodec>

const ShardsCodec = new t.Type<number>(
  `a whole number from 1 to ${maxShards}`,
  isShards,
  (value, context) => (isShards(value) ? t.success(value) : t.failure(value, context)),
  t.identity,
)

const PartitionsCodec = new t.Type<number>(
  `a whole number from 1 to ${maxPartitions}`,
  isPartitions,
  (value, context) => (isPartitions(value) ? t.success(value) : t.failure(value, context)),
  t.identity,
)

const TenantManifestCodec = t.intersection([
  t.type({
    format: t.string,
    tenant: t.string,
    kind: t.union([t.literal('fhir'), t.literal('json')]),
    /** How many logs the tenant has. */
    partitions: PartitionsCodec,
    created: t.string,
  }),
  t.partial({
    /** How many shards its indexes by type have; one if it does not say. */
    shards: ShardsCodec,
    /** Of which version of FHIR its resources are; of R4 (4.0) if it does not say. */
    fhirVersion: t.keyof({ '4.0': null, '4.3': null, '5.0': null }),
  }),
])
export type TenantManifest = t.TypeOf<typeof TenantManifestCodec>

/** `undefined`: its documents are none of FHIR. */
export const fhirVersionOf = ({ kind, fhirVersion = defaultFhirVersion }: TenantManifest): FhirVersion | undefined =>
  kind === 'fhir' ? fhirVersion : undefined

export const encodeManifest = (manifest: StoreManifest | TenantManifest): Uint8Array =>
  Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)

export const decodeStoreManifest = (key: string, bytes: Uint8Array): E.Either<AnnalsError, StoreManifest> =>
  decode(StoreManifestCodec, storeFormat, key, bytes)

export const decodeTenantManifest = (key: string, bytes: Uint8Array): E.Either<AnnalsError, TenantManifest> =>
  decode(TenantManifestCodec, tenantFormat, key, bytes)

function decode<A extends { readonly format: string }>(
  codec: t.Type<A, unknown>,
  supported: string,
  key: string,
  bytes: Uint8Array,
): E.Either<AnnalsError, A> {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return E.left(annalsError('Corrupt', { key, problem: 'it is no JSON' }))
  }
  const format = (parsed as { format?: unknown } | null)?.format
  if (typeof format === 'string' && format !== supported)
    return E.left(annalsError('UnsupportedFormat', { key, format, supported }))
  const decoded = codec.decode(parsed)
  if (E.isRight(decoded)) return decoded
  return E.left(annalsError('Corrupt', { key, problem: PathReporter.report(decoded).join('; ') }))
}
