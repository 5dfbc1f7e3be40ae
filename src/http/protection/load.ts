/** How much is under way, and when it is too much: then a client hears 503 at once, instead of making all others wait. */
import type { Socket } from 'node:net'
import { HttpProblem } from '../failures.js'
import type { HttpSettings } from '../settings.js'
import type { Exchange, Observer } from '../telemetry/exchange.js'

export type Bound = 'requests' | 'bodies' | 'event-loop' | 'connections'

export interface Load {
  readonly requests: number
  readonly bodyBytes: number
  /** Every one, also those that have not asked for anything yet. */
  readonly connections: Set<Socket>
  /** How often each bound has turned somebody away. */
  readonly refused: Record<Bound, number>
  /** Counts a request until it is over, or throws what turns it away. */
  admit(exchange: Exchange): void
  /** Makes room for bytes of its body until it is over, or throws what turns it away. */
  hold(exchange: Exchange, bytes: number): void
  /** Gives back what it took. */
  readonly leave: Observer
  close(): void
}

type Bounds = Pick<HttpSettings, 'maxRequestsInFlight' | 'maxBodyBytesInFlight' | 'maxEventLoopDelayMs'>

/** How often the event loop is looked at, in milliseconds. */
const lookMs = 250

export function makeLoad({ maxRequestsInFlight, maxBodyBytesInFlight, maxEventLoopDelayMs }: Bounds): Load {
  const refused = { requests: 0, bodies: 0, 'event-loop': 0, connections: 0 }
  let requests = 0
  let bodyBytes = 0
  /** One long step, such as a large Bundle, is no overload. */
  let lateLooks = 0
  let due = performance.now() + lookMs
  const looking = setInterval(() => {
    const now = performance.now()
    lateLooks = now - due > maxEventLoopDelayMs ? lateLooks + 1 : 0
    due = now + lookMs
  }, lookMs).unref()

  function refuse(bound: Bound, what: string): never {
    refused[bound] += 1
    throw new HttpProblem(503, 'throttled', `${what}; send the request again later`, {}, {})
  }

  return {
    get requests() {
      return requests
    },
    get bodyBytes() {
      return bodyBytes
    },
    connections: new Set(),
    refused,
    admit(exchange) {
      if (requests >= maxRequestsInFlight) refuse('requests', 'too many requests are under way')
      if (lateLooks > 1) refuse('event-loop', 'the server is overloaded')
      requests += 1
      exchange.isAdmitted = true
    },
    hold(exchange, bytes) {
      // Whatever the bound is, one body alone may be there.
      if (bodyBytes > 0 && bodyBytes + bytes > maxBodyBytesInFlight)
        refuse('bodies', 'the bodies of the requests under way take too much memory')
      bodyBytes += bytes
      exchange.heldBytes += bytes
    },
    leave({ isAdmitted, heldBytes }) {
      if (isAdmitted) requests -= 1
      bodyBytes -= heldBytes
    },
    close: () => clearInterval(looking),
  }
}
