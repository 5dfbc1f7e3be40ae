/**
 * What the writer knows of resources and requests at its own head.
 *
 * What commits have changed that are not published yet is pinned: the pointer store cannot answer for it, so it may not be
 * forgotten. What is published moves to a bounded cache, which is exact as long as the writer applies every
 * commit that it passes, and is emptied when it skips some.
 */
import { LRUCache } from 'lru-cache'
import type { Commit } from '../../domain/commit.js'
import { sha256 } from '../../domain/commit.js'
import type { Current } from '../../domain/decide.js'
import { pointersOf, type Receipt, type VersionPointer } from '../../domain/pointer.js'
import { refKey } from '../../domain/resource.js'

/** A resource that has no version at all. */
export const absent = { version: 0, deleted: false, seq: 0, index: 0, at: 0 } as const

export interface States {
  /** `undefined`: not known here. `absent`: known not to exist. */
  get(key: string): Current | undefined
  /** Whether the state is of a commit that is not published: the pointer store would not answer for it. */
  isPinned(key: string): boolean
  receipt(requestHash: string): Receipt | undefined
  /** Remembers what was read from the pointer store. */
  learn(key: string, current: Current): void
  /** Pins what a commit at the head leaves behind. */
  apply(commit: Commit, partition: number, changes: ReadonlyMap<string, Current>): void
  /** The pointers of the commits up to this one are in the pointer store now. */
  published(seq: number): void
  /** Forgets what is not pinned. */
  skip(): void
}

export function makeStates(max: number): States {
  // Bounded by `max`, it would make room for so many at once: most logs of many tenants are opened for a few writes.
  const cache = new LRUCache<string, Current>({ maxSize: Math.max(1, max), sizeCalculation: () => 1 })
  const receipts = new Map<string, Receipt>()
  const commits = new Map<number, { changes: ReadonlyMap<string, Current>; requests: ReadonlyArray<string> }>()

  /** At most a few commits are unpublished at a time; the latest one counts. */
  function pinned(key: string): Current | undefined {
    let latest: Current | undefined
    for (const { changes } of commits.values()) latest = changes.get(key) ?? latest
    return latest
  }

  return {
    get: (key) => pinned(key) ?? cache.get(key),
    isPinned: (key) => pinned(key) !== undefined,
    receipt: (requestHash) => receipts.get(requestHash),
    learn: (key, current) => void cache.set(key, current),
    apply(commit, partition, changes) {
      const requests: string[] = []
      commit.header.transactions.forEach(({ request, requestDigest = '' }, transaction) => {
        if (request === undefined) return
        const requestHash = sha256(request)
        receipts.set(requestHash, { partition, seq: commit.seq, transaction, digest: requestDigest })
        requests.push(requestHash)
      })
      commits.set(commit.seq, { changes, requests })
    },
    published(seq) {
      // What is published includes everything below it: a commit that this writer is still publishing may be overtaken
      // by others, and must not come back as the latest.
      for (const [number, commit] of commits) {
        if (number > seq) break
        commits.delete(number)
        // A first version is rarely followed by a second one soon; caching all of them would push out what is.
        for (const [key, current] of commit.changes)
          if (current.version > 1 || cache.has(key)) cache.set(key, withoutBody(current))
        for (const request of commit.requests) if (receipts.get(request)?.seq === number) receipts.delete(request)
      }
    },
    skip: () => cache.clear(),
  }
}

export const currentOf = (pointer: VersionPointer): Current => ({
  version: pointer.version,
  deleted: pointer.op === 'delete',
  seq: pointer.seq,
  index: pointer.index,
  at: pointer.at,
  keyed: pointer.keyed,
})

/** What a commit leaves behind, for a commit that this writer did not decide. */
export function changesOf(commit: Commit, partition: number): ReadonlyMap<string, Current> {
  const changes = new Map<string, Current>()
  for (const pointer of pointersOf(commit, partition)) changes.set(refKey(pointer), currentOf(pointer))
  return changes
}

const withoutBody = ({ version, deleted, seq, index, at, keyed }: Current): Current => ({
  version,
  deleted,
  seq,
  index,
  at,
  keyed,
})
