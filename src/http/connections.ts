/** What ends before there is a request, or without one: broken HTTP, and what Node would answer by itself. All with an outcome. */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { headersNamed } from './access/bearer.js'
import { HttpProblem, issueOf } from './failures.js'
import { fhirJson } from './formats.js'
import { inHeader, inMethod, inRequest, type Place } from './places.js'

interface Connection {
  /** Requests that wait for their answers, and these. */
  readonly underWay: Map<IncomingMessage, ServerResponse>
  /** One that had its answer before all of it had come. */
  answered?: IncomingMessage
  /** The last that happens on it. */
  end?: () => void
}

const connections = new WeakMap<Socket, Connection>()

function connectionOf(socket: Socket): Connection {
  const connection = connections.get(socket) ?? { underWay: new Map() }
  connections.set(socket, connection)
  return connection
}

/** The answers that are under way on it. */
export const answersOn = (socket: Socket): ReadonlyArray<ServerResponse> => [...connectionOf(socket).underWay.values()]

export function watchConnections(server: Server): void {
  // Who has sent everything and closes that side waits for an answer all the same.
  Object.assign(server, { httpAllowHalfOpen: true })
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = connectionOf(request.socket)
    connection.underWay.set(request, response)
    response.once('close', () => {
      connection.underWay.delete(request)
      if (!request.complete) connection.answered = request
      endInTurn(connection)
    })
  })
  server.on('checkExpectation', (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(unexpected.status, { 'content-type': fhirJson, connection: 'close' }).end(bodyOf(unexpected))
  })
  server.on('connect', (_: IncomingMessage, socket: Socket) => endWith(socket, noTunnel))
}

/** A name or an address, and a port: what links begin with. */
const host = /^(?:[\w.~%-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/** One, unless the client knows of none. (RFC 9112, 3.2) */
export function checkHost(request: FastifyRequest): void {
  const [given, ...others] = headersNamed(request, 'host')
  if (given === undefined && request.raw.httpVersion !== '1.1') return
  if (given === undefined) throw new HttpProblem(400, 'required', 'a Host header is needed', {}, inHeader('Host'))
  if (others.length > 0 || !host.test(given))
    throw new HttpProblem(400, 'value', 'the Host header has to name one host', {}, inHeader('Host'))
}

export function refuseBroken({ code = '' }: Error & { code?: string }, socket: Socket): void {
  endWith(
    socket,
    broken[code] ?? { status: 400, code: 'invalid', problem: 'this is no HTTP request', place: inRequest },
  )
}

interface Refusal {
  readonly status: number
  readonly code: string
  readonly problem: string
  readonly place: Place
}

const unexpected = {
  status: 417,
  code: 'not-supported',
  problem: '100-continue is the only expectation',
  place: inHeader('Expect'),
}
const noTunnel = { status: 405, code: 'not-supported', problem: 'this method is not supported', place: inMethod }

const broken: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'timeout',
    problem: 'the request took too long to arrive',
    place: inRequest,
  },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'too-long',
    problem: 'the URL and the headers are over the limit of this server',
    place: inRequest,
  },
}

function endWith(socket: Socket, refusal: Refusal): void {
  const connection = connectionOf(socket)
  // What comes behind broken HTTP is broken, too.
  if (connection.end !== undefined) return
  // Of a tunnel that is refused, Node hears the errors no more: a client that is gone would end the process.
  socket.on('error', () => undefined)
  connection.end = () => {
    const isAnswered = connection.answered?.complete === false
    if (socket.writable && !isAnswered) socket.write(bytesOf(refusal))
    socket.destroySoon()
  }
  endInTurn(connection)
}

/** Behind the answers to what came before: earlier, it would be taken for one of them. */
function endInTurn({ underWay, end }: Connection): void {
  if (![...underWay.keys()].some(({ complete }) => complete)) end?.()
}

function bytesOf(refusal: Refusal): string {
  const body = bodyOf(refusal)
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
    `Content-Type: ${fhirJson}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

const bodyOf = ({ code, problem, place }: Refusal): string => JSON.stringify(issueOf(code, problem, place))
