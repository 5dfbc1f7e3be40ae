/**
 * What an AWS service or the way to it answered, as a typed error.
 *
 * `StorageRefused` promises that nothing was changed. So a write is refused only by the answer to its one and only try:
 * after an earlier try of the SDK's own whose outcome is not known, a refusal is `Unavailable`.
 */
import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry'
import { type AnnalsError, annalsError, isAnnalsError } from '../../domain/error.js'

/** The call that failed. */
export interface ServiceCall {
  readonly operation: string
  /** The object's key or the item's: never a content. */
  readonly key: string
  /** Whether the call may have changed something. */
  readonly writes: boolean
}

/** The parts of the SDK's errors that are looked at: service answers, connection errors, missing credentials. */
interface ServiceFailure extends Error {
  readonly code?: string
  readonly $fault?: 'client' | 'server'
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number }
  readonly $response?: { readonly statusCode?: number }
}

const advice: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket, and Annals never creates one: create it, or correct its name',
  AccessDenied: 'these credentials lack a permission: compare them with the policies of docs/operations.md',
  AccessDeniedException: 'these credentials lack a permission: compare them with the policies of docs/operations.md',
  ResourceNotFoundException: "there is no such table: create it with 'annals bootstrap', or correct its name",
  InvalidAccessKeyId: 'the server does not know this access key',
  SignatureDoesNotMatch: 'the secret key does not belong to this access key, or a proxy changes requests',
  UnrecognizedClientException: 'the server does not know this access key',
  ExpiredToken: 'the session has expired: sign in again',
  ExpiredTokenException: 'the session has expired: sign in again',
  RequestTimeTooSkewed: "this machine's clock is wrong: set it right",
  CredentialsProviderError:
    'no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE',
}

/** The longest message of a service that is passed on, in characters. */
const maxMessage = 300

/** The typed error of what a call threw. What neither a service nor the network said is a defect and thrown again. */
export function serviceError(error: unknown, call: ServiceCall): AnnalsError {
  if (isAnnalsError(error)) return error
  const failure = error as ServiceFailure
  if (!(error instanceof Error) || !isServiceFailure(failure)) throw error
  const { operation, key } = call
  const inDoubt = call.writes && (failure.$metadata?.attempts ?? 1) > 1
  const tag = isPassing(failure) || inDoubt ? 'Unavailable' : 'StorageRefused'
  return annalsError(tag, { operation, key, cause: sentence(failure) })
}

const isServiceFailure = (failure: ServiceFailure): boolean =>
  failure.$metadata !== undefined ||
  failure.$fault !== undefined ||
  failure.name === 'CredentialsProviderError' ||
  isTransientError(failure as never) ||
  isCut(failure)

/** The same call may succeed later. */
const isPassing = (failure: ServiceFailure): boolean =>
  isThrottlingError(failure as never) ||
  isTransientError(failure as never) ||
  isServerError(failure as never) ||
  (failure.$response?.statusCode ?? 0) >= 500 ||
  isCut(failure)

/** The connection ended in the middle of an answer. */
export const isCut = (failure: Error & { readonly code?: string }): boolean =>
  failure.message === 'aborted' || failure.code === 'ERR_STREAM_PREMATURE_CLOSE'

function sentence(failure: ServiceFailure): string {
  const name = failure.code ?? failure.name
  const known = advice[failure.name]
  const said = failure.message.slice(0, maxMessage)
  return known === undefined ? `${name}: ${said}` : `${name}: ${known}`
}
