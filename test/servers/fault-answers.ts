/** The answers of the fault proxy: the server's own, a part of it, or an error as S3 and DynamoDB word it. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'

export interface Answer {
  readonly status: number
  /** Names and values in turn, as they came. */
  readonly headers: string[]
  readonly body: Buffer
}

/** DynamoDB names its operation in a header; whatever does not is S3. */
const isDynamoDb = ({ headers }: IncomingMessage): boolean => headers['x-amz-target'] !== undefined

export const throttle = (request: IncomingMessage): Answer =>
  isDynamoDb(request)
    ? dynamoDbError(400, 'ProvisionedThroughputExceededException', 'The level of configured throughput was exceeded.')
    : s3Error(503, 'SlowDown', 'Please reduce your request rate.')

export const applicationError = (request: IncomingMessage): Answer =>
  isDynamoDb(request)
    ? dynamoDbError(500, 'InternalServerError', 'Internal server error')
    : s3Error(500, 'InternalError', 'We encountered an internal error. Please try again.')

function dynamoDbError(status: number, name: string, message: string): Answer {
  const type = `com.amazonaws.dynamodb.v20120810#${name}`
  const headers = ['Content-Type', 'application/x-amz-json-1.0', 'x-amzn-errortype', type]
  return withLength(status, headers, JSON.stringify({ __type: type, message }))
}

const s3Error = (status: number, code: string, message: string): Answer =>
  withLength(
    status,
    ['Content-Type', 'application/xml'],
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  )

function withLength(status: number, headers: string[], text: string): Answer {
  const body = Buffer.from(text)
  return { status, headers: [...headers, 'Content-Length', `${body.length}`], body }
}

export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers)
  response.end(body)
}

/** Half of the body, or of the first line where there is none, and then the end of the connection. */
export function sendPart(response: ServerResponse, { status, headers, body }: Answer): void {
  const socket = response.socket
  if (socket === null) return
  const end = (): void => void socket.destroy()
  if (body.length === 0) {
    const line = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`
    socket.write(line.slice(0, line.length / 2), end)
    return
  }
  response.writeHead(status, headers)
  response.write(body.subarray(0, body.length / 2), end)
}
