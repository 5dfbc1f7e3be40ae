/**
 * Bodies of requests: read whole, within the bounds of one and of all together, and not for ever. A client that asks first
 * (`Expect: 100-continue`) is told to go on only when nothing is left that would refuse its body.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HttpProblem } from '../failures.js'
import { inBody } from '../places.js'
import type { HttpSettings } from '../settings.js'
import { goOn } from './http-server.js'
import type { Load } from './load.js'

type Payload = NodeJS.ReadableStream
type Done = (error: Error | null, body?: Buffer) => void

/** A body that is on its way. */
interface Reading {
  readonly begun: number
  received: number
  fail(problem: HttpProblem): void
}

type Patience = Pick<HttpSettings, 'requestTimeoutMs' | 'minBodyBytesPerSecond'>

export function addBodies(app: FastifyInstance, settings: Patience, load: Load): void {
  const underWay = new Set<Reading>()
  const sweep = setInterval(() => endSlow(underWay, settings), sweepMs(settings)).unref()
  app.addHook('onClose', async () => clearInterval(sweep))
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, done) => {
    // Nobody will look at it.
    if (request.is404) return done(null)
    read(request, payload, load, underWay, done)
  })
}

const sweepMs = ({ requestTimeoutMs }: Patience): number => Math.min(1_000, Math.max(10, requestTimeoutMs / 4))

/** Whoever brings bytes fast enough may take as long as that takes. */
function endSlow(underWay: ReadonlySet<Reading>, { requestTimeoutMs, minBodyBytesPerSecond }: Patience): void {
  const now = performance.now()
  for (const reading of underWay) {
    const allowed = requestTimeoutMs + (reading.received / minBodyBytesPerSecond) * 1_000
    if (now - reading.begun > allowed) reading.fail(tooSlow())
  }
}

function read(request: FastifyRequest, payload: Payload, load: Load, underWay: Set<Reading>, done: Done): void {
  const { exchange, headers } = request
  const limit = request.routeOptions.bodyLimit
  const announced = Number(headers['content-length'] ?? 0)
  if (announced > limit) throw tooLong(limit)
  load.hold(exchange, announced)
  const chunks: Buffer[] = []
  const reading: Reading = { begun: performance.now(), received: 0, fail: (problem) => end(problem) }
  underWay.add(reading)

  const onData = (chunk: Buffer): void => {
    reading.received += chunk.length
    chunks.push(chunk)
    try {
      if (reading.received > limit) throw tooLong(limit)
      // What comes in chunks was not announced.
      if (reading.received > exchange.heldBytes) load.hold(exchange, reading.received - exchange.heldBytes)
    } catch (error) {
      end(error as Error)
    }
  }
  const onEnd = (): void => end(null)
  const onError = (): void => end(new HttpProblem(400, 'structure', 'the body is not whole', {}, inBody))

  function end(problem: Error | null): void {
    underWay.delete(reading)
    payload.off('data', onData).off('end', onEnd).off('error', onError)
    done(problem, problem === null ? Buffer.concat(chunks, reading.received) : undefined)
  }

  payload.on('data', onData).on('end', onEnd).on('error', onError)
  goOn(request.raw)
}

const tooLong = (limit: number): HttpProblem =>
  new HttpProblem(413, 'too-long', `the body is over the limit of ${limit} bytes`, {}, inBody)

const tooSlow = (): HttpProblem =>
  new HttpProblem(408, 'timeout', 'the body came too slowly; send the request again', { connection: 'close' }, inBody)
