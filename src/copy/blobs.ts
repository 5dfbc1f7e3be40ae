/**
 * The large bodies of a commit: each is checked against its name before any is written, and each is copied once, however many
 * commits share it. Those of one commit may be more than fits into memory, so they are read in groups, and a second time for
 * writing where there is more than one group.
 */
import { LRUCache } from 'lru-cache'
import { type Commit, eventsOf, sha256 } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { blobKey } from '../../domain/keys.js'
import { mapBounded, run } from '../../domain/task.js'
import type { Limits } from '../limits.js'
import { atDestination } from './patience.js'
import type { CopyLog } from './side.js'

/** Large bodies in memory at a time. A single larger one is read all the same. */
const groupBytes = 64 * 1024 * 1024
/** Large bodies that are known to be at the destination. */
const remembered = 10_000

interface Large {
  readonly sha256: string
  readonly length: number
}

type Group = ReadonlyArray<Large>

/** Large bodies that were checked, ready to be written. */
export interface CheckedBlobs {
  /** Answers what was new at the destination. */
  write(): Promise<{ readonly blobs: number; readonly bytes: number }>
}

export interface BlobCopierDeps {
  readonly tenant: string
  readonly source: CopyLog
  readonly target: CopyLog
  readonly limits: Limits
  /** Throws once the copy is to end. */
  readonly goOn: () => void
}

export type BlobCopier = (commit: Commit) => Promise<CheckedBlobs>

export function makeBlobCopier({ tenant, source, target, limits, goOn }: BlobCopierDeps): BlobCopier {
  const copied = new LRUCache<string, true>({ max: remembered })

  const readAll = (group: Group, seq: number): Promise<Uint8Array[]> =>
    mapBounded(group, limits.concurrency, (large) => read(large, seq))

  async function read({ sha256: name, length }: Large, seq: number): Promise<Uint8Array> {
    goOn()
    const key = blobKey(tenant, name)
    const blob = await run(source.side.blobs.get(key))
    if (blob === undefined)
      throw annalsError('Corrupt', { key, problem: `the object is missing, though commit ${seq} names it` })
    if (blob.bytes.length !== length || sha256(blob.bytes) !== name)
      throw annalsError('Corrupt', { key, problem: 'its bytes do not have the hash that is its name' })
    return blob.bytes
  }

  /** Answers whether it was not there. */
  async function write({ sha256: name, length }: Large, bytes: Uint8Array): Promise<boolean> {
    goOn()
    const key = blobKey(tenant, name)
    const created = await run(target.side.blobs.createIfAbsent(key, bytes))
    const size = created === 'created' ? length : (await run(target.side.blobs.head(key)))?.size
    if (size !== length)
      throw annalsError('Corrupt', { key, problem: `it has ${size ?? 'no'} bytes, the source has ${length}` })
    copied.set(name, true)
    return created === 'created'
  }

  return async (commit) => {
    const groups = groupsOf(commit, (name) => copied.has(name))
    let held: Uint8Array[] | undefined
    for (const group of groups) held = await readAll(group, commit.seq)
    if (groups.length > 1) held = undefined
    return {
      async write() {
        const report = { blobs: 0, bytes: 0 }
        for (const group of groups) {
          const bodies = held ?? (await readAll(group, commit.seq))
          await mapBounded(group, limits.concurrency, async (large, i) => {
            if (!(await atDestination(() => write(large, bodies[i] as Uint8Array)))) return
            report.blobs++
            report.bytes += large.length
          })
        }
        return report
      },
    }
  }
}

/** The large bodies of a commit, each once, in groups that fit into memory. */
function groupsOf(commit: Commit, isCopied: (name: string) => boolean): Group[] {
  const all = new Map<string, Large>()
  for (const { event } of eventsOf(commit))
    if (event.blob !== undefined && !isCopied(event.blob))
      all.set(event.blob, { sha256: event.blob, length: event.length ?? 0 })
  const groups: Large[][] = []
  let room = 0
  for (const large of all.values()) {
    if (groups.length === 0 || large.length > room) {
      groups.push([])
      room = groupBytes
    }
    groups.at(-1)?.push(large)
    room -= large.length
  }
  return groups
}
