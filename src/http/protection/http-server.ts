/** The server below Fastify: how many connections there are, and how long each may take. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { answersOn, watchConnections } from '../connections.js'
import type { HttpSettings } from '../settings.js'
import type { Observer } from '../telemetry/exchange.js'
import type { Load } from './load.js'

/** How long a client may go on sending what nobody reads any more: it may not look for an answer before it has sent everything. */
const lingerMs = 5_000

/** Requests that wait to be told that their body is wanted, and what they are answered with. */
const asking = new WeakMap<IncomingMessage, { readonly response: ServerResponse; readonly keepAlive: boolean }>()

export function makeServer(settings: HttpSettings, load: Load, handler: RequestListener): Server {
  const { headersTimeoutMs, keepAliveTimeoutMs, connectionTimeoutMs, maxConnections, maxHeaderBytes } = settings
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    // Bodies have their own patience.
    requestTimeout: 0,
    // Node would refuse without an outcome.
    requireHostHeader: false,
    maxHeaderSize: maxHeaderBytes,
    connectionsCheckingInterval: Math.min(1_000, Math.max(10, headersTimeoutMs / 4)),
  })
  server.maxConnections = maxConnections
  // The size of the head bounds them; beyond a count Node would leave out headers without a word, an If-Match among them.
  server.maxHeadersCount = 0
  server.setTimeout(connectionTimeoutMs)
  server.on('connection', (socket) => {
    load.connections.add(socket)
    socket.once('close', () => load.connections.delete(socket))
  })
  server.on('drop', () => {
    load.refused.connections += 1
  })
  server.on('request', handler)
  watchConnections(server)
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    asking.set(request, { response, keepAlive: response.shouldKeepAlive })
    // Whoever is refused may send its body all the same, or not: nothing can follow on this connection.
    response.shouldKeepAlive = false
    server.emit('request', request, response)
  })
  return server
}

/** Tells a client that asked first to send its body. */
export function goOn(request: IncomingMessage): void {
  const asked = asking.get(request)
  if (asked === undefined) return
  asking.delete(request)
  asked.response.shouldKeepAlive = asked.keepAlive
  // Node would put it into the answer, if that had to wait for others: between its head and its body.
  if (answersOn(request.socket).length === 1) asked.response.writeContinue()
}

/** Lets go of a client that has had its answer and does not stop sending. What it sends is discarded meanwhile. */
export const letGo: Observer = (_, { raw }) => {
  const { socket } = raw
  // An injected request has no connection that could be.
  if (raw.complete || socket.destroyed !== false) return
  const patience = setTimeout(() => socket.destroy(), lingerMs).unref()
  raw.once('close', () => clearTimeout(patience))
}
