/**
 * A proxy that stands before a server and makes its answers fail: before the server has seen a request, after it has
 * applied it, or in the middle of the answer. Rules name the requests to hit; rates leave it to chance that a seed decides.
 *
 * Requests pass byte for byte, the Host header included, for their signature covers it. Requests and answers are held
 * whole in memory.
 */
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { makeRandom } from '../simulation/random.js'
import { type Answer, applicationError, send, sendPart, throttle } from './fault-answers.js'

export const faults = [
  'delay', // the request reaches the server late, also when its sender has given up meanwhile
  'throttle', // S3's 503 SlowDown or DynamoDB's 400 ProvisionedThroughputExceededException; not applied
  'error-before', // 500, not applied
  'error-after', // 500, applied
  'reset-before', // RST, not applied
  'reset-after', // RST, applied
  'drop', // applied, and the connection is closed without an answer
  'cut', // applied, and the connection is closed in the middle of the answer
] as const
export type Fault = (typeof faults)[number]

export interface FaultRule {
  readonly fault: Fault
  readonly method?: string
  /** Held against the path with its query. */
  readonly path?: RegExp
  /** DynamoDB's operation, such as `PutItem`: the end of `x-amz-target`. */
  readonly operation?: string
  /** How many of the matching requests pass before it begins to hit. Default 0. */
  readonly after?: number
  /** How many it hits. Default: all. */
  readonly times?: number
}

export interface FaultPlan {
  /** The first rule that hits decides. */
  readonly rules?: ReadonlyArray<FaultRule>
  /** The chance of each fault for a request that no rule hits; together at most 1. */
  readonly rates?: Partial<Readonly<Record<Fault, number>>>
}

export interface FaultProxyOptions extends FaultPlan {
  /** The server, `http://127.0.0.1:9000`. */
  readonly target: string
  /** Requests are decided in the order of their arrival. Default 1. */
  readonly seed?: number
  /** Default 20. */
  readonly delayMs?: number
}

export interface FaultProxy {
  readonly url: string
  /** Everything that arrived, and what was injected. */
  readonly counts: { readonly requests: number; readonly injected: Readonly<Record<Fault, number>> }
  /** From now on; without any rule and rate everything passes. Rules begin to count anew. */
  follow(plan: FaultPlan): void
  /** Resolves once the server has answered everything that was passed on. */
  stop(): Promise<void>
}

export async function startFaultProxy({
  target,
  seed = 1,
  delayMs = 20,
  ...first
}: FaultProxyOptions): Promise<FaultProxy> {
  const random = makeRandom(seed)
  const counts = {
    requests: 0,
    injected: Object.fromEntries(faults.map((fault) => [fault, 0])) as Record<Fault, number>,
  }
  const busy = new Set<Promise<void>>()
  let decide = decider(first, random.next)

  const server = createServer((request, response) => {
    counts.requests++
    const fault = decide(request)
    if (fault !== undefined) counts.injected[fault]++
    const work = handle(request, response, fault)
      // The server is gone, or the sender is: either way the sender's connection ends.
      .catch(() => void response.destroy())
      .finally(() => busy.delete(work))
    busy.add(work)
  })

  async function handle(request: IncomingMessage, response: ServerResponse, fault?: Fault): Promise<void> {
    const body = await wholeBody(request)
    if (fault === 'reset-before') return void request.socket.resetAndDestroy()
    if (fault === 'error-before') return send(response, applicationError(request))
    if (fault === 'throttle') return send(response, throttle(request))
    if (fault === 'delay') await wait(delayMs)
    const answer = await forward(target, request, body)
    if (fault === 'reset-after') return void request.socket.resetAndDestroy()
    if (fault === 'drop') return void request.socket.destroy()
    if (fault === 'error-after') return send(response, applicationError(request))
    if (fault === 'cut') return sendPart(response, answer)
    send(response, answer)
  }

  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    counts,
    follow: (plan) => {
      decide = decider(plan, random.next)
    },
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await Promise.all(busy)
      server.closeAllConnections()
      await closed
    },
  }
}

/** What befalls a request: by the rules first, then by chance. One draw for each request, whatever the rules say. */
function decider(
  { rules = [], rates = {} }: FaultPlan,
  draw: () => number,
): (request: IncomingMessage) => Fault | undefined {
  const seen = rules.map(() => 0)
  return (request) => {
    let rest = draw()
    for (const [i, rule] of rules.entries()) {
      if (!matches(rule, request)) continue
      const { after = 0, times = Number.POSITIVE_INFINITY } = rule
      const before = seen[i]!
      seen[i] = before + 1
      if (before >= after && before < after + times) return rule.fault
    }
    for (const fault of faults) {
      rest -= rates[fault] ?? 0
      if (rest < 0) return fault
    }
    return undefined
  }
}

function matches({ method, path, operation }: FaultRule, request: IncomingMessage): boolean {
  const target = String(request.headers['x-amz-target'] ?? '')
  return (
    (method === undefined || method === request.method) &&
    (path === undefined || path.test(request.url ?? '')) &&
    (operation === undefined || target.endsWith(`.${operation}`))
  )
}

async function wholeBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Each request on a connection of its own, so that no fault happens that was not injected. */
function forward(target: string, { method, url, rawHeaders }: IncomingMessage, body: Buffer): Promise<Answer> {
  const { hostname, port } = new URL(target)
  // `Expect` has been answered already.
  const headers = rawHeaders.filter((_, i) => !/^(expect|connection)$/i.test(rawHeaders[i - (i % 2)]!))
  return new Promise((resolve, reject) => {
    const options = { hostname, port, method, path: url, headers, agent: false }
    const request = httpRequest(options as RequestOptions, (answer) => {
      wholeBody(answer).then(
        (content) => resolve({ status: answer.statusCode ?? 500, headers: answer.rawHeaders, body: content }),
        reject,
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}
