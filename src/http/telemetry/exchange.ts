/** A request and its answer, measured: what the access log, the metrics and the traces are told, when it is over. */
import type { Socket } from 'node:net'
import type { Span } from '@opentelemetry/api'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface Exchange {
  /** The pattern that the router has matched, such as `/fhir/:type/:id`; `undefined`: none. */
  readonly route: string | undefined
  readonly method: string
  /** Of the answer that was sent, or begun. 499, as proxies have it, where the client was gone before there was one. */
  status: number
  /** From the end of the request's head to the end of the answer, in milliseconds. */
  ms: number
  /** On the wire, heads included. */
  bytesIn: number
  bytesOut: number
  /** The client has gone, or was let go, before it had its answer. */
  isCut: boolean
  /** The tenant, once it is known that there is one of this name. */
  tenant?: string
  /** The stable code of what has failed. */
  failure?: string
  /** Of OpenTelemetry, where somebody hears of it. */
  span?: Span
  /** What it takes of the server's bounds. */
  isAdmitted: boolean
  heldBytes: number
}

export type Observer = (exchange: Exchange, request: FastifyRequest) => void

declare module 'fastify' {
  interface FastifyRequest {
    exchange: Exchange
  }
}

const gone = 499

/** Bytes that a connection had brought when its last exchange was over. */
const readBefore = new WeakMap<Socket, number>()

/** An injected request has a connection without bytes. */
const read = ({ bytesRead }: Partial<Socket>): number => bytesRead ?? 0
const written = ({ bytesWritten }: Partial<Socket>): number => bytesWritten ?? 0

/** Begins an exchange. `observers` hear of it once, whatever becomes of it. */
export function beginExchange(request: FastifyRequest, reply: FastifyReply, observers: ReadonlyArray<Observer>): void {
  const { socket } = request.raw
  const started = performance.now()
  const writtenBefore = written(socket)
  const exchange: Exchange = {
    route: request.routeOptions.url,
    method: request.method,
    status: 0,
    ms: 0,
    bytesIn: 0,
    bytesOut: 0,
    isCut: false,
    isAdmitted: false,
    heldBytes: 0,
  }
  request.exchange = exchange
  const { raw } = reply
  raw.once('close', () => {
    exchange.isCut = !raw.writableFinished
    exchange.status = raw.headersSent ? raw.statusCode : gone
    exchange.ms = performance.now() - started
    exchange.bytesIn = read(socket) - (readBefore.get(socket) ?? 0)
    exchange.bytesOut = written(socket) - writtenBefore
    readBefore.set(socket, read(socket))
    for (const observe of observers) observe(exchange, request)
  })
}
