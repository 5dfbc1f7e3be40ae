/** What has to be true before a copy writes anything: the same tenant on both sides, and a destination that is an earlier state. */
import { type ChainLink, origin } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { headPk, headSk, tenantKey } from '../../domain/keys.js'
import { headFromItem } from '../../domain/pointer.js'
import { run } from '../../domain/task.js'
import { fhirVersionOf } from '../../domain/tenant.js'
import { type LogReader, missingCommit } from '../read/log-reader.js'
import { readTenantManifest, type StoredManifest } from '../tenant-manifest.js'
import { atDestination } from './patience.js'
import type { CopyLog, Side } from './side.js'

export interface Manifests {
  /** The source's, byte for byte. */
  readonly bytes: Uint8Array
  readonly isAtDestination: boolean
  /** Over how many shards the destination spreads its indexes by type. */
  readonly shards: number
  readonly partitions: number
}

/** The destination's may differ in when it was made and in its shards, which are of its pointers and not of the log. */
export async function checkManifests(
  source: Pick<Side, 'blobs'>,
  target: Pick<Side, 'blobs'>,
  tenant: string,
): Promise<Manifests> {
  const ours = await readTenantManifest(source.blobs, tenant)
  if (ours === undefined) throw annalsError('TenantNotFound', { tenant })
  const theirs = await atDestination(() => readTenantManifest(target.blobs, tenant))
  const said = ({ manifest }: StoredManifest) => ({ ...manifest, fhirVersion: fhirVersionOf(manifest) ?? 'none' })
  for (const what of ['kind', 'partitions', 'fhirVersion'] as const) {
    const expected = said(ours)[what]
    const actual = said(theirs ?? ours)[what]
    if (actual !== expected) throw annalsError('TenantMismatch', { tenant, what, expected, actual })
  }
  const { shards = 1, partitions } = (theirs ?? ours).manifest
  return { bytes: ours.bytes, isAtDestination: theirs !== undefined, shards, partitions }
}

/** What the readers of one side see; `undefined` where it has no pointers. */
export async function headOf({ side, log }: CopyLog, tenant: string): Promise<ChainLink | undefined> {
  const item = await run(side.pointers.get(headPk(tenant, log.partition), headSk))
  return item && headFromItem(item)
}

/** The last commit of the destination's log, which has to be the source's of that number. `visible`: the source's head. */
export async function lastCommon(
  source: CopyLog,
  target: CopyLog,
  tenant: string,
  visible: number,
): Promise<ChainLink> {
  const last = await atDestination(() => lastOf(target, tenant))
  if (await isSame(source, last)) return last
  const seq = await firstDifferent(source, target, last.seq)
  const ours = await source.log.open(seq)
  if (ours === undefined && seq <= visible) throw missingCommit(source.log, seq)
  throw diverged(
    target.log,
    seq,
    ours === undefined ? 'the source has no such commit' : "its commit is not the source's",
  )
}

/** By the end of the log: its pointers may lag. */
async function lastOf(target: CopyLog, tenant: string): Promise<ChainLink> {
  const { log } = target
  const head = await headOf(target, tenant)
  const end = await log.findHead(head?.seq ?? 0)
  const last = await linkAt(log, end)
  const atHead = head === undefined || head.seq === end ? last : await linkAt(log, head.seq)
  if (last !== undefined && atHead?.hash === (head ?? last).hash) return last
  throw diverged(log, head?.seq ?? end, 'its pointers know of another commit than its log holds; recover it first')
}

const linkAt = async (log: LogReader, seq: number): Promise<ChainLink | undefined> =>
  seq === 0 ? origin : (await log.open(seq))?.commit

const isSame = async ({ log }: CopyLog, link: ChainLink | undefined): Promise<boolean> =>
  link !== undefined && (await linkAt(log, link.seq))?.hash === link.hash

/** Where two logs part, of which the last commit differs: every hash stands for all commits below it. */
async function firstDifferent(source: CopyLog, target: CopyLog, last: number): Promise<number> {
  let same = 0
  let different = last
  while (different - same > 1) {
    const middle = same + Math.floor((different - same) / 2)
    const theirs = await atDestination(() => linkAt(target.log, middle))
    if (await isSame(source, theirs)) same = middle
    else different = middle
  }
  return different
}

export const diverged = (log: LogReader, seq: number, problem: string): Error =>
  annalsError('Diverged', { log: log.name, seq, problem })

/** Makes the tenant at the destination, and brings its pointers to the end of its log. */
export async function begin(source: CopyLog, target: CopyLog, tenant: string, manifests: Manifests): Promise<void> {
  if (!manifests.isAtDestination) {
    const create = target.side.blobs.createIfAbsent(tenantKey(tenant), manifests.bytes)
    // Somebody else has made it meanwhile.
    if ((await atDestination(() => run(create))) === 'exists') {
      const { shards: expected } = manifests
      const { shards: actual } = await checkManifests(source.side, target.side, tenant)
      if (actual !== expected) throw annalsError('TenantMismatch', { tenant, what: 'shards', expected, actual })
    }
  }
  await atDestination(() => target.side.open(target.log, manifests.shards))
}
