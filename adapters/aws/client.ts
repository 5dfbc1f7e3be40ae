/** What every AWS client of a store shares: where it connects, as whom, and the bounds of a request. */
import type { S3ClientConfig } from '@aws-sdk/client-s3'

export interface AwsConnection {
  /** The region of the service; without one the SDK looks in `AWS_REGION` and the shared configuration. */
  readonly region?: string
  /** A server other than AWS, `http://localhost:9000`. */
  readonly endpoint?: string
  /** Without them the SDK's standard provider chain is asked: environment, shared files, SSO, container, instance. */
  readonly credentials?: S3ClientConfig['credentials']
  readonly bounds?: Partial<RequestBounds>
}

/** Times in milliseconds. */
export interface RequestBounds {
  /** Tries of one request, the first included: throttles, 5xx and broken connections are tried again with jittered back-off. */
  readonly maxAttempts: number
  readonly connectMs: number
  /** From sending a request to the beginning of its answer. */
  readonly requestMs: number
  /** Silence on a connection in the middle of an answer. */
  readonly idleMs: number
  readonly maxSockets: number
}

export const defaultBounds: RequestBounds = {
  maxAttempts: 4,
  connectMs: 2_000,
  requestMs: 15_000,
  idleMs: 15_000,
  maxSockets: 256,
}

/** The constructor options of any AWS client. */
export function clientOptions({ region, endpoint, credentials, bounds }: AwsConnection) {
  const { maxAttempts, connectMs, requestMs, idleMs, maxSockets } = { ...defaultBounds, ...bounds }
  return {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
    retryMode: 'standard',
    maxAttempts,
    requestHandler: {
      connectionTimeout: connectMs,
      requestTimeout: requestMs,
      throwOnRequestTimeout: true,
      socketTimeout: idleMs,
      // Waiting for a connection is bounded by the caller's deadline; the SDK would only warn on the console.
      socketAcquisitionWarningTimeout: requestMs,
      httpAgent: { keepAlive: true, maxSockets },
      httpsAgent: { keepAlive: true, maxSockets },
    },
  }
}
