/**
 * Copies one commit: everything of it is checked, then its large bodies are written, then its object, byte for byte, by the
 * conditional create that makes it a commit.
 */
import { type Commit, eventsOf } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { objectProblems } from '../../domain/object-check.js'
import { run } from '../../domain/task.js'
import { missingCommit, type OpenCommit } from '../read/log-reader.js'
import { diverged } from './beginning.js'
import { type BlobCopierDeps, makeBlobCopier } from './blobs.js'
import { atDestination } from './patience.js'
import type { CopyLog } from './side.js'

/** A commit that was checked, ready to be written. */
export interface CheckedCommit {
  readonly commit: Commit
  readonly write: () => Promise<Written>
}

export interface Written {
  readonly events: number
  readonly bytes: number
  /** Large bodies that were new. */
  readonly blobs: number
}

export function makeCommitCopier(deps: BlobCopierDeps): (opened: OpenCommit) => Promise<CheckedCommit> {
  const { source, target, goOn } = deps
  const checkBlobs = makeBlobCopier(deps)

  return async (opened) => {
    const { commit, bytes } = opened.whole ? opened : await readWhole(source, opened.commit)
    const key = source.log.key(commit.seq)
    for (const { problem } of objectProblems(commit, bytes)) throw annalsError('Corrupt', { key, problem })
    const blobs = await checkBlobs(commit)
    return {
      commit,
      async write() {
        const written = await blobs.write()
        goOn()
        await atDestination(() => create(target, commit, bytes))
        return { events: [...eventsOf(commit)].length, bytes: written.bytes + bytes.length, blobs: written.blobs }
      },
    }
  }
}

async function readWhole({ log }: CopyLog, { seq, hash }: Commit): Promise<OpenCommit> {
  const opened = await log.openWhole(seq)
  if (opened === undefined) throw missingCommit(log, seq)
  if (opened.commit.hash === hash) return opened
  throw annalsError('Corrupt', { key: log.key(seq), problem: 'it was not the same when it was read again' })
}

/** A number that is taken is taken by this very commit: an earlier try, or another copy. */
async function create({ side, log }: CopyLog, commit: Commit, bytes: Uint8Array): Promise<void> {
  const key = log.key(commit.seq)
  if ((await run(side.blobs.createIfAbsent(key, bytes))) === 'created') return
  const occupant = await run(side.blobs.get(key))
  if (occupant === undefined)
    throw annalsError('Unavailable', { operation: 'get', key, cause: 'an existing commit could not be read yet' })
  if (Buffer.compare(occupant.bytes, bytes) === 0) return
  const theirs = occupant.bytes.subarray(0, commit.bodiesAt)
  if (Buffer.compare(theirs, bytes.subarray(0, commit.bodiesAt)) === 0)
    throw annalsError('Corrupt', {
      key,
      problem: "it has the header of the source's commit, and other bytes behind it",
    })
  throw diverged(log, commit.seq, "its commit is not the source's")
}
