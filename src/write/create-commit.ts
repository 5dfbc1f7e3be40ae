/**
 * The commit point: one conditional create, repeated with the same bytes until its outcome is known (rules 2 to 4).
 */
import { type AnnalsError, annalsError } from '../../domain/error.js'
import type { BlobStore } from '../../domain/ports/index.js'
import type { LogReader } from '../read/log-reader.js'
import type { EncodedCommit } from './encode.js'

export interface CreateDeps {
  readonly blobs: BlobStore
  readonly log: LogReader
  /** Waits before the next try; answers false when the writer was stopped. */
  readonly pause: (attempt: number, cause: AnnalsError) => Promise<boolean>
}

/** `won`: the commit is in the log. `lost`: another commit has this number, and ours certainly did not happen. */
export async function createCommit(deps: CreateDeps, { bytes, commit }: EncodedCommit): Promise<'won' | 'lost'> {
  const { blobs, log } = deps
  let inDoubt = false
  for (let attempt = 0; ; attempt++) {
    const created = await blobs.createIfAbsent(log.key(commit.seq), bytes)()
    const outcome = created._tag === 'Left' ? created.left : await verdict(created.right)
    if (outcome === 'won' || outcome === 'lost') return outcome
    // A refusal says that this attempt did nothing; it says nothing of an earlier one that is still in doubt, nor of who
    // has taken the number.
    if (!inDoubt && created._tag === 'Left' && outcome._tag !== 'Unavailable') throw outcome
    inDoubt = true
    if (!(await deps.pause(attempt, outcome)))
      throw annalsError('OutcomeUnknown', { log: log.name, seq: commit.seq, cause: outcome.message })
  }

  async function verdict(answer: 'created' | 'exists'): Promise<'won' | 'lost' | AnnalsError> {
    if (answer === 'created') return 'won'
    try {
      // Rule 3: the number is taken, perhaps by an earlier attempt of our own whose answer was lost.
      const occupant = await log.open(commit.seq)
      if (occupant === undefined)
        return annalsError('Unavailable', {
          operation: 'get',
          key: log.key(commit.seq),
          cause: 'an existing commit could not be read yet',
        })
      return occupant.commit.header.id === commit.header.id ? 'won' : 'lost'
    } catch (error) {
      const { _tag } = error as AnnalsError
      if (_tag === 'Unavailable' || _tag === 'StorageRefused') return error as AnnalsError
      throw error
    }
  }
}
