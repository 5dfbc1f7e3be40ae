/**
 * AWS clients whose server is a script: what each request is answered, in turn. The last answer stands for all that follow.
 * Clients are set up as in production, except that nothing waits before it is tried again.
 */
import { Readable } from 'node:stream'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { ConfiguredRetryStrategy } from '@smithy/core/retry'
import type { HttpRequest, HttpResponse } from '@smithy/types'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { expect } from 'vitest'
import { clientOptions, defaultBounds } from '../../../adapters/aws/client.js'
import type { AnnalsError, ErrorTag } from '../../../domain/error.js'

/** What a request is answered; an error is a failure of the connection. */
export type Step = Answer | Error | ((request: HttpRequest) => Answer | Error)

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** The connection breaks behind so many bytes of the body. */
  readonly cutAfter?: number
}

/** So many times the same. */
export const times = (count: number, step: Step): Step[] => Array.from({ length: count }, () => step)

/** How often one request is tried. */
export const { maxAttempts } = defaultBounds

export const secret = 'a-secret-access-key'

export function scripted(steps: ReadonlyArray<Step>) {
  const requests: HttpRequest[] = []
  const requestHandler = {
    async handle(request: HttpRequest): Promise<{ response: HttpResponse }> {
      const step = steps[Math.min(requests.push(request), steps.length) - 1] ?? new Error('the script is empty')
      const answer = typeof step === 'function' ? step(request) : step
      if (answer instanceof Error) throw answer
      return { response: { statusCode: answer.status, headers: { ...answer.headers }, body: bodyOf(answer) } }
    },
  }
  const options = {
    ...clientOptions({ region: 'eu-central-1', credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: secret } }),
    retryStrategy: new ConfiguredRetryStrategy(maxAttempts, 0),
    requestHandler: requestHandler as never,
  }
  return { requests, options }
}

export function scriptedS3(...steps: Step[]) {
  const { requests, options } = scripted(steps)
  const checksums = {
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  } as const
  return { requests, client: new S3Client({ ...options, ...checksums }) }
}

export function scriptedDynamo(...steps: Step[]) {
  const { requests, options } = scripted(steps)
  return { requests, client: new DynamoDBClient(options) }
}

/** What was sent to DynamoDB. */
export const sent = <A>(request: HttpRequest | undefined): A => JSON.parse(String(request?.body)) as A

export const operationOf = (request: HttpRequest): string | undefined => request.headers['x-amz-target']?.split('.')[1]

export const s3Error = (status: number, code: string, message = 'as the service words it'): Answer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
})

export const dynamoAnswer = (content: object): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: JSON.stringify(content),
})

export const dynamoError = (name: string, more: object = {}, status = 400): Answer => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'as worded there', ...more }),
})

/** A failure of the way to the server, as Node tells it. */
export const broken = (code: string, message = code): Error => Object.assign(new Error(message), { code })

/** The typed error of a step that has to fail with this tag. */
export async function failure<A>(step: TaskEither<AnnalsError, A>, tag: ErrorTag): Promise<AnnalsError> {
  const result = await step()
  if (result._tag === 'Right') throw new Error(`expected ${tag}, but it answered ${JSON.stringify(result.right)}`)
  expect(result.left._tag, result.left.message).toBe(tag)
  expect(result.left.message).not.toContain(secret)
  return result.left
}

function bodyOf({ body = '', cutAfter }: Answer): Readable {
  const bytes = Buffer.from(body)
  if (cutAfter === undefined) return Readable.from(bytes.length === 0 ? [] : [bytes])
  return Readable.from(
    (function* () {
      if (cutAfter > 0) yield bytes.subarray(0, cutAfter)
      throw broken('ECONNRESET', 'aborted')
    })(),
  )
}
