import assert from 'node:assert/strict'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError, ErrorTag } from '../../../domain/error.js'

/**
 * One promise of a port, as a sentence, and the check that fails if an adapter breaks it. It runs in any test framework:
 *
 *     for (const { promise, check } of blobStoreContract) test(promise, () => check(makeBlobStore))
 *
 * Every check makes stores of its own, which have to be empty.
 */
export interface ContractPromise<Make> {
  readonly promise: string
  readonly check: (make: Make) => Promise<void>
}

/** The step's error, which has to have this tag. */
export async function refusal<A>(step: TaskEither<AnnalsError, A>, tag: ErrorTag): Promise<AnnalsError> {
  const result = await step()
  assert.ok(result._tag === 'Left', `expected ${tag}, but the call succeeded`)
  assert.equal(result.left._tag, tag)
  return result.left
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes)
