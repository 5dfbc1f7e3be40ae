/** Every request that goes over the wire, retries included: counted by tests, metered for operators. */
import type { HttpRequest, HttpResponse } from '@smithy/types'

export interface ServiceRequest {
  readonly service: ServiceName
  /** As AWS names it: `PutObject`, `UpdateItem`. */
  readonly operation: string
  /** Counts from 1; the SDK's own retries are 2 and more. */
  readonly attempt: number
  /** Of the answer; absent when there was none. */
  readonly status?: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Until the answer began, in milliseconds. */
  readonly ms: number
  /** The server's clock, by its `Date` header: milliseconds since 1970. */
  readonly serverTime?: number
}

export type ServiceName = 's3' | 'dynamodb' | 'streams' | 'secretsmanager'
export type OnRequest = (request: ServiceRequest) => void

/** What all AWS clients have in common. */
interface Watchable {
  readonly middlewareStack: { add(middleware: never, options: object): void }
}

/** Tells `onRequest` of every request of the client, closest to the wire. It must not throw. */
export function watchRequests(client: Watchable, service: ServiceName, onRequest: OnRequest): void {
  const middleware =
    (
      next: (args: { request: HttpRequest }) => Promise<{ response: HttpResponse }>,
      context: { commandName?: string },
    ) =>
    async (args: { request: HttpRequest }) => {
      const { request } = args
      const started = performance.now()
      const told = { service, operation: operationOf(context), attempt: attemptOf(request), bytesSent: sizeOf(request) }
      const since = (): number => performance.now() - started
      try {
        const result = await next(args)
        const { statusCode, headers } = result.response
        const serverTime = Date.parse(headers.date ?? '')
        onRequest({
          ...told,
          status: statusCode,
          bytesReceived: Number(headers['content-length'] ?? 0),
          ms: since(),
          ...(Number.isFinite(serverTime) && { serverTime }),
        })
        return result
      } catch (error) {
        onRequest({ ...told, bytesReceived: 0, ms: since() })
        throw error
      }
    }
  client.middlewareStack.add(middleware as never, { step: 'deserialize', priority: 'low', name: 'annalsRequests' })
}

const operationOf = ({ commandName = 'unknown' }: { commandName?: string }): string =>
  commandName.replace(/Command$/, '')

const attemptOf = ({ headers }: HttpRequest): number =>
  Number(/attempt=(\d+)/.exec(headers['amz-sdk-request'] ?? '')?.[1] ?? 1)

const sizeOf = ({ headers, body }: HttpRequest): number =>
  Number(headers['content-length'] ?? (typeof body === 'string' || body instanceof Uint8Array ? body.length : 0))
