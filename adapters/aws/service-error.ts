/**
 * What an AWS service or the way to it answered, as a typed error.
 *
 * `StorageRefused` promises that nothing was changed. So a write is refused only by what the service itself answers to
 * its one and only try: after an earlier try of the SDK's own whose outcome is not known, a refusal is `Unavailable`, and
 * so is an answer that cannot be read.
 */
import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry'
import { type AnnalsError, annalsError, isAnnalsError } from '../../domain/error.js'

/** The call that failed. */
export interface ServiceCall {
  readonly operation: string
  /** The object's key or the item's: never a content. */
  readonly key: string
  /** Whether the call changes something. */
  readonly writes: boolean
  /** Set by a call of many requests once one of them may have been applied: no answer is a refusal from then on. */
  mayHaveWritten?: boolean
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
  const inDoubt = call.writes && (call.mayHaveWritten === true || attemptsOf(failure) > 1)
  const tag = isRefusal(failure) && !isPassing(failure) && !inDoubt ? 'StorageRefused' : 'Unavailable'
  return annalsError(tag, { operation, key, cause: sentence(failure) })
}

/** The tries of a request by its answer or its error, the SDK's own included. */
export const attemptsOf = (outcome: unknown): number => (outcome as ServiceFailure).$metadata?.attempts ?? 1

/** An answer that is none of the service, though it looks like a success: a page of a proxy, perhaps. */
export const unreadable = ($metadata: ServiceFailure['$metadata']): Error =>
  Object.assign(new Error('the answer is not of this service'), { $metadata })

const isServiceFailure = (failure: ServiceFailure): boolean =>
  failure.$metadata !== undefined ||
  failure.$fault !== undefined ||
  failure.name === 'CredentialsProviderError' ||
  isTransientError(failure as never) ||
  isCut(failure)

/** The service has said no, or was not asked for want of credentials. */
const isRefusal = (failure: ServiceFailure): boolean =>
  failure.name === 'CredentialsProviderError' || (failure.$fault !== undefined && statusOf(failure) < 500)

const statusOf = ({ $metadata, $response }: ServiceFailure): number =>
  $metadata?.httpStatusCode ?? $response?.statusCode ?? 0

/** The same call may succeed later. */
const isPassing = (failure: ServiceFailure): boolean =>
  isThrottlingError(failure as never) ||
  isTransientError(failure as never) ||
  isServerError(failure as never) ||
  statusOf(failure) >= 500 ||
  isCut(failure)

/** The connection ended in the middle of an answer. */
export const isCut = (failure: Error & { readonly code?: string }): boolean =>
  failure.message === 'aborted' || failure.code === 'ERR_STREAM_PREMATURE_CLOSE'

function sentence(failure: ServiceFailure): string {
  // What cannot be read is not passed on: it may be a piece of a content.
  if (failure.$fault === undefined && failure.code === undefined && statusOf(failure) > 0)
    return `the answer cannot be read (status ${statusOf(failure)}): is there a proxy that changes answers?`
  const name = failure.code ?? failure.name
  const known = advice[failure.name]
  const said = failure.message.slice(0, maxMessage)
  return known === undefined ? `${name}: ${said}` : `${name}: ${known}`
}
